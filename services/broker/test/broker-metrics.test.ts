import { expect, test } from '@jest/globals'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createBrokerMetrics, createTrafficCounters, type MetricsSources } from '../src/broker-metrics.ts'
import { createInflight } from '../src/inflight/inflight.ts'
import { TOPICS_MAX } from '../src/limits.ts'
import { startBroker } from './broker-harness.ts'

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
  const metrics = createTrafficCounters(counting)
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
  const samples = samplesOf(await broker.settled(metrics.expose()))
  const ofTopic = 'topic="T",message_type="normal",is_system="false"'
  const ofGroup = 'topic="T",consumer_group="G",is_system="false",is_retry="false"'
  expect(samples.get(`rocketmq_messages_in_total{${ofTopic}}`)).toBe(3)
  expect(samples.get('rocketmq_message_size_count{message_type="normal",is_system="false"}')).toBe(3)
  expect(samples.get(`rocketmq_messages_out_total{${ofGroup}}`)).toBe(2)
  expect(samples.get(`rocketmq_consumer_lag_messages{${ofGroup}}`)).toBe(2)
  expect(samples.get(`rocketmq_consumer_inflight_messages{${ofGroup}}`)).toBe(1)
  expect(samples.get(`rocketmq_consumer_ready_messages{${ofGroup}}`)).toBe(1)
  expect(bucketsOf(samples)).toEqual({ acked: 1, inFlight: 1, waiting: 1 })
  expect(samples.get('rocketmq_ts_ledger_unbalanced_queues')).toBe(0)
  expect(samples.get('rocketmq_ts_ready')).toBe(1)
  await broker.deleteTopic('T')
  const gone = await broker.settled(metrics.expose())
  expect(gone).not.toContain('rocketmq_ts_ledger_messages{topic="T"')
  expect(gone).not.toContain('rocketmq_consumer_lag_messages{topic="T"')
})

test('metrics: requests → counted by code, with the name of the answer, and those that waited apart', async () => {
  const metrics = createMetricsRegistry()
  const broker = await startBroker({}, { metrics })
  await broker.send('T', 'a')
  await broker.pop('T', 'G')
  await broker.pop('T', 'G', { pollMs: 1000 })
  const counts = countsOf(samplesOf(await broker.settled(metrics.expose())), 'rocketmq_rpc_latency_milliseconds_count')
  const codes = (request: string, response: string, waited: boolean) =>
    `protocol_type="remoting",request_code="${request}",response_code="${response}",is_long_polling="${waited}",result="success"`
  expect(counts).toEqual(
    new Map([
      [codes('send_message_v2', 'success', false), 1],
      [codes('pop_message', 'success', false), 1],
      [codes('pop_message', 'polling_timeout', true), 1],
    ]),
  )
})

test('metrics: lag in time → the age of the oldest message not settled, and of the oldest never delivered, per group', async () => {
  const metrics = createMetricsRegistry()
  const broker = await startBroker({}, { metrics })
  const ages = async () => {
    const samples = samplesOf(await broker.settled(metrics.expose()))
    const ofGroup = 'topic="T",consumer_group="G",is_system="false",is_retry="false"'
    return [
      Math.round((samples.get(`rocketmq_consumer_lag_latency_milliseconds{${ofGroup}}`) ?? NaN) / 1000),
      Math.round((samples.get(`rocketmq_consumer_queueing_latency_milliseconds{${ofGroup}}`) ?? NaN) / 1000),
    ]
  }
  await broker.send('T', 'first')
  await broker.advance(10_000)
  await broker.send('T', 'second', { queueId: 1 })
  const popped = await broker.pop('T', 'G', { max: 1, queueId: 0 })
  await broker.pop('T', 'other', { queueId: 1 })
  expect(await ages()).toEqual([10, 0])
  await broker.advance(10_000)
  expect(await ages()).toEqual([20, 0])
  await broker.send('T', 'third', { queueId: 0 })
  await broker.advance(5_000)
  expect(await ages()).toEqual([25, 5])
  await broker.ack('T', 'G', popped[0]!)
  expect(await ages()).toEqual([5, 5])
  await broker.ack('T', 'G', (await broker.pop('T', 'G', { queueId: 0 }))[0]!)
  expect(await ages()).toEqual([0, 0])
})

test('metrics: after a restart → lag in time comes from the disk', async () => {
  const metrics = createMetricsRegistry()
  const broker = await startBroker({}, { metrics })
  await broker.send('T', 'a')
  await broker.send('T', 'b')
  await broker.ack('T', 'G', (await broker.pop('T', 'G', { max: 1 }))[0]!)
  await broker.stop()
  await broker.restart()
  await broker.advance(60_000)
  const samples = samplesOf(await broker.settled(metrics.expose()))
  const lagMs = countsOf(samples, 'rocketmq_consumer_lag_latency_milliseconds')
  expect([...lagMs.values()][0]).toBeGreaterThanOrEqual(60_000)
  expect([...lagMs.values()][0]).toBeLessThan(70_000)
})

