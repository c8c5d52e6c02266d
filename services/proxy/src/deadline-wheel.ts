// Deadlines of many items with one timer: buckets of a second each. Idle means no timer; never more than one a second.
import type { Clock, Scheduler, Timer } from '@rocketmq-ts/runtime'

export const BUCKET_MS = 1000

/** What is put in keeps its place, so that taking it out needs no search. Starts as `NO_BUCKET`. */
export interface WheelItem {
  bucket: number
}
export const NO_BUCKET = -1

export interface DeadlineWheel<Item extends WheelItem> {
  /** Calls `onDue` not before `atMs` of monotonic time and at most a second later. Moves an item already in. */
  put(item: Item, atMs: number): void
  /** Taking out what is not in does nothing. */
  take(item: Item): void
  readonly size: number
  /** Forgets everything and cancels the timer. */
  clear(): void
}

export interface WheelOptions<Item> {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** The items are out of the wheel when this is called. */
  readonly onDue: (items: Iterable<Item>) => void
}

/** Creates an empty wheel. */
export function createDeadlineWheel<Item extends WheelItem>(options: WheelOptions<Item>): DeadlineWheel<Item> {
  const { clock, scheduler, onDue } = options
  const buckets = new Map<number, Set<Item>>()
  let size = 0
  let timer: Timer | undefined
  let armedFor = Infinity

  function arm(bucket: number): void {
    timer?.cancel()
    armedFor = bucket
    timer = scheduler.after(Math.max(0, bucket * BUCKET_MS - clock.monotonicMs()), fire)
  }

  function fire(): void {
    timer = undefined
    armedFor = Infinity
    const now = Math.floor(clock.monotonicMs() / BUCKET_MS)
    const due: Set<Item>[] = []
    let next = Infinity
    for (const [bucket, items] of buckets) {
      if (bucket <= now) {
        buckets.delete(bucket)
        due.push(items)
      } else if (bucket < next) next = bucket
    }
    if (next !== Infinity) arm(next)
    for (const items of due) {
      size -= items.size
      for (const item of items) item.bucket = NO_BUCKET
      onDue(items)
    }
  }

  function take(item: Item): void {
    const items = buckets.get(item.bucket)
    if (items?.delete(item)) {
      size -= 1
      if (items.size === 0) buckets.delete(item.bucket)
    }
    item.bucket = NO_BUCKET
  }

  return {
    put(item, atMs) {
      if (item.bucket !== NO_BUCKET) take(item)
      const bucket = Math.ceil(Math.max(atMs, clock.monotonicMs()) / BUCKET_MS)
      let items = buckets.get(bucket)
      if (items === undefined) {
        items = new Set()
        buckets.set(bucket, items)
      }
      items.add(item)
      item.bucket = bucket
      size += 1
      if (bucket < armedFor) arm(bucket)
    },
    take,
    get size() {
      return size
    },
    clear() {
      timer?.cancel()
      timer = undefined
      armedFor = Infinity
      buckets.clear()
      size = 0
    },
  }
}
