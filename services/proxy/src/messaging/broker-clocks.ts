// How far the clocks of brokers are from ours. The time in a handle is its broker's: judged by ours, every handle of a
// broker that is an hour behind would have expired, and nothing would ever be acknowledged.
import type { Clock } from '@rocketmq-ts/runtime'

/** Less is the time that answers take, and what synchronised machines differ by. */
export const CLOCKS_DIFFER_MS = 10_000
/** Brokers of a cluster at most; the one heard of longest ago is forgotten. */
const BROKERS_MAX = 4096

export interface BrokerClocks {
  /** The broker has popped at this time of its own, just now. */
  popped(brokerName: string, popTimeMs: number): void
  /** What the broker's clock shows now; ours where it is near, or nothing was popped there yet. */
  nowMs(brokerName: string): number
}

export interface BrokerClocksDeps {
  readonly clock: Pick<Clock, 'nowMs'>
  /** Told when a broker's clock turns out to be far off: how far it is ahead, negative when it is behind. */
  readonly onDiffers: (brokerName: string, aheadMs: number) => void
}

export function createBrokerClocks({ clock, onDiffers }: BrokerClocksDeps): BrokerClocks {
  const aheadMsOf = new Map<string, number>()
  return {
    popped(brokerName, popTimeMs) {
      const aheadMs = popTimeMs - clock.nowMs()
      const isFar = Math.abs(aheadMs) >= CLOCKS_DIFFER_MS
      if (!isFar) {
        aheadMsOf.delete(brokerName)
        return
      }
      const isNew = !aheadMsOf.delete(brokerName)
      const [oldest] = aheadMsOf.keys()
      if (aheadMsOf.size >= BROKERS_MAX && oldest !== undefined) aheadMsOf.delete(oldest)
      aheadMsOf.set(brokerName, aheadMs)
      if (isNew) onDiffers(brokerName, aheadMs)
    },
    nowMs: (brokerName) => clock.nowMs() + (aheadMsOf.get(brokerName) ?? 0),
  }
}
