import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  commitLogOffset,
  formatReceiptHandle,
  MqError,
  parseReceiptHandle,
  queueOffset,
  type ReceiptHandle,
} from '../src/index.ts'
import { codeOf } from './thrown.ts'

test('receipt handle: Apache text → its parts', () => {
  expect(parseReceiptHandle('12 1700000000000 60000 3 0 broker-a 1 14')).toEqual({
    startOffset: 12,
    popTimeMs: 1_700_000_000_000,
    invisibleMs: 60_000,
    reviveQueueId: 3,
    topicKind: 'normal',
    brokerName: 'broker-a',
    queueId: 1,
    queueOffset: 14,
  })
})

test('receipt handle: ninth part → the commit log offset', () => {
  expect(parseReceiptHandle('12 1 60000 999 2 b 1 14 4096')).toMatchObject({
    topicKind: 'retry-v2',
    commitLogOffset: 4096,
  })
})

test('receipt handle: seven parts of an old client → the offset beside it, malformed without one', () => {
  expect(parseReceiptHandle('12 1 60000 3 1 b 1', 14)).toMatchObject({ topicKind: 'retry-v1', queueOffset: 14 })
  expect(codeOf(() => parseReceiptHandle('12 1 60000 3 1 b 1'))).toBe('handle-malformed')
})

test.each([
  ['', 'has 1 parts'],
  ['12 1 60000 3 0 b 1 14 5 6', 'has 10 parts'],
  ['x 1 60000 3 0 b 1 14', 'startOffset'],
  ['12 -1 60000 3 0 b 1 14', 'popTime'],
  ['12 1 6e4 3 0 b 1 14', 'invisibleTime'],
  ['12 1 60000 4294967296 0 b 1 14', 'reviveQueueId'],
  ['12 1 60000 3 3 b 1 14', 'retryFlag'],
  ['12 1 60000 3 0  1 14', 'brokerName'],
  ['12 1 60000 3 0 b 1 9007199254740993', 'queueOffset'],
  [`12 1 60000 3 0 ${'b'.repeat(1024)} 1 14`, 'is longer than'],
])("receipt handle: '%.40s' → malformed, and the message names '%s'", (text, part) => {
  expect(() => parseReceiptHandle(text)).toThrow(part)
})

test('receipt handle: any handle → the same after its text', () => {
  const handles = fc.record(
    {
      startOffset: fc.maxSafeNat().map(queueOffset),
      popTimeMs: fc.maxSafeNat(),
      invisibleMs: fc.maxSafeNat(),
      reviveQueueId: fc.nat(),
      topicKind: fc.constantFrom('normal' as const, 'retry-v1' as const, 'retry-v2' as const),
      brokerName: fc.stringMatching(/^[^ ]{1,64}$/),
      queueId: fc.nat(),
      queueOffset: fc.maxSafeNat().map(queueOffset),
      commitLogOffset: fc.maxSafeNat().map(commitLogOffset),
    },
    {
      requiredKeys: [
        'startOffset',
        'popTimeMs',
        'invisibleMs',
        'reviveQueueId',
        'topicKind',
        'brokerName',
        'queueId',
        'queueOffset',
      ],
    },
  )
  fc.assert(
    fc.property(handles, (handle) => {
      expect(parseReceiptHandle(formatReceiptHandle(handle as ReceiptHandle))).toEqual(handle)
    }),
  )
})

test('receipt handle: any text → a handle or MqError', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('1', ' ', 'b', '-', '.') }))
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseReceiptHandle(text)
      } catch (error) {
        expect(error).toBeInstanceOf(MqError)
      }
    }),
  )
})
