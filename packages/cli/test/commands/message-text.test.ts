import { expect, test } from '@jest/globals'
import { deflateSync, zstdCompressSync } from 'node:zlib'
import type { PoppedMessage } from '@rocketmq-ts/cluster-client'
import { SysFlag } from '@rocketmq-ts/model'
import { messageDocument } from '../../src/commands/message-text.ts'

function received(body: Uint8Array, sysFlag: number) {
  const record = { topic: 't', queueId: 0, queueOffset: 0, body, sysFlag, bornTimestampMs: 1, storeTimestampMs: 2 }
  const message = { record, properties: new Map(), reconsumeTimes: 0, handleText: 'h' } as unknown as PoppedMessage
  return { message, brokerName: 'broker-a' }
}

const text = 'compressed by a 4.x client'

test.each([
  ['zlib, as the flag says', deflateSync(text), SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZLIB],
  ['zlib, as older clients leave it', deflateSync(text), SysFlag.COMPRESSED],
  ['zstd', zstdCompressSync(text), SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZSTD],
])('body: %s → decompressed', (_kind, body, sysFlag) => {
  expect(messageDocument(received(body, sysFlag))).toMatchObject({ body: text })
})

test.each([
  ['lz4, which Node can not read', SysFlag.COMPRESSION_LZ4, 'lz4'],
  ['damaged zlib', SysFlag.COMPRESSION_ZLIB, 'zlib'],
  ['damaged zstd', SysFlag.COMPRESSION_ZSTD, 'zstd'],
])('body: %s → as it came, and it says so', (_kind, flag, compression) => {
  const document = messageDocument(received(Buffer.from([0xff, 1, 2]), SysFlag.COMPRESSED | flag))
  expect(document).toMatchObject({ bodyBase64: '/wEC', compression })
  expect(document).not.toHaveProperty('body')
})

test('body: zlib that grows beyond all bounds → as it came', () => {
  const bomb = deflateSync(Buffer.alloc(65 * 1024 * 1024))
  expect(messageDocument(received(bomb, SysFlag.COMPRESSED))).toMatchObject({ compression: 'zlib' })
})

test('message id: without a unique key → the place', () => {
  expect(messageDocument(received(Buffer.from('x'), 0)).messageId).toBe('t/0@0')
})
