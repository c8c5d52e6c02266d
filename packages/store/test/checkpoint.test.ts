import { expect, test } from '@jest/globals'
import { writeGeneration } from '@rocketmq-ts/runtime'
import { createManualEffects } from '@rocketmq-ts/testkit'
import {
  decodeStoreCheckpoint,
  encodeStoreCheckpoint,
  readCheckpoints,
  readStoreCheckpoint,
  writeCheckpoint,
  writeStoreCheckpoint,
} from '../src/checkpoint.ts'
import { decodeQueueStates, encodeQueueStates } from '../src/queue-states.ts'
import { readFlushedMark, writeFlushedMark } from '../src/flushed-mark.ts'

const STORE_CHECKPOINT = {
  physicMsgTimestamp: 1_700_000_000_000,
  logicsMsgTimestamp: 1_700_000_000_001,
  indexMsgTimestamp: 3,
  masterFlushedOffset: 4,
  confirmPhyOffset: 5,
}

test("store checkpoint: Apache's five fields → 40 bytes of 4096, and back", () => {
  const bytes = encodeStoreCheckpoint(STORE_CHECKPOINT)
  expect(bytes.length).toBe(4096)
  expect(Buffer.from(bytes.subarray(0, 40)).toString('hex')).toBe(
    '0000018bcfe568000000018bcfe56801000000000000000300000000000000040000000000000005',
  )
  expect(decodeStoreCheckpoint(bytes)).toEqual(STORE_CHECKPOINT)
  expect(decodeStoreCheckpoint(new Uint8Array(4096)).confirmPhyOffset).toBe(0)
})

test('store checkpoint: written → read again; what can not be read → none', async () => {
  const { files } = createManualEffects()
  await files.makeFolder('/s')
  expect(await readStoreCheckpoint(files, '/s/checkpoint')).toBeUndefined()
  await writeStoreCheckpoint(files, '/s/checkpoint', STORE_CHECKPOINT)
  expect(await readStoreCheckpoint(files, '/s/checkpoint')).toEqual(STORE_CHECKPOINT)
  const file = await files.open('/s/checkpoint', 'must-exist')
  file.writeSync(16, [new Uint8Array(8).fill(0x7f)])
  expect(await readStoreCheckpoint(files, '/s/checkpoint')).toBeUndefined()
  await file.truncate(20)
  expect(await readStoreCheckpoint(files, '/s/checkpoint')).toBeUndefined()
})

test('checkpoint: written → read with all queues; the two newest generations stay', async () => {
  const { files } = createManualEffects()
  await files.makeFolder('/s')
  const queues = [{ topic: 'T', queueId: 7, min: 1, max: 2 }]
  const times = { beginTimestampMs: 1, endTimestampMs: 2, beginOffset: 3, endOffset: 4 }
  const index = { coversTo: 9, files: [{ name: '20261121170000000', ...times, usedSlots: 5, count: 6 }] }
  for (const coversTo of [10, 20, 30]) {
    await writeCheckpoint(
      files,
      '/s/q',
      { coversTo, min: 0, queues: encodeQueueStates(queues), index },
      async () => undefined,
    )
  }
  const { valid, damaged } = await readCheckpoints(files, '/s/q')
  expect(valid.map(({ coversTo }) => coversTo)).toEqual([30, 20])
  expect([[...valid[0]!.queues], valid[0]!.index, damaged]).toEqual([queues, index, []])
})

