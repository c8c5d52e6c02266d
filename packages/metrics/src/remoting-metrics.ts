// What nameserver and broker count of their remoting connections. Fits the observers of @rocketmq-ts/remoting, without
// knowing it. Series are kept per code, so that no request looks one up by its labels.
import { MetricName } from './names.ts'
import type { CounterSeries, HistogramSeries, MetricsRegistry } from './registry.ts'

export interface RemotingMetricsOptions {
  /** From lists in the code, with one name for all numbers that are not in them. */
  readonly requestName: (code: number) => string
  readonly responseName: (code: number) => string
  /** The response code that says that the handler failed. */
  readonly failedCode: number
  readonly connections: () => number
}

export interface RemotingMetrics {
  received(bytes: number): void
  sent(bytes: number): void
  refused(bound: string): void
  answered(requestCode: number, responseCode: number | undefined, tookMs: number, wasHeld: boolean): void
}

/** Requests that are told apart, at most: a stranger may send any number. */
const CODES_MAX = 1024
/** In place of a response code. */
const NO_ANSWER = Number.MAX_SAFE_INTEGER

/** Creates them. `refused` is called with bounds from a list in the code only. */
export function createRemotingMetrics(registry: MetricsRegistry, options: RemotingMetricsOptions): RemotingMetrics {
  const { requestName, responseName, failedCode, connections } = options
  const latency = registry.histogram(MetricName.rpcLatency)
  const bytes = registry.counter(MetricName.remotingBytes)
  const refused = registry.counter(MetricName.remotingRefused)
  const open = registry.gauge(MetricName.remotingConnections)
  const received = bytes.with({ direction: 'in' })
  const sent = bytes.with({ direction: 'out' })
  const bounds = new Map<string, CounterSeries>()
  const byCode = new Map<number, Map<number, HistogramSeries>>()
  registry.collect(() => open.set({}, connections()))

  function seriesOf(requestCode: number, key: number, labels: () => [code: string, result: string]): HistogramSeries {
    let ofRequest = byCode.get(requestCode)
    if (ofRequest === undefined) {
      if (byCode.size >= CODES_MAX) byCode.clear()
      byCode.set(requestCode, (ofRequest = new Map()))
    }
    let series = ofRequest.get(key)
    if (series === undefined) {
      const [response_code, result] = labels()
      series = latency.with({
        protocol_type: 'remoting',
        request_code: requestName(requestCode),
        response_code,
        is_long_polling: String(key < 0),
        result,
      })
      ofRequest.set(key, series)
    }
    return series
  }

  return {
    received: (count) => received.add(count),
    sent: (count) => sent.add(count),
    refused(bound) {
      let series = bounds.get(bound)
      if (series === undefined) bounds.set(bound, (series = refused.with({ bound })))
      series.add()
    },
    answered(requestCode, responseCode, tookMs, wasHeld) {
      if (responseCode === undefined) {
        seriesOf(requestCode, NO_ANSWER, () => ['', 'oneway']).record(tookMs)
        return
      }
      // Held ones on the other side of zero: one number tells both.
      seriesOf(requestCode, wasHeld ? -1 - responseCode : responseCode, () => [
        responseName(responseCode),
        responseCode === failedCode ? 'process_request_failed' : 'success',
      ]).record(tookMs)
    },
  }
}
