// While retention takes records, nobody is given one of them: a delivery that begins when the copies are made would end
// with the record. It stands for the end of a removal only, from the last look for survivors until the mins have moved.
import type { CommitLogOffset, QueueId } from '@rocketmq-ts/model'
import type { Unit } from '@rocketmq-ts/store'
import type { QueueState } from '../inflight/inflight.ts'
import type { LongPolling } from '../long-polling.ts'

/** The messages that retention takes: those below a position of the log, or below the new min of their queue. */
export interface Leaving {
  readonly below: CommitLogOffset | 0
  /** 0 where the min of the queue stays. */
  readonly minOf: (queue: QueueId) => number
}

export interface RemovalFence {
  /** True for a message that is given to nobody. */
  stops(queue: QueueId, unit: Unit): boolean
  /** A pop ended in front of the fence. */
  met(queue: QueueState): void
  /** Beside what it was raised for before. */
  raise(leaving: Leaving): void
  /** The records are gone, or stay: pops that met the fence look again. */
  lower(): void
}

/** Creates the fence of a broker. */
export function createRemovalFence(polling: Pick<LongPolling, 'messageReleased'>): RemovalFence {
  /** How often each queue was met: so many pops may be waiting. */
  const met = new Map<QueueState, number>()
  let raised: Leaving[] = []
  return {
    stops(queue, unit) {
      for (const { below, minOf } of raised) {
        if (unit.commitLogOffset < below || unit.queueOffset < minOf(queue)) return true
      }
      return false
    },
    met(queue) {
      met.set(queue, (met.get(queue) ?? 0) + 1)
    },
    raise(leaving) {
      raised.push(leaving)
    },
    lower() {
      raised = []
      const waiting = [...met]
      met.clear()
      for (const [{ topic, group, queueId }, pops] of waiting) {
        for (let pop = 0; pop < pops; pop += 1) polling.messageReleased(topic, group, queueId)
      }
    },
  }
}
