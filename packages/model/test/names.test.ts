import { expect, test } from '@jest/globals'
import {
  checkGroupName,
  checkTopicName,
  deadLetterTopicOf,
  isForbiddenToSend,
  isSystemGroup,
  isSystemTopic,
  popRetryTopicOf,
  retryTopicOf,
} from '../src/index.ts'
import { codeOf } from './thrown.ts'

test('names: legal topics and groups → accepted up to their length', () => {
  expect(checkTopicName('a-Z_0%|')).toBe('a-Z_0%|')
  expect(checkTopicName('t'.repeat(127))).toHaveLength(127)
  expect(checkTopicName(retryTopicOf('g'.repeat(248)))).toHaveLength(255)
  expect(checkGroupName('g'.repeat(120))).toHaveLength(120)
})

test.each(['', ' ', 'a b', 'ä', '../x', 'a\0b', 't'.repeat(128)])("names: topic '%.10s' → topic-illegal", (name) => {
  expect(codeOf(() => checkTopicName(name))).toBe('topic-illegal')
})

test.each(['', 'a.b', 'g'.repeat(121)])("names: group '%.10s' → group-illegal", (name) => {
  expect(codeOf(() => checkGroupName(name))).toBe('group-illegal')
})

test('names: derived from a group → as Apache builds them', () => {
  expect(retryTopicOf('g')).toBe('%RETRY%g')
  expect(deadLetterTopicOf('g')).toBe('%DLQ%g')
  expect(popRetryTopicOf('g', 't')).toBe('%RETRY%g_t')
  expect(popRetryTopicOf('g', 't', 2)).toBe('%RETRY%g+t')
})

test('names: of the system → known, and closed to senders', () => {
  expect(['TBW102', 'rmq_sys_REVIVE_LOG_C', 'user'].map(isSystemTopic)).toEqual([true, true, false])
  expect(['TOOLS_CONSUMER', 'CID_RMQ_SYS_x', 'user'].map(isSystemGroup)).toEqual([true, true, false])
  expect(['SCHEDULE_TOPIC_XXXX', 'rmq_sys_INFLIGHT_LOG', 'TBW102'].map(isForbiddenToSend)).toEqual([true, true, false])
})
