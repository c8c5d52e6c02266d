// Delayed messages of a broker, composed: holding and delivering, recalling, and moving them before retention.
import type { MetricsRegistry } from '@rocketmq-ts/metrics'
import { parseDelayLevels } from '@rocketmq-ts/model'
import type { BrokerSettings } from '../config.ts'
import { SECOND_MS } from '../limits.ts'
import { registerTimerMetrics } from '../metrics/timer-metrics.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import { moveTimers } from './move-timers.ts'
import { createRecallMessage } from './recall-message.ts'
import { type Timers, type TimersDeps, createTimers } from './timers.ts'

export interface Delays extends Pick<
  Timers,
  'hold' | 'scheduled' | 'pending' | 'totals' | 'lateMs' | 'start' | 'stop'
> {
  readonly recallMessage: ReturnType<typeof createRecallMessage>
  /** See `moveTimers`. */
  moveBelow(limit: number): Promise<void>
}

export interface DelaysDeps extends Omit<TimersDeps, 'settings' | 'brokerName' | 'topics' | 'onDelivered'> {
  readonly metrics: MetricsRegistry
  readonly settings: BrokerSettings
  readonly topics: TopicTable
}

/** Creates the delays of a broker; they begin with `start`. */
export function createDelays(deps: DelaysDeps): Delays {
  const { settings, restored } = deps
  const { index, levels } = restored
  const { brokerName } = settings
  const timers = createTimers({
    ...deps,
    brokerName,
    onDelivered: registerTimerMetrics(deps.metrics, {
      pending: () => index.pending,
      totals: () => index.totals,
      lateMs: () => timers.lateMs(),
      // While the index is built again, it does not add up.
      onUnbalanced(faults) {
        if (timers.builds % 2 === 0) deps.logger.error({ event: 'timers.unbalanced', faults })
      },
    }),
    settings: {
      levels: parseDelayLevels(settings.messageDelayLevel),
      maxMs: settings.timerMaxDelaySec * SECOND_MS,
      precisionMs: settings.timerPrecisionMs,
      takesTimes: settings.timerWheelEnable,
    },
  })
  return {
    hold: timers.hold,
    scheduled: timers.scheduled,
    get pending() {
      return timers.pending
    },
    get totals() {
      return timers.totals
    },
    lateMs: timers.lateMs,
    start: timers.start,
    stop: timers.stop,
    recallMessage: createRecallMessage({ ...deps, isOn: settings.recallMessageEnable, brokerName, index, timers }),
    moveBelow: (limit) => moveTimers({ ...deps, index, levels, timers }, limit),
  }
}
