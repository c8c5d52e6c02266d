import { expect, test } from '@jest/globals'
import {
  formatMessageOffsetInfo,
  formatOrderCountInfo,
  formatStartOffsetInfo,
  parseMessageOffsetInfo,
  parseOrderCountInfo,
  parseStartOffsetInfo,
  queueOffset,
} from '../src/index.ts'
import { codeOf } from './thrown.ts'

test('startOffsetInfo: two queues → one entry each, and back', () => {
  const entries = [
    { topicKind: 'normal' as const, queueId: 0, startOffset: queueOffset(12) },
    { topicKind: 'retry-v1' as const, queueId: 0, startOffset: queueOffset(3) },
  ]
  expect(formatStartOffsetInfo(entries)).toBe('0 0 12;1 0 3')
  expect(parseStartOffsetInfo('0 0 12;1 0 3')).toEqual(entries)
})

test('msgOffsetInfo: offsets of a queue → joined with commas, and back', () => {
  const entries = [{ topicKind: 'normal' as const, queueId: 3, queueOffsets: [5, 6, 9].map(queueOffset) }]
  expect(formatMessageOffsetInfo(entries)).toBe('0 3 5,6,9')
  expect(parseMessageOffsetInfo('0 3 5,6,9')).toEqual(entries)
})

test('orderCountInfo: counts of queues and of messages → both forms, and back', () => {
  const entries = [
    { topicKind: 'normal' as const, queueId: 3, consumeTimes: 1 },
    { topicKind: 'normal' as const, queueId: 3, queueOffset: queueOffset(7), consumeTimes: 2 },
  ]
  expect(formatOrderCountInfo(entries)).toBe('0 3 1;0 qo3%7 2')
  expect(parseOrderCountInfo('0 3 1;0 qo3%7 2')).toEqual(entries)
})

test('pop infos: empty text → no entries', () => {
  expect(parseStartOffsetInfo('')).toEqual([])
})

test.each(['0 1', '0 1 2 3', '3 0 1', '0 x 1', '0 0 -1', '0 0 1;0 0 2', '0 0 1;', '0 0 9007199254740993'])(
  "startOffsetInfo: '%s' → protocol error",
  (text) => {
    expect(codeOf(() => parseStartOffsetInfo(text))).toBe('protocol')
  },
)

test.each(['0 0 1,', '0 0 1,x', '0 0 '])("msgOffsetInfo: '%s' → protocol error", (text) => {
  expect(codeOf(() => parseMessageOffsetInfo(text))).toBe('protocol')
})

test('pop infos: more entries than the bound → protocol error', () => {
  const text = Array.from({ length: 4097 }, (_, queueId) => `0 ${queueId} 1`).join(';')
  expect(codeOf(() => parseStartOffsetInfo(text))).toBe('protocol')
})
