// Many deadlines, one timer. Items of one millisecond form a linked list, a heap orders the milliseconds: adding and
// removing cost nothing per item. Milliseconds whose items were all removed are swept out now and then: clients choose
// deadlines, and may choose years.
import type { Clock } from './clock.ts'
import type { Scheduler, Timer } from './scheduler.ts'

/** Something that expires once unless it is removed before. */
export abstract class Expiring {
  /** Neighbours in the list of its millisecond; owned by `Deadlines`. */
  previous: Expiring | undefined
  next: Expiring | undefined
  abstract expire(): void
}

/** Removals after which milliseconds without items are swept out; more where more had items the last time. */
export const REMOVALS_PER_SWEEP = 16_384

export interface Deadlines {
  /** `item` expires not before `delayMs` milliseconds from now. It must not be waiting already. */
  add(item: Expiring, delayMs: number): void
  /** Forgets the item; one that expired or never waited is fine. */
  remove(item: Expiring): void
  /** Milliseconds that are remembered, those without items included until they are swept out. */
  readonly moments: number
}

class Head extends Expiring {
  expire(): void {}
}

/** False for an item that was in no list. */
function unlink(item: Expiring): boolean {
  if (item.previous === undefined) return false
  item.previous.next = item.next
  if (item.next !== undefined) item.next.previous = item.previous
  item.previous = undefined
  item.next = undefined
  return true
}

function link(head: Expiring, item: Expiring): void {
  item.previous = head
  item.next = head.next
  if (head.next !== undefined) head.next.previous = item
  head.next = item
}

/** A heap of distinct numbers, smallest first. */
class MinHeap {
  #values: number[] = []

  /** In place of all that it held. */
  fill(values: Iterable<number>): void {
    // Numbers in order are a heap.
    this.#values = Array.from(values).sort((left, right) => left - right)
  }

  get smallest(): number | undefined {
    return this.#values[0]
  }

  push(value: number): void {
    const values = this.#values
    let at = values.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = values[parent] as number
      if (above <= value) break
      values[at] = above
      at = parent
    }
    values[at] = value
  }

  removeSmallest(): void {
    const values = this.#values
    const last = values.pop()
    if (last === undefined || values.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= values.length) break
      const right = values[child + 1]
      if (right !== undefined && right < (values[child] as number)) child += 1
      const below = values[child] as number
      if (below >= last) break
      values[at] = below
      at = child
    }
    values[at] = last
  }
}

export function createDeadlines(effects: { readonly clock: Clock; readonly scheduler: Scheduler }): Deadlines {
  const { clock, scheduler } = effects
  const heads = new Map<number, Head>()
  const moments = new MinHeap()
  let timer: Timer | undefined
  let timerAtMs = Number.POSITIVE_INFINITY
  /** Since the last sweep. */
  let removals = 0
  let sweepAtRemovals = REMOVALS_PER_SWEEP

  function arm(): void {
    const soonest = moments.smallest
    if (soonest === undefined || soonest >= timerAtMs) return
    timer?.cancel()
    timerAtMs = soonest
    timer = scheduler.after(Math.max(0, soonest - clock.monotonicMs()), expireDue)
  }

  function expireDue(): void {
    timer = undefined
    timerAtMs = Number.POSITIVE_INFINITY
    const nowMs = clock.monotonicMs()
    for (let moment = moments.smallest; moment !== undefined && moment <= nowMs; moment = moments.smallest) {
      const head = heads.get(moment)
      heads.delete(moment)
      moments.removeSmallest()
      for (let item = head?.next; item !== undefined; item = head?.next) {
        unlink(item)
        item.expire()
      }
    }
    skipEmpty()
    arm()
  }

  /** Moments whose items were all removed need no wake-up. */
  function skipEmpty(): void {
    for (let moment = moments.smallest; moment !== undefined; moment = moments.smallest) {
      if (heads.get(moment)?.next !== undefined) return
      heads.delete(moment)
      moments.removeSmallest()
    }
  }

  function sweep(): void {
    for (const [moment, head] of heads) if (head.next === undefined) heads.delete(moment)
    moments.fill(heads.keys())
    removals = 0
    sweepAtRemovals = Math.max(REMOVALS_PER_SWEEP, heads.size)
  }

  return {
    add(item, delayMs) {
      const moment = Math.ceil(clock.monotonicMs() + delayMs)
      let head = heads.get(moment)
      if (head === undefined) {
        head = new Head()
        heads.set(moment, head)
        moments.push(moment)
      }
      link(head, item)
      arm()
    },
    remove(item) {
      if (!unlink(item)) return
      removals += 1
      if (removals >= sweepAtRemovals) sweep()
    },
    get moments() {
      return heads.size
    },
  }
}