test('checkpoint: queues with units in it → the same queues; others of the same topic take no second name', async () => {
  const { files } = createManualEffects()
  await files.makeFolder('/s')
  const units = Buffer.alloc(40, 7)
  const packed = [
    { pack: 3, at: 0, units: 4, crc: 0xffff_ffff, position: 2 ** 50 },
    { pack: 2 ** 32 - 1, at: 2 ** 32 - 20, units: 5, crc: 0, position: Infinity },
  ]
  const queues = [
    { topic: 'Grüße', queueId: 0, min: 5, max: 7, units },
    { topic: 'Grüße', queueId: 1, min: 0, max: 0 },
    { topic: 'U', queueId: 0, min: 0, max: 2 ** 40, units },
    { topic: 'V', queueId: 0, min: 1, max: 12, packed, units },
    { topic: 'V', queueId: 1, min: 1, max: 9, packed },
  ]
  const states = encodeQueueStates(queues)
  await writeCheckpoint(files, '/s/q', { coversTo: 1, min: 0, queues: states, index: undefined }, async () => undefined)
  expect([...(await readCheckpoints(files, '/s/q')).valid[0]!.queues]).toEqual(queues)
  const { bytes } = states
  expect(bytes.length).toBe(5 * 34 + 7 + 1 + 1 + 3 * 40 + 4 * 24)
  for (let length = 1; length < bytes.length; length += 1) {
    expect([...(decodeQueueStates(bytes.subarray(0, length)) ?? [])].length).toBeLessThan(5)
  }
})

test('checkpoint: more units in packs than a queue has → can not be', () => {
  const { bytes } = encodeQueueStates([
    { topic: 'T', queueId: 0, min: 0, max: 3, packed: [{ pack: 1, at: 0, units: 4, crc: 0, position: 0 }] },
  ])
  expect(decodeQueueStates(bytes)).toBeUndefined()
})

test('checkpoint: of the form without packs → read, and what a start writes from it is of the new form', async () => {
  const { files } = createManualEffects()
  await files.makeFolder('/s')
  const head = Buffer.from(JSON.stringify({ min: 3 }))
  const fields = Buffer.alloc(4 + head.length + 2 + 1 + 28 + 20)
  let at = fields.writeUInt32BE(head.length)
  at += head.copy(fields, at)
  at = fields.writeUInt16BE(1, at)
  at += fields.write('T', at)
  for (const value of [7, 1, 2]) at = fields.writeDoubleBE(value, at)
  fields.writeUInt32BE(1, at)
  await writeGeneration(files, '/s/q', { kind: 'STCP', version: 2, coversTo: 10, payload: fields })
  const { valid } = await readCheckpoints(files, '/s/q')
  const queue = { topic: 'T', queueId: 7, min: 1, max: 2, units: Buffer.alloc(20) }
  expect([...valid[0]!.queues]).toEqual([queue])
  await writeCheckpoint(files, '/s/q', valid[0]!, async () => undefined)
  expect([...(await readCheckpoints(files, '/s/q')).valid[0]!.queues]).toEqual([queue])
})

test('checkpoint: of the older form, all of it JSON → read', async () => {
  const { files } = createManualEffects()
  await files.makeFolder('/s')
  const payload = Buffer.from(JSON.stringify({ min: 3, queues: [['T', 7, 1, 2]] }))
  await writeGeneration(files, '/s/q', { kind: 'STCP', version: 1, coversTo: 10, payload })
  const { valid } = await readCheckpoints(files, '/s/q')
  expect(valid).toMatchObject([{ coversTo: 10, min: 3 }])
  expect([...valid[0]!.queues]).toEqual([{ topic: 'T', queueId: 7, min: 1, max: 2 }])
})

test('checkpoint: the log can not be flushed that far → the file does not take its name', async () => {
  const { files } = createManualEffects()
  await files.makeFolder('/s')
  const content = { coversTo: 10, min: 0, queues: encodeQueueStates([]), index: undefined }
  const refused = writeCheckpoint(files, '/s/q', content, async () => {
    throw new Error('no sync')
  })
  await expect(refused).rejects.toThrow('no sync')
  expect((await readCheckpoints(files, '/s/q')).valid).toEqual([])
})

test('flushed mark: written, and a damaged newest one → the one before, never a higher one', async () => {
  const { files, machine } = createManualEffects()
  await files.makeFolder('/s')
  expect(await readFlushedMark(files, '/s/flushed')).toBeUndefined()
  await writeFlushedMark(files, '/s/flushed', 100)
  await writeFlushedMark(files, '/s/flushed', 200)
  expect(await readFlushedMark(files, '/s/flushed')).toBe(200)
  machine.disk.flipBit('/s/flushed.2', 27, 5)
  expect(await readFlushedMark(files, '/s/flushed')).toBe(100)
})
