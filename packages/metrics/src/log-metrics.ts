// Counts urgent log lines, so that alerts can rest on them where logs are not collected.
import { MetricName } from './names.ts'
import type { CounterSeries, MetricsRegistry } from './registry.ts'

/** Gives the counter for `createLimitedLogger`. Names of events come from the code: there are few. */
export function createLogMetrics(registry: MetricsRegistry): (level: 'warn' | 'error', event: string) => void {
  const counter = registry.counter(MetricName.logEvents)
  const byEvent = { warn: new Map<string, CounterSeries>(), error: new Map<string, CounterSeries>() }
  return (level, event) => {
    let series = byEvent[level].get(event)
    if (series === undefined) byEvent[level].set(event, (series = counter.with({ level, event })))
    series.add()
  }
}
