import { expect, test } from '@jest/globals'
import { sumOfMetric } from '../../src/servers/http.ts'

test('metric: several series → the sum of those with the labels', () => {
  const exposition = [
    '# HELP rocketmq_messages_in_total Messages appended.',
    'rocketmq_messages_in_total{topic="a",node="x"} 3',
    'rocketmq_messages_in_total{topic="a",node="y"} 4',
    'rocketmq_messages_in_total{topic="ab",node="x"} 100',
    'rocketmq_messages_in_total_other{topic="a"} 1000',
  ].join('\n')
  expect(sumOfMetric(exposition, 'rocketmq_messages_in_total', { topic: 'a' })).toBe(7)
  expect(sumOfMetric(exposition, 'rocketmq_messages_in_total', { topic: 'none' })).toBe(0)
})
