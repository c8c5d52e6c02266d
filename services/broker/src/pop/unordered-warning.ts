// Tells of groups that consume a FIFO topic in any order: once an hour for each, as long as they do.
import type { Clock, Logger } from '@rocketmq-ts/runtime'
import type { BrokerEvent } from '../events.ts'
import { SECOND_MS } from '../limits.ts'

const HOUR_MS = 3600 * SECOND_MS

/** Pairs that are remembered, at most; beyond it nothing is told until the hour is over. */
export const UNORDERED_PAIRS_MAX = 10_000

/** Creates the warning: call it for each such pop. */
export function createUnorderedWarning(deps: {
  readonly clock: Clock
  readonly logger: Logger<BrokerEvent>
}): (topic: string, group: string) => void {
  const told = new Set<string>()
  let sinceMs = Number.NEGATIVE_INFINITY

  return (topic, group) => {
    const key = `${group} ${topic}`
    const nowMs = deps.clock.monotonicMs()
    if (nowMs - sinceMs >= HOUR_MS) {
      told.clear()
      sinceMs = nowMs
    }
    if (told.has(key) || told.size >= UNORDERED_PAIRS_MAX) return
    told.add(key)
    deps.logger.warn({
      event: 'group.unordered',
      topic,
      group,
      remedy: `messages of a FIFO topic come in any order to this group; to have them in order: rmq group update ${group} --order`,
    })
  }
}
