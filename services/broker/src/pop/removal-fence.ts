// While retention takes records, nobody is given one of them: a delivery that begins when the copies are made would end
// with the record. It stands for the end of a removal only, from the last look for survivors until the mins have moved.
import type { CommitLogOffset } from '@rocketmq-ts/model'
import type { QueueState } from '../inflight/inflight.ts'
import type { LongPolling } from '../long-polling.ts'

export interface RemovalFence {
  /** Records below are given to nobody; 0 without a removal. */
  readonly limit: number
  /** A pop ended in front of the fence. */
  met(queue: QueueState): void
  raise(limit: CommitLogOffset): void
  /** The records are gone, or stay: pops that met the fence look again. */
  lower(): void
}

/** Creates the fence of a broker. */
export function createRemovalFence(polling: Pick<LongPolling, 'messageReleased'>): RemovalFence {
  /** How often each queue was met: so many pops may be waiting. */
  const met = new Map<QueueState, number>()
  let limit = 0
  return {
    get limit() {
      return limit
    },
    met(queue) {
      met.set(queue, (met.get(queue) ?? 0) + 1)
    },
    raise(to) {
      limit = to
    },
    lower() {
      limit = 0
      const waiting = [...met]
      met.clear()
      for (const [{ topic, group, queueId }, pops] of waiting) {
        for (let pop = 0; pop < pops; pop += 1) polling.messageReleased(topic, group, queueId)
      }
    },
  }
}
