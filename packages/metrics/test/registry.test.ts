import { expect, test } from '@jest/globals'
import { counter, createMetricsRegistry, gauge, histogram, type MetricDefinition, MetricName } from '../src/index.ts'

const SENT = counter('sent_total', 'Sent.', { open: ['topic'], fixed: ['kind'] })
const DEPTH = gauge('depth', 'Depth.', { open: ['topic'] })
const AGE = gauge('age_milliseconds', 'Age.', { open: ['topic'], other: 'max' })
const TOOK = histogram('took_milliseconds', 'Took.', [1, 10])

test('metrics: counter, gauge and histogram → text of Prometheus', async () => {
  const registry = createMetricsRegistry()
  const sent = registry.counter(SENT)
  sent.add({ topic: 'a', kind: 'normal' })
  sent.with({ topic: 'a', kind: 'normal' }).add(2)
  registry.gauge(DEPTH).set({ topic: 'quote " slash \\ line \n' }, 1.5)
  const took = registry.histogram(TOOK)
  for (const value of [0.5, 1, 2, 50]) took.record({}, value)
  expect(await registry.expose()).toBe(
    [
      '# HELP sent_total Sent.',
      '# TYPE sent_total counter',
      'sent_total{topic="a",kind="normal"} 3',
      '# HELP depth Depth.',
      '# TYPE depth gauge',
      'depth{topic="quote \\" slash \\\\ line \\n"} 1.5',
      '# HELP took_milliseconds Took.',
      '# TYPE took_milliseconds histogram',
      'took_milliseconds_bucket{le="1"} 2',
      'took_milliseconds_bucket{le="10"} 3',
      'took_milliseconds_bucket{le="+Inf"} 4',
      'took_milliseconds_sum 53.5',
      'took_milliseconds_count 4',
      '',
    ].join('\n'),
  )
})

test('metrics: more series than the bound → the rest counts as other, fixed labels are kept', async () => {
  const registry = createMetricsRegistry({ seriesMax: 2 })
  for (const topic of ['a', 'b', 'c', 'd', 'a']) registry.counter(SENT).add({ topic, kind: 'normal' })
  registry.counter(SENT).add({ topic: 'e', kind: 'fifo' })
  expect(samplesOf(await registry.expose())).toEqual([
    'sent_total{topic="a",kind="normal"} 2',
    'sent_total{topic="b",kind="normal"} 1',
    'sent_total{topic="other",kind="normal"} 2',
    'sent_total{topic="other",kind="fifo"} 1',
  ])
})

test('metrics: gauges beyond the bound → add up in other, ages show the oldest, set anew at every scrape', async () => {
  const registry = createMetricsRegistry({ seriesMax: 1 })
  const depths = ['a', 'b', 'c'].map((topic) => registry.gauge(DEPTH).with({ topic }))
  const ages = ['a', 'b', 'c'].map((topic) => registry.gauge(AGE).with({ topic }))
  registry.collect(() => {
    for (const depth of depths) depth.set(5)
    for (const [index, age] of ages.entries()) age.set(10 - index)
  })
  await registry.expose()
  expect(samplesOf(await registry.expose())).toEqual([
    'depth{topic="a"} 5',
    'depth{topic="other"} 10',
    'age_milliseconds{topic="a"} 10',
    'age_milliseconds{topic="other"} 9',
  ])
})

test('metrics: a series is removed → gone, its place is free, and that of another node stays', async () => {
  const registry = createMetricsRegistry({ seriesMax: 2 })
  const [one, two] = ['one', 'two'].map((node) => registry.withLabels({ node_id: node }).gauge(DEPTH))
  const gone = one!.with({ topic: 'a' })
  gone.set(1)
  two!.set({ topic: 'a' }, 2)
  gone.remove()
  one!.set({ topic: 'b' }, 3)
  expect(samplesOf(await registry.expose())).toEqual([
    'depth{node_id="two",topic="a"} 2',
    'depth{node_id="one",topic="b"} 3',
  ])
})

test('metrics: many series → other work runs while they are set and while they are written', async () => {
  const pauses: string[] = []
  let phase = 'set'
  const pace = () => {
    pauses.push(phase)
    return Promise.resolve()
  }
  const registry = createMetricsRegistry({ pace })
  const depth = registry.gauge(DEPTH)
  const loaded: string[] = []
  registry.collect(function* () {
    for (let index = 0; index < 1000; index += 1) {
      depth.set({ topic: String(index) }, 1)
      if (index === 500) yield Promise.resolve().then(() => void loaded.push('from disk'))
      if (index % 400 === 399) yield undefined
    }
    expect(loaded).toEqual(['from disk'])
    phase = 'write'
  })
  const [text, same] = await Promise.all([registry.expose(), registry.expose()])
  expect(same).toBe(text)
  expect(samplesOf(text)).toHaveLength(1000)
  expect(pauses).toEqual(['set', 'set', ...Array.from({ length: 15 }, () => 'write')])
})

test('metrics: details → a text of their own with the labels of their node, and nothing in every scrape', async () => {
  const registry = createMetricsRegistry()
  registry.withLabels({ node_id: 'one' }).collectDetail((filter, into) => {
    into.gauge(DEPTH).set({ topic: filter.get('topic') ?? '' }, 4)
  })
  expect(samplesOf(await registry.exposeDetail(new Map([['topic', 'a']])))).toEqual([
    'depth{node_id="one",topic="a"} 4',
  ])
  expect(samplesOf(await registry.exposeDetail(new Map()))).toEqual(['depth{node_id="one",topic=""} 4'])
  expect(await registry.expose()).toBe('')
})

test('metrics: a counter that would shrink → refused', () => {
  expect(() => createMetricsRegistry().counter(SENT).add({ topic: 'a', kind: 'normal' }, -1)).toThrow(
    'can not grow by -1',
  )
})

/** Names that Apache gave without a unit, and gauges that count things. */
const UNITLESS =
  /_(?:messages|number|queues|topics|segments|connections|clients|streams|registered|waiting|holds|subscriptions)$/
const FLAGS = /^rocketmq_(?:ts_ready|ts_store_refuses|ts_disk_full|ts_known_clients_full|proxy_up)$/
const AS_APACHE = ['rocketmq_message_size', 'rocketmq_processor_watermark']

test('metrics: the list of names → unique, in the alphabet of Prometheus, each with its unit and a sentence of help', () => {
  const definitions: MetricDefinition[] = Object.values(MetricName)
  expect(new Set(definitions.map(({ name }) => name)).size).toBe(definitions.length)
  for (const { name, kind, help, buckets, openLabels, fixedLabels } of definitions) {
    expect(name).toMatch(/^rocketmq_[a-z_]+$/)
    expect(help).toMatch(/^\w[^\n]*\.$/)
    for (const label of [...openLabels, ...fixedLabels]) expect(label).toMatch(/^[a-z_]+$/)
    const hasUnit = {
      counter: () => name.endsWith('_total'),
      gauge: () => /_(?:bytes|milliseconds)$/.test(name) || UNITLESS.test(name) || FLAGS.test(name),
      histogram: () => name.endsWith('_milliseconds') && buckets.every((bound, at) => bound > (buckets[at - 1] ?? 0)),
    }[kind]
    if (!hasUnit() && !AS_APACHE.includes(name)) throw new Error(`${name} does not end in what it counts`)
  }
})

function samplesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}
