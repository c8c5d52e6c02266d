// Which brokers did not answer lately: routes name a dead broker until nameservers notice, and a hung one longer. Such a
// broker is passed over for a while, then tried again. Java: MQFaultStrategy.
import type { Clock } from '@rocketmq-ts/runtime'
import { isAway } from '../upstream/upstream.ts'

/** A broker is passed over for so long after a failure. */
export const AVOID_MS = 5000
/** Brokers remembered, at most; the one that failed longest ago is forgotten. */
const AVOIDED_MAX = 4096

export interface BrokerHealth {
  /** A call ended so; what says nothing of the broker as a whole is ignored. */
  failed(brokerName: string, error: unknown): void
  answered(brokerName: string): void
  isAvoided(brokerName: string): boolean
}

export interface BrokerHealthDeps {
  readonly clock: Clock
  /** It answered before, and does not now. */
  readonly onAway: (brokerName: string, error: unknown) => void
}

export function createBrokerHealth({ clock, onAway }: BrokerHealthDeps): BrokerHealth {
  /** Until when each is passed over; one whose time is over stays until it answers, so that `onAway` is told once. */
  const avoided = new Map<string, number>()

  return {
    failed(brokerName, error) {
      if (!isAway(error)) return
      const isNew = !avoided.delete(brokerName)
      if (avoided.size >= AVOIDED_MAX) for (const oldest of avoided.keys()) if (avoided.delete(oldest)) break
      avoided.set(brokerName, clock.monotonicMs() + AVOID_MS)
      if (isNew) onAway(brokerName, error)
    },
    answered(brokerName) {
      avoided.delete(brokerName)
    },
    isAvoided: (brokerName) => clock.monotonicMs() < (avoided.get(brokerName) ?? -Infinity),
  }
}
