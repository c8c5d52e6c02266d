// What a broker counts. Series are kept per topic, so that the message path looks none up by its labels.
import {
  type CounterSeries,
  createRemotingMetrics,
  MetricName,
  type MetricsRegistry,
  type RemotingMetrics,
} from '@rocketmq-ts/metrics'
import { isSystemTopic } from '@rocketmq-ts/model'
import { requestCodeName, ResponseCode, responseCodeName } from '@rocketmq-ts/remoting'
import type { Clock, Files, Logger } from '@rocketmq-ts/runtime'
import type { MessageStore } from '@rocketmq-ts/store'
import type { BrokerEvent } from './events.ts'
import type { CheckBackDeps } from './transaction/check-back.ts'
import type { TransactionDeps } from './transaction/transactions.ts'
import type { FullReason, Inflight } from './inflight/inflight.ts'
import { TOPICS_MAX } from './limits.ts'
import { kindLabels, registerGroupGauges } from './metrics/group-gauges.ts'
import { registerLedgerAudit } from './metrics/ledger-audit.ts'
import { createMessageAges } from './metrics/message-ages.ts'
import { registerStoreGauges } from './metrics/store-metrics.ts'

/** A Turn that takes longer is told of: everything that arrives meanwhile waits for it. */
const TURN_SLOW_MS = 250

export interface BrokerMetrics {
  readonly remoting: RemotingMetrics
  sent(topic: string, bytes: number): void
  delivered(topic: string, group: string, messages: number, bytes: number): void
  dead(topic: string, group: string): void
  /** A message was not stored: the topic has it already. */
  duplicate(topic: string): void
  /** A pop found messages and no room for them in flight. */
  full(topic: string, group: string, bound: FullReason): void
  onDecided: TransactionDeps['onDecided']
  onChecked: CheckBackDeps['onChecked']
  turned(turn: { readonly jobs: number; readonly handledMs: number; readonly tookMs: number }): void
}

export interface MetricsSources {
  readonly inflight: Inflight
  readonly store: MessageStore
  readonly files: Pick<Files, 'space'>
  /** Of the store. */
  readonly folder: string
  readonly clock: Clock
  readonly logger: Logger<BrokerEvent>
  readonly topics: () => number
  readonly groups: () => number
  readonly requestsWaiting: () => number
  readonly connections: () => number
  readonly isReady: () => boolean
  readonly halfMessages: () => number
}

interface Traffic {
  readonly messages: CounterSeries
  readonly bytes: CounterSeries
}

/** Registers all metrics of a broker; gauges are set from `sources` whenever the registry is read. */
export function createBrokerMetrics(registry: MetricsRegistry, sources: MetricsSources): BrokerMetrics {
  const { inflight, store, clock, logger } = sources
  const nowMs = () => clock.nowMs()
  registerGroupGauges(registry, { inflight, reader: store, ages: createMessageAges(store), nowMs })
  registerLedgerAudit(registry, {
    inflight,
    reader: store,
    onUnbalanced({ topic, group, queueId }, { faults }) {
      logger.error({ event: 'ledger.unbalanced', topic, group, queueId, faults: faults.join('; ') })
    },
  })
  registerStoreGauges(registry, { ...sources, nowMs })
  const counters = createTrafficCounters(registry)
  const turns = registry.histogram(MetricName.turn).with({})
  const topicNumber = registry.gauge(MetricName.topicNumber)
  const groupNumber = registry.gauge(MetricName.consumerGroupNumber)
  const watermark = registry.gauge(MetricName.processorWatermark)
  const ready = registry.gauge(MetricName.ready)
  const half = registry.gauge(MetricName.halfMessages)
  registry.collect(() => {
    topicNumber.set({}, sources.topics())
    groupNumber.set({}, sources.groups())
    watermark.set({ processor: 'turn' }, sources.requestsWaiting())
    ready.set({}, sources.isReady() ? 1 : 0)
    half.set({}, sources.halfMessages())
  })
  return {
    ...counters,
    remoting: createRemotingMetrics(registry, {
      requestName: requestCodeName,
      responseName: responseCodeName,
      failedCode: ResponseCode.SYSTEM_ERROR,
      connections: sources.connections,
    }),
    turned({ jobs, handledMs, tookMs }) {
      turns.record(tookMs)
      if (tookMs < TURN_SLOW_MS) return
      const [handled, took] = [Math.round(handledMs), Math.round(tookMs)]
      logger.warn({ event: 'turn.slow', jobs, handledMs: handled, tookMs: took, limitMs: TURN_SLOW_MS })
    },
  }
}

