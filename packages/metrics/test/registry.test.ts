import { expect, test } from '@jest/globals'
import { counter, createMetricsRegistry, gauge, histogram, MetricName } from '../src/index.ts'

const SENT = counter('sent_total', 'Sent.', { open: ['topic'], fixed: ['kind'] })
const DEPTH = gauge('depth', 'Depth.', { open: ['topic'] })
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

test('metrics: gauges beyond the bound → add up in other, and start anew after clear', async () => {
  const registry = createMetricsRegistry({ seriesMax: 1 })
  const depth = registry.gauge(DEPTH)
  registry.collect(() => {
    depth.clear()
    for (const topic of ['a', 'b', 'c']) depth.set({ topic }, 5)
  })
  await registry.expose()
  expect(samplesOf(await registry.expose())).toEqual(['depth{topic="a"} 5', 'depth{topic="other"} 10'])
})

test('metrics: two nodes in one process → constant labels tell them apart, clear forgets only its own', async () => {
  const registry = createMetricsRegistry()
  const one = registry.withLabels({ node_id: 'one' }).gauge(DEPTH)
  const two = registry.withLabels({ node_id: 'two' }).gauge(DEPTH)
  one.set({ topic: 'a' }, 1)
  two.set({ topic: 'a' }, 2)
  one.clear()
  expect(samplesOf(await registry.expose())).toEqual(['depth{node_id="two",topic="a"} 2'])
})

test('metrics: a counter that would shrink → refused', () => {
  expect(() => createMetricsRegistry().counter(SENT).add({ topic: 'a', kind: 'normal' }, -1)).toThrow(
    'can not grow by -1',
  )
})

test('metrics: the list of names → unique, in the alphabet of Prometheus', () => {
  const names = Object.values(MetricName).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^(rocketmq|process|nodejs)_[a-z_]+$/)
})

function samplesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}