test('metrics: single queues of a group → on demand only, for the group and topic asked for', async () => {
  const metrics = createMetricsRegistry()
  const broker = await startBroker({}, { metrics })
  for (const queueId of [0, 1, 1]) await broker.send('T', 'x', { queueId })
  await broker.send('U', 'x')
  for (const topic of ['T', 'U']) await broker.pop(topic, 'G', { max: 1, queueId: 0 })
  await broker.pop('T', 'G', { max: 1, queueId: 1 })
  await broker.advance(3_000)
  expect(await broker.settled(metrics.expose())).not.toContain('queue_id=')
  const detail = async (filter: Record<string, string>) =>
    samplesOf(await broker.settled(metrics.exposeDetail(new Map(Object.entries(filter)))))
  const lag = (samples: ReadonlyMap<string, number>) =>
    Object.fromEntries(countsOf(samples, 'rocketmq_ts_queue_lag_messages'))
  const ofT = await detail({ group: 'G', topic: 'T' })
  expect(lag(ofT)).toEqual({
    'topic="T",consumer_group="G",queue_id="0"': 1,
    'topic="T",consumer_group="G",queue_id="1"': 2,
  })
  expect(ofT.get('rocketmq_ts_queue_inflight_messages{topic="T",consumer_group="G",queue_id="1"}')).toBe(1)
  expect(ofT.get('rocketmq_ts_queue_ready_messages{topic="T",consumer_group="G",queue_id="1"}')).toBe(1)
  const age = ofT.get('rocketmq_ts_queue_lag_latency_milliseconds{topic="T",consumer_group="G",queue_id="0"}')
  expect(age).toBeGreaterThanOrEqual(3_000)
  expect(Object.keys(lag(await detail({ group: 'G' })))).toHaveLength(3)
  expect(lag(await detail({ group: 'nobody' }))).toEqual({})
})

test('metrics: the store → writes, flushes, files, room on the disk and the age of the oldest message', async () => {
  const metrics = createMetricsRegistry()
  const broker = await startBroker({}, { metrics })
  broker.machine.disk.capacityBytes = 1e9
  await broker.send('T', 'a')
  await broker.advance(5_000)
  const samples = samplesOf(await broker.settled(metrics.expose()))
  const disk = 'storage_type="local",storage_medium="disk"'
  const free = samples.get('rocketmq_ts_disk_free_bytes') ?? NaN
  expect(free + (samples.get(`rocketmq_storage_size_bytes{${disk}}`) ?? NaN)).toBe(1e9)
  expect(samples.get('rocketmq_ts_store_segments')).toBe(1)
  expect(samples.get('rocketmq_ts_store_write_milliseconds_count')).toBeGreaterThan(0)
  expect(samples.get('rocketmq_ts_store_flush_milliseconds_count')).toBeGreaterThan(0)
  expect(samples.get('rocketmq_ts_turn_milliseconds_count')).toBeGreaterThan(0)
  expect(samples.get(`rocketmq_storage_message_reserve_time_milliseconds{${disk}}`)).toBeGreaterThanOrEqual(5_000)
  for (const name of ['rocketmq_storage_flush_behind_bytes', 'rocketmq_storage_dispatch_behind_bytes']) {
    expect(samples.get(`${name}{${disk}}`)).toBe(0)
  }
  expect(samples.get('rocketmq_ts_disk_full')).toBe(0)
  expect(samples.get('rocketmq_ts_store_refuses')).toBe(0)
})

test('metrics: a Turn that holds up the broker → told of with its limit; a quick one is only measured', async () => {
  const registry = createMetricsRegistry()
  const events: unknown[] = []
  const sources = {
    inflight: createInflight({ maxAttempts: () => 17 }),
    logger: { ...silentLogger, warn: (event: unknown) => void events.push(event) },
  }
  const metrics = createBrokerMetrics(registry, { ...sources } as unknown as MetricsSources)
  metrics.turned({ jobs: 2, handledMs: 1, tookMs: 2 })
  metrics.turned({ jobs: 900, handledMs: 310.4, tookMs: 320.6 })
  expect(events).toEqual([{ event: 'turn.slow', jobs: 900, handledMs: 310, tookMs: 321, limitMs: 250 }])
})

test('metrics: pops at a bound → counted under the bound', async () => {
  const registry = createMetricsRegistry()
  const metrics = createTrafficCounters(registry)
  metrics.full('T', 'G', 'queue-entries')
  metrics.full('T', 'G', 'queue-entries')
  expect(await registry.expose()).toContain(
    'rocketmq_ts_pop_full_total{topic="T",consumer_group="G",bound="queue-entries"} 2',
  )
})

/** Values by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

/** The series of one name by their labels. */
function countsOf(samples: ReadonlyMap<string, number>, name: string): Map<string, number> {
  const found = [...samples].filter(([key]) => key.startsWith(`${name}{`))
  return new Map(found.map(([key, value]) => [key.slice(name.length + 1, -1), value]))
}

function bucketsOf(samples: ReadonlyMap<string, number>): Record<string, number> {
  const counts = countsOf(samples, 'rocketmq_ts_ledger_messages')
  return Object.fromEntries([...counts].map(([labels, count]) => [/bucket="(\w+)"/.exec(labels)?.[1] ?? '', count]))
}
