// Which deliveries of Apache's broker are still waiting for an acknowledgement. Its records are taken in the order of the
// log: a checkpoint is written when messages are popped, its acknowledgements behind it, and both once more when their
// time has come, in the revive topic. What the revive group has passed is done: given up into the retry topic, or acked.
import { CHECKPOINT_MESSAGES_MAX, type OrderedDelivery, type PopIdentity, type PopRecord } from './pop-records.ts'
import type { AdoptedClaim } from '../inflight/inflight.ts'

/**
 * Checkpoints kept, at most. Beyond, those that are acknowledged are forgotten, then the oldest ones, and their queues are
 * delivered again from there: messages may come twice, none is lost.
 */
export const CHECKPOINTS_MAX = 1_000_000
/** Share of them that goes at once when none is acknowledged. */
const FORGOTTEN_SHARE = 8

interface Checkpoint {
  readonly pop: PopIdentity
  readonly invisibleMs: number
  readonly offsets: readonly number[]
  acked: number
}

export interface PendingQueue {
  readonly topic: string
  readonly group: string
  readonly queueId: number
  readonly claimed: readonly AdoptedClaim[]
  /** One past the last offset that was delivered in order; such deliveries move no offset of the group. 0 without any. */
  readonly orderedEnd: number
  /** Everything from here on is to be delivered again; undefined where all is known. */
  readonly againFrom: number | undefined
}

export interface PendingPops {
  /** Takes a record. `isDone`: it lies in the revive topic, and the revive group has passed it. */
  take(record: PopRecord, isDone: boolean): void
  takeOrdered(delivery: OrderedDelivery): void
  /** What is pending, by queue, ascending by offset. */
  queues(): PendingQueue[]
}

function keyOf({ topic, group, queueId, startOffset, popTime }: PopIdentity): string {
  return `${topic}\0${group}\0${queueId}\0${startOffset}\0${popTime}`
}

function allBits(count: number): number {
  return count === CHECKPOINT_MESSAGES_MAX ? -1 : (1 << count) - 1
}

interface Collected {
  readonly topic: string
  readonly group: string
  readonly queueId: number
  readonly byOffset: Map<number, AdoptedClaim>
  orderedEnd: number
  againFrom: number | undefined
}

/** Creates an empty collection. */
export function createPendingPops(checkpointsMax = CHECKPOINTS_MAX): PendingPops {
  const checkpoints = new Map<string, Checkpoint>()
  const ordered: OrderedDelivery[] = []
  const collected = new Map<string, Collected>()

  function collect({ topic, group, queueId }: Pick<PopIdentity, 'topic' | 'group' | 'queueId'>): Collected {
    const key = `${topic}\0${group}\0${queueId}`
    let queue = collected.get(key)
    if (queue === undefined) {
      queue = { topic, group, queueId, byOffset: new Map(), orderedEnd: 0, againFrom: undefined }
      collected.set(key, queue)
    }
    return queue
  }

  function makeRoom(): void {
    for (const [key, { acked, offsets }] of checkpoints) {
      if (acked === allBits(offsets.length)) checkpoints.delete(key)
    }
    if (checkpoints.size < checkpointsMax) return
    let left = Math.ceil(checkpointsMax / FORGOTTEN_SHARE)
    for (const [key, { pop }] of checkpoints) {
      if (left === 0) return
      left -= 1
      checkpoints.delete(key)
      const queue = collect(pop)
      queue.againFrom = Math.min(queue.againFrom ?? pop.startOffset, pop.startOffset)
    }
  }

  function acknowledge({ pop, offsets }: Extract<PopRecord, { kind: 'ack' }>): void {
    const checkpoint = checkpoints.get(keyOf(pop))
    if (checkpoint === undefined) return
    for (const offset of offsets) {
      const index = checkpoint.offsets.indexOf(offset)
      if (index >= 0) checkpoint.acked |= 1 << index
    }
  }

  function claim(into: Collected, each: AdoptedClaim): void {
    const known = into.byOffset.get(each.offset)
    if (known === undefined || known.popTime < each.popTime) into.byOffset.set(each.offset, each)
  }

  return {
    take(record, isDone) {
      if (record.kind === 'ack') {
        acknowledge(record)
        return
      }
      const key = keyOf(record.pop)
      if (isDone) {
        checkpoints.delete(key)
        return
      }
      const known = checkpoints.get(key)
      if (known !== undefined) {
        known.acked |= record.acked
        return
      }
      if (checkpoints.size >= checkpointsMax) makeRoom()
      const { pop, invisibleMs, offsets, acked } = record
      checkpoints.set(key, { pop, invisibleMs, offsets, acked })
    },
    takeOrdered(delivery) {
      ordered.push(delivery)
    },
    queues() {
      for (const { pop, invisibleMs, offsets, acked } of checkpoints.values()) {
        const { popTime } = pop
        for (const [index, offset] of offsets.entries()) {
          if ((acked & (1 << index)) !== 0) continue
          claim(collect(pop), { offset, attempts: 1, popTime, deadlineMs: popTime + invisibleMs })
        }
      }
      for (const delivery of ordered) {
        const { offsets, isAcked, popTime, visibleMs, attempts } = delivery
        const into = collect(delivery)
        for (const [index, offset] of offsets.entries()) {
          into.orderedEnd = Math.max(into.orderedEnd, offset + 1)
          if (isAcked(index)) continue
          const deadlineMs = Math.max(popTime, visibleMs(offset))
          claim(into, { offset, attempts: attempts(offset), popTime, deadlineMs })
        }
      }
      return Array.from(collected.values(), ({ byOffset, ...queue }) => {
        return { ...queue, claimed: [...byOffset.values()].sort((a, b) => a.offset - b.offset) }
      })
    },
  }
}
