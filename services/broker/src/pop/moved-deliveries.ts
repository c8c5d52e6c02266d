// Deliveries that go on at a copy of their message: the handles that clients hold still name the place before.
// Invariant: a handle acts only where (place, pop time) is in flight, so one that is forgotten or stale does nothing.
import { SystemTopic } from '@rocketmq-ts/model'
import type { QueueReader } from '@rocketmq-ts/store'
import type { Inflight, QueueRef, QueueState } from '../inflight/inflight.ts'

/** Handles that can be told where their message went, at most; those beyond are answered as of messages that are gone. */
export const MOVED_DELIVERIES_MAX = 20_000
/** A full table is looked through for what is settled once in so many handles: each costs a few looks, not all of them. */
const NOTES_PER_PRUNE = 1024
/** A copy may be copied again: steps from a handle to its message, at most. */
const STEPS_MAX = 16

/** Where a message lies for a group. */
export interface Place {
  readonly topic: string
  readonly group: string
  readonly queueId: number
  readonly offset: number
}

/** A delivery as its copy takes it over: the place is that of the copy, the times are those of the origin. */
export interface ClaimedCopy extends QueueRef {
  readonly offset: number
  readonly popTime: number
  /** Undefined when it was released: then the copy waits as any message. */
  readonly deadlineMs: number | undefined
}

export interface MovedDeliveries {
  /**
   * The group consumes the queue of the copy from now on, so that its lag shows there. The copy is in flight as its origin
   * was, where the bounds of the queue let it.
   */
  claim(copy: ClaimedCopy): void
  /** Copies for the group are in the log that nobody can read yet: they are not flushed, or there is no room on the disk. */
  awaitsCopies(queue: QueueState): boolean
  /** The handles of the origin are those of the copy. */
  note(from: Place, to: Place): void
  /** Acts on the message of a handle: where the handle names it, and where that gives undefined, where it went. */
  act<Result>(handle: Place, act: (queue: QueueState, offset: number) => Result | undefined): Result | undefined
  /** Whether the message has gone on elsewhere. */
  has(handle: Place): boolean
  /** For the start cache: those that can act still. */
  all(): (readonly [from: Place, to: Place])[]
}

export interface MovedDeliveriesDeps {
  readonly inflight: Pick<Inflight, 'queue' | 'start' | 'lowMark' | 'retain' | 'claim' | 'isInFlight' | 'pendingAt'>
  readonly store: Pick<QueueReader, 'bounds'>
}

function keyOf({ topic, group, queueId, offset }: Place): string {
  return `${queueId} ${offset} ${group} ${topic}`
}

/** Creates an empty table. */
export function createMovedDeliveries({ inflight, store }: MovedDeliveriesDeps): MovedDeliveries {
  const moved = new Map<string, readonly [from: Place, to: Place]>()
  /** One past the last copy of each queue that has any. */
  const ends = new WeakMap<QueueState, number>()
  /** Handles that were given up since the table was looked through. */
  let forgotten = NOTES_PER_PRUNE

  function lastPlaceOf(handle: Place): Place {
    let place = handle
    for (let step = 0; step < STEPS_MAX; step += 1) {
      const next = moved.get(keyOf(place))
      if (next === undefined) break
      place = next[1]
    }
    return place
  }

  /** A handle can act there. That of a half message is its place, so it acts until the message is decided. */
  function canAct(queue: QueueState, offset: number): boolean {
    if (queue.topic !== SystemTopic.HALF) return inflight.isInFlight(queue, offset)
    return offset >= queue.cursor || inflight.pendingAt(queue, offset) !== undefined
  }

  function prune(): void {
    for (const [key, [, to]] of moved) {
      const { topic, group, queueId, offset } = lastPlaceOf(to)
      const queue = inflight.queue(topic, group, queueId)
      if (queue === undefined || !canAct(queue, offset)) moved.delete(key)
    }
  }

  return {
    claim({ topic, incarnation, group, queueId, offset, popTime, deadlineMs }) {
      const { min } = store.bounds(topic, queueId)
      const queue = inflight.queue(topic, group, queueId) ?? inflight.start({ topic, incarnation, group, queueId }, min)
      if (inflight.lowMark(queue) < min) inflight.retain(queue, min)
      ends.set(queue, offset + 1)
      if (deadlineMs !== undefined) inflight.claim(queue, offset, { popTime, deadlineMs })
    },
    awaitsCopies: (queue) => (ends.get(queue) ?? 0) > store.bounds(queue.topic, queue.queueId).max,
    note(from, to) {
      if (moved.size >= MOVED_DELIVERIES_MAX && forgotten >= NOTES_PER_PRUNE) {
        prune()
        forgotten = 0
      }
      if (moved.size < MOVED_DELIVERIES_MAX) moved.set(keyOf(from), [from, to])
      else forgotten += 1
    },
    act(handle, act) {
      function actAt({ topic, group, queueId, offset }: Place) {
        const queue = inflight.queue(topic, group, queueId)
        return queue === undefined ? undefined : act(queue, offset)
      }
      // A topic may have been created anew since: what its handles name comes first.
      const result = actAt(handle)
      if (result !== undefined) return result
      const place = lastPlaceOf(handle)
      return place === handle ? undefined : actAt(place)
    },
    has: (handle) => moved.has(keyOf(handle)),
    all() {
      prune()
      return [...moved.values()]
    },
  }
}
