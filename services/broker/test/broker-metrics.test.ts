import { expect, test } from '@jest/globals'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import { createBrokerMetrics } from '../src/broker-metrics.ts'
import { TOPICS_MAX } from '../src/limits.ts'
import { startBroker } from './broker-harness.ts'

const NOTHING = {
  ledger: () => [],
  topics: () => 0,
  groups: () => 0,
  flushBehindBytes: () => 0,
  storeRefuses: () => false,
}

test('metrics: topics come and go without end → the registry bounds its series, and no more are remembered', async () => {
  const registry = createMetricsRegistry({ seriesMax: 10 })
  let made = 0
  const counting = {
    ...registry,
    counter: ((definition) => {
      const counter = registry.counter(definition)
      return {
        ...counter,
        with(labels: Parameters<typeof counter.with>[0]) {
          made += 1
          return counter.with(labels)
        },
      }
    }) as typeof registry.counter,
  }
  const metrics = createBrokerMetrics(counting, NOTHING)
  for (let index = 0; index <= TOPICS_MAX; index += 1) metrics.sent(`topic-${index}`, 1)
  made = 0
  // What is remembered costs no look-up; what was forgotten is looked up again and still counts.
  metrics.sent('topic-0', 1)
  expect(made).toBe(2)
  metrics.sent('topic-0', 1)
  expect(made).toBe(2)
  const lines = (await registry.expose()).split('\n').filter((line) => line.startsWith('rocketmq_messages_in_total{'))
  expect(lines.length).toBeLessThanOrEqual(11)
  expect(lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(TOPICS_MAX + 3)
})

test('metrics: messages in, out and left over → counted under topic and group; a deleted topic leaves no gauge', async () => {
  const metrics = createMetricsRegistry()
  const broker = await startBroker({}, { metrics })
  for (const body of ['a', 'b', 'c']) await broker.send('T', body)
  await broker.ack('T', 'G', (await broker.pop('T', 'G', { max: 2 }))[0]!)
  const text = await metrics.expose()
  const value = (name: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${name}{`))
      ?.split(' ')
      .at(-1)
  expect(value('rocketmq_messages_in_total')).toBe('3')
  expect(value('rocketmq_messages_out_total')).toBe('2')
  expect(value('rocketmq_consumer_lag_messages')).toBe('2')
  expect(value('rocketmq_consumer_inflight_messages')).toBe('1')
  expect(value('rocketmq_consumer_ready_messages')).toBe('1')
  await broker.deleteTopic('T')
  expect(await metrics.expose()).not.toContain('rocketmq_ts_ledger_messages{topic="T"')
})

test('metrics: pops at a bound → counted under the bound', async () => {
  const registry = createMetricsRegistry()
  const metrics = createBrokerMetrics(registry, NOTHING)
  metrics.full('T', 'G', 'queue-entries')
  metrics.full('T', 'G', 'queue-entries')
  expect(await registry.expose()).toContain(
    'rocketmq_ts_pop_full_total{topic="T",consumer_group="G",bound="queue-entries"} 2',
  )
})
