// What a nameserver counts: brokers as they come and go, routes as they are asked for, and its connections.
import { createRemotingMetrics, MetricName, type MetricsRegistry, type RemotingMetrics } from '@rocketmq-ts/metrics'
import { requestCodeName, ResponseCode, responseCodeName } from '@rocketmq-ts/remoting'
import type { NameServerEvent } from './events.ts'
import type { RegisterOutcome } from './route-table.ts'

/** Why a broker left, as the log says it too. */
export type Departure = Extract<NameServerEvent, { event: 'broker.left' }>['reason']

export interface NameServerMetrics {
  readonly remoting: RemotingMetrics
  registered(outcome: RegisterOutcome['kind']): void
  left(reason: Departure): void
  routeAnswered(result: string): void
}

export interface NameServerMetricsSources {
  readonly isReady: () => boolean
  readonly brokers: () => number
  readonly topics: () => number
  readonly connections: () => number
}

/** Registers all metrics of a nameserver; gauges are set from `sources` whenever the registry is read. */
export function createNameServerMetrics(
  registry: MetricsRegistry,
  sources: NameServerMetricsSources,
): NameServerMetrics {
  const ready = registry.gauge(MetricName.ready)
  const brokers = registry.gauge(MetricName.brokersRegistered)
  const topics = registry.gauge(MetricName.routeTopics)
  const routeRequests = registry.counter(MetricName.routeRequests)
  const registrations = registry.counter(MetricName.registrations)
  const brokersLeft = registry.counter(MetricName.brokersLeft)
  registry.collect(() => {
    ready.set({}, sources.isReady() ? 1 : 0)
    brokers.set({}, sources.brokers())
    topics.set({}, sources.topics())
  })
  return {
    remoting: createRemotingMetrics(registry, {
      requestName: requestCodeName,
      responseName: responseCodeName,
      failedCode: ResponseCode.SYSTEM_ERROR,
      connections: sources.connections,
    }),
    registered: (result) => registrations.add({ result }),
    left: (reason) => brokersLeft.add({ reason }),
    routeAnswered: (result) => routeRequests.add({ result }),
  }
}
