// What a proxy counts. Series are kept per method and code, so that the message path looks none up by its labels.
import { ClientType, type Code } from '@rocketmq-ts/grpc/v2'
import { type CounterSeries, type HistogramSeries, MetricName, type MetricsRegistry } from '@rocketmq-ts/metrics'
import type { RenewalResult } from './messaging/renewals.ts'
import type { OrphanResult } from './rpc/orphans.ts'
import type { UpstreamObserver, UpstreamRequest } from './upstream/measured-upstream.ts'

/** What refused a call because it was full. */
export type Bound = 'calls' | 'receives' | 'clients' | 'held-messages'

/** Counts the calls of one method. */
export interface MethodMetrics {
  /** @param tookMs undefined for calls that wait for messages. */
  answered(code: Code, tookMs: number | undefined): void
}

export interface ProxyMetrics {
  /** For `measureUpstream`. */
  readonly upstream: UpstreamObserver
  method(path: string): MethodMetrics
  rejected(bound: Bound): void
  renewal(result: RenewalResult): void
  routeLookup(result: 'hit' | 'miss'): void
  /** A broker has asked about a transaction. */
  orphan(result: OrphanResult): void
}

export interface ProxyMetricsSources {
  readonly isUp: () => boolean
  readonly isReady: () => boolean
  readonly receivesWaiting: () => number
  readonly clients: () => Iterable<{ readonly clientType: ClientType | undefined }>
  readonly telemetryStreams: () => number
  readonly heldMessages: () => number
}

/** Clients that are counted between two places where messages may pass. */
const CLIENTS_PER_STEP = 1024
const UNTOLD = 'unspecified'
/** As labels: `push_consumer`. */
const clientTypeNames: ReadonlyMap<number, string> = new Map(
  Object.entries(ClientType).map(([name, value]) => [
    value,
    value === ClientType.CLIENT_TYPE_UNSPECIFIED ? UNTOLD : name.toLowerCase(),
  ]),
)

export function createProxyMetrics(registry: MetricsRegistry, sources: ProxyMetricsSources): ProxyMetrics {
  const requests = registry.counter(MetricName.grpcRequests)
  const latency = registry.histogram(MetricName.grpcLatency)
  const rejected = registry.counter(MetricName.grpcRejected)
  const up = registry.gauge(MetricName.proxyUp)
  const waiting = registry.gauge(MetricName.grpcReceivesWaiting)

  const ready = registry.gauge(MetricName.ready)
  const clients = registry.gauge(MetricName.clients)
  const streams = registry.gauge(MetricName.telemetryStreams)
  const held = registry.gauge(MetricName.heldMessages)
  const renewals = registry.counter(MetricName.renewals)
  const orphans = registry.counter(MetricName.orphanedTransactions)
  const routeCache = registry.counter(MetricName.routeCache)
  const routeHits = routeCache.with({ result: 'hit' })
  const routeMisses = routeCache.with({ result: 'miss' })
  const upstreamLatency = registry.histogram(MetricName.upstreamLatency)
  const upstreamErrors = registry.counter(MetricName.upstreamErrors)
  const tookByRequest = new Map<UpstreamRequest, HistogramSeries>()

  registry.collect(function* () {
    const counts = new Map(Array.from(clientTypeNames.values(), (name) => [name, 0]))
    let seen = 0
    for (const { clientType } of sources.clients()) {
      const name = clientTypeNames.get(clientType ?? ClientType.CLIENT_TYPE_UNSPECIFIED) ?? UNTOLD
      counts.set(name, (counts.get(name) ?? 0) + 1)
      seen += 1
      if (seen % CLIENTS_PER_STEP === 0) yield undefined
    }
    for (const [client_type, count] of counts) clients.set({ client_type }, count)
    ready.set({}, sources.isReady() ? 1 : 0)
    streams.set({}, sources.telemetryStreams())
    held.set({}, sources.heldMessages())
    up.set({ proxy_mode: 'cluster' }, sources.isUp() ? 1 : 0)
    waiting.set({}, sources.receivesWaiting())
  })

  return {
    upstream: {
      answered(request, tookMs) {
        if (tookMs === undefined) return
        let took = tookByRequest.get(request)
        if (took === undefined) tookByRequest.set(request, (took = upstreamLatency.with({ request })))
        took.record(tookMs)
      },
      failed: (broker_name, request, error) => upstreamErrors.add({ broker_name, request, error }),
    },
    renewal: (result) => renewals.add({ result }),
    orphan: (result) => orphans.add({ result }),
    routeLookup: (result) => (result === 'hit' ? routeHits : routeMisses).add(),
    method(path) {
      const method = path.slice(path.lastIndexOf('/') + 1)
      const byCode = new Map<Code, { readonly calls: CounterSeries; readonly took: () => HistogramSeries }>()
      return {
        answered(code, tookMs) {
          let series = byCode.get(code)
          if (series === undefined) {
            const labels = { method, code: String(code) }
            let took: HistogramSeries | undefined
            // Made by the first call that is timed: those that wait are not.
            series = { calls: requests.with(labels), took: () => (took ??= latency.with(labels)) }
            byCode.set(code, series)
          }
          series.calls.add()
          if (tookMs !== undefined) series.took().record(tookMs)
        },
      }
    },
    rejected: (bound) => rejected.add({ bound }),
  }
}
