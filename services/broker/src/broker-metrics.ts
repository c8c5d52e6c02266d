// What a broker counts. Series are kept per topic, so that the message path looks none up by its labels.
import { type CounterSeries, MetricName, type MetricsRegistry } from '@rocketmq-ts/metrics'
import { BUCKETS, type FullReason } from './inflight/inflight.ts'
import type { QueueLedger } from './ledger-report.ts'
import { TOPICS_MAX } from './limits.ts'

const NOT_SYSTEM = { is_system: 'false' } as const

export interface BrokerMetrics {
  sent(topic: string, bytes: number): void
  delivered(topic: string, group: string, messages: number, bytes: number): void
  dead(topic: string, group: string): void
  /** A pop found messages and no room for them in flight. */
  full(topic: string, group: string, bound: FullReason): void
}

export interface MetricsSources {
  readonly ledger: () => readonly QueueLedger[]
  readonly topics: () => number
  readonly groups: () => number
  readonly flushBehindBytes: () => number
  readonly storeRefuses: () => boolean
}

/** Registers the broker's metrics; gauges are set from `sources` whenever the registry is read. */
export function createBrokerMetrics(registry: MetricsRegistry, sources: MetricsSources): BrokerMetrics {
  const messagesIn = registry.counter(MetricName.messagesIn)
  const throughputIn = registry.counter(MetricName.throughputIn)
  const messagesOut = registry.counter(MetricName.messagesOut)
  const throughputOut = registry.counter(MetricName.throughputOut)
  const sendToDlq = registry.counter(MetricName.sendToDlqMessages)
  const popFull = registry.counter(MetricName.popFull)
  const lag = registry.gauge(MetricName.consumerLagMessages)
  const inflight = registry.gauge(MetricName.consumerInflightMessages)
  const ready = registry.gauge(MetricName.consumerReadyMessages)
  const ledger = registry.gauge(MetricName.ledgerMessages)
  const topicNumber = registry.gauge(MetricName.topicNumber)
  const groupNumber = registry.gauge(MetricName.consumerGroupNumber)
  const flushBehind = registry.gauge(MetricName.storageFlushBehind)
  const refuses = registry.gauge(MetricName.storeRefuses)
  const seriesIn = new Map<string, { messages: CounterSeries; bytes: CounterSeries }>()

  registry.collect(() => {
    for (const gauge of [lag, inflight, ready]) gauge.clear()
    ledger.clear()
    for (const [, line] of sumByGroup(sources.ledger())) {
      const labels = { topic: line.topic, consumer_group: line.group, ...NOT_SYSTEM, is_retry: 'false' }
      lag.set(labels, line.lag)
      inflight.set(labels, line.buckets.inFlight)
      ready.set(labels, line.buckets.ready + line.buckets.waiting)
      for (const bucket of BUCKETS) {
        ledger.set({ topic: line.topic, consumer_group: line.group, bucket }, line.buckets[bucket])
      }
    }
    topicNumber.set({}, sources.topics())
    groupNumber.set({}, sources.groups())
    flushBehind.set({ storage_type: 'local', storage_medium: 'disk' }, sources.flushBehindBytes())
    refuses.set({}, sources.storeRefuses() ? 1 : 0)
  })

  return {
    sent(topic, bytes) {
      let series = seriesIn.get(topic)
      if (series === undefined) {
        const labels = { topic, message_type: 'normal', ...NOT_SYSTEM }
        // Topics that are gone are not told apart: forgetting all now and then costs a look-up each.
        if (seriesIn.size >= TOPICS_MAX) seriesIn.clear()
        series = { messages: messagesIn.with(labels), bytes: throughputIn.with(labels) }
        seriesIn.set(topic, series)
      }
      series.messages.add()
      series.bytes.add(bytes)
    },
    delivered(topic, group, messages, bytes) {
      const labels = { topic, consumer_group: group, ...NOT_SYSTEM, is_retry: 'false' }
      messagesOut.add(labels, messages)
      throughputOut.add(labels, bytes)
    },
    full: (topic, group, bound) => popFull.add({ topic, consumer_group: group, bound }),
    dead(topic, group) {
      sendToDlq.add({ topic, consumer_group: group, ...NOT_SYSTEM })
    },
  }
}

type GroupLedger = { topic: string; group: string; lag: number; buckets: Record<(typeof BUCKETS)[number], number> }

function sumByGroup(lines: readonly QueueLedger[]): Map<string, GroupLedger> {
  const sums = new Map<string, GroupLedger>()
  for (const line of lines) {
    const key = `${line.topic}\0${line.group}`
    const sum = sums.get(key)
    if (sum === undefined) {
      sums.set(key, { topic: line.topic, group: line.group, lag: line.lag, buckets: { ...line.buckets } })
      continue
    }
    sum.lag += line.lag
    for (const bucket of BUCKETS) sum.buckets[bucket] += line.buckets[bucket]
  }
  return sums
}
