// What a proxy counts. Series are kept per method and code, so that the message path looks none up by its labels.
import type { Code } from '@rocketmq-ts/grpc/v2'
import { type CounterSeries, type HistogramSeries, MetricName, type MetricsRegistry } from '@rocketmq-ts/metrics'

/** What refused a call because it was full. */
export type Bound = 'calls' | 'receives' | 'clients' | 'held-messages'

/** Counts the calls of one method. */
export interface MethodMetrics {
  /** @param tookMs undefined for calls that wait for messages. */
  answered(code: Code, tookMs: number | undefined): void
}

export interface ProxyMetrics {
  method(path: string): MethodMetrics
  rejected(bound: Bound): void
}

export interface ProxyMetricsSources {
  readonly isUp: () => boolean
  readonly receivesWaiting: () => number
}

export function createProxyMetrics(registry: MetricsRegistry, sources: ProxyMetricsSources): ProxyMetrics {
  const requests = registry.counter(MetricName.grpcRequests)
  const latency = registry.histogram(MetricName.grpcLatency)
  const rejected = registry.counter(MetricName.grpcRejected)
  const up = registry.gauge(MetricName.proxyUp)
  const waiting = registry.gauge(MetricName.grpcReceivesWaiting)

  registry.collect(() => {
    up.set({ proxy_mode: 'cluster' }, sources.isUp() ? 1 : 0)
    waiting.set({}, sources.receivesWaiting())
  })

  return {
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
