// Shows groups whose clients have subscribed differently: in the log, and as a metric.
import { type GaugeSeries, MetricName, type MetricsRegistry } from '@rocketmq-ts/metrics'
import type { Clock, Logger } from '@rocketmq-ts/runtime'
import type { BrokerEvent } from '../events.ts'
import { createGroupSubscriptions, type GroupSubscriptions } from './group-subscriptions.ts'

export interface SubscriptionWatchDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly logger: Logger<BrokerEvent>
  readonly registry: MetricsRegistry
}

/** Creates it for an empty table of clients. */
export function createSubscriptionWatch({ clock, logger, registry }: SubscriptionWatchDeps): GroupSubscriptions {
  const subscriptions = createGroupSubscriptions({
    clock,
    onDiffer: (difference) =>
      logger.warn({
        event: 'group.subscriptions-differ',
        ...difference,
        remedy: `have all clients of the group subscribe alike, or give them groups of their own; see: rmq group describe ${difference.group}`,
      }),
  })
  const gauge = registry.gauge(MetricName.differingSubscriptions)
  /** Only groups that differ have a series. */
  const shown = new Map<string, GaugeSeries>()
  registry.collect(() => {
    const now = new Map(subscriptions.differing())
    for (const [group, series] of shown) {
      if (now.has(group)) continue
      series.remove()
      shown.delete(group)
    }
    for (const [group, ways] of now) {
      const series = shown.get(group) ?? gauge.with({ consumer_group: group })
      series.set(ways)
      shown.set(group, series)
    }
  })
  return subscriptions
}
