import { expect, test } from '@jest/globals'
import { formatRecallHandle, parseRecallHandle } from '@rocketmq-ts/model'

const JAVA = 'djEgVDEgYnJva2VyLWEgMTcwMDAwMDAwMDAwMCA3RjAwMDAwMTAwMDAwMDAwMDAwMDAwMDAwMDBBMDAwMQ=='
const HANDLE = {
  topic: 'T1',
  brokerName: 'broker-a',
  dueMs: 1_699_999_999_999,
  uniqueKey: '7F0000010000000000000000000A0001',
}

test('recall handle: the text of Java, there and back', () => {
  expect(formatRecallHandle(HANDLE)).toBe(JAVA)
  expect(parseRecallHandle(JAVA)).toEqual(HANDLE)
  expect(parseRecallHandle(JAVA.replaceAll('=', ''))).toEqual(HANDLE)
})

test('recall handle: a unique key with blanks → the same comes out', () => {
  const handle = { ...HANDLE, uniqueKey: 'a key  of the client' }
  expect(parseRecallHandle(formatRecallHandle(handle))).toEqual(handle)
})

test.each([
  '',
  'no base64 at all!',
  JAVA.slice(0, 20),
  Buffer.from('v2 T1 broker-a 1700000000000 KEY').toString('base64url'),
  Buffer.from('v1 T1 broker-a soon KEY').toString('base64url'),
  Buffer.from('v1 T1 broker-a 0 KEY').toString('base64url'),
  Buffer.from('v1  broker-a 1700000000000 KEY').toString('base64url'),
  Buffer.from('v1 T1 broker-a 1700000000000').toString('base64url'),
  'A'.repeat(2049),
])('recall handle: %j → malformed', (text) => {
  expect(() => parseRecallHandle(text)).toThrow(expect.objectContaining({ code: 'handle-malformed' }))
})
