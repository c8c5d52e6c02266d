// Delayed messages as metrics: what became of all of them, and how late they come. The states must add up.
import { MetricName, type MetricsRegistry } from '@rocketmq-ts/metrics'
import type { TimerTotals } from '@rocketmq-ts/store'

export interface TimerMetricsSources {
  readonly pending: () => number
  readonly totals: () => TimerTotals
  readonly lateMs: () => number
  /** The states do not add up: a message was lost or counted twice. */
  readonly onUnbalanced: (faults: string) => void
}

/** Registers the metrics; answers with what is to be called for every delivery. */
export function registerTimerMetrics(
  registry: MetricsRegistry,
  sources: TimerMetricsSources,
): (lateMs: number) => void {
  const messages = registry.gauge(MetricName.timerMessages)
  const late = registry.gauge(MetricName.timerBehind)
  const lateness = registry.histogram(MetricName.timerLateness).with({})
  registry.collect(() => {
    const { scheduled, ...ended } = sources.totals()
    const pending = sources.pending()
    let sum = pending
    for (const [state, count] of Object.entries(ended)) {
      messages.set({ state }, count)
      sum += count
    }
    messages.set({ state: 'pending' }, pending)
    late.set({}, sources.lateMs())
    if (sum !== scheduled) sources.onUnbalanced(`${scheduled} were scheduled, ${sum} are pending or ended`)
  })
  return (lateMs) => lateness.record(lateMs)
}