/** What is counted where messages pass. */
export function createTrafficCounters(registry: MetricsRegistry): Omit<BrokerMetrics, 'remoting' | 'turned'> {
  const messagesIn = registry.counter(MetricName.messagesIn)
  const throughputIn = registry.counter(MetricName.throughputIn)
  const size = registry.histogram(MetricName.messageSize)
  const messagesOut = registry.counter(MetricName.messagesOut)
  const throughputOut = registry.counter(MetricName.throughputOut)
  const sendToDlq = registry.counter(MetricName.sendToDlqMessages)
  const duplicates = registry.counter(MetricName.duplicateSends)
  const popFull = registry.counter(MetricName.popFull)
  const committed = registry.counter(MetricName.commitMessages)
  const rolledBack = registry.counter(MetricName.rollbackMessages)
  const finishLatency = registry.histogram(MetricName.transactionFinishLatency).with({})
  const checks = registry.counter(MetricName.transactionChecks)
  const trafficIn = new Map<string, Traffic>()
  const trafficOut = new Map<string, Map<string, Traffic>>()
  const sizes = {
    user: size.with({ message_type: 'normal', is_system: 'false' }),
    system: size.with({ message_type: 'normal', is_system: 'true' }),
  }
  let outMax = 0

  function outOf(topic: string, group: string): Traffic {
    let groups = trafficOut.get(topic)
    let traffic = groups?.get(group)
    if (traffic !== undefined) return traffic
    // Topics and groups that are gone are not told apart: forgetting all now and then costs a look-up each.
    if (outMax >= TOPICS_MAX) {
      trafficOut.clear()
      groups = undefined
      outMax = 0
    }
    outMax += 1
    const labels = { topic, consumer_group: group, ...kindLabels(topic) }
    traffic = { messages: messagesOut.with(labels), bytes: throughputOut.with(labels) }
    if (groups === undefined) trafficOut.set(topic, new Map([[group, traffic]]))
    else groups.set(group, traffic)
    return traffic
  }

  function sent(topic: string, bytes: number): void {
    let traffic = trafficIn.get(topic)
    if (traffic === undefined) {
      const labels = { topic, message_type: 'normal', is_system: String(isSystemTopic(topic)) }
      if (trafficIn.size >= TOPICS_MAX) trafficIn.clear()
      traffic = { messages: messagesIn.with(labels), bytes: throughputIn.with(labels) }
      trafficIn.set(topic, traffic)
    }
    traffic.messages.add()
    traffic.bytes.add(bytes)
    sizes[isSystemTopic(topic) ? 'system' : 'user'].record(bytes)
  }

  return {
    sent,
    onDecided(topic, decision, afterMs, bytes) {
      if (decision === 'commit') sent(topic, bytes)
      if (decision === 'commit') committed.add({ topic })
      else rolledBack.add({ topic })
      finishLatency.record(afterMs)
    },
    duplicate: (topic) => duplicates.add({ topic }),
    onChecked: (topic, result) => checks.add({ topic, result }),
    delivered(topic, group, messages, bytes) {
      const traffic = outOf(topic, group)
      traffic.messages.add(messages)
      traffic.bytes.add(bytes)
    },
    full: (topic, group, bound) => popFull.add({ topic, consumer_group: group, bound }),
    dead(topic, group) {
      sendToDlq.add({ topic, consumer_group: group, is_system: String(isSystemTopic(topic)) })
    },
  }
}
