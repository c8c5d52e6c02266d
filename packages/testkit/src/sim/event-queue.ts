// Events by time; a random tie breaks equal times, so that a seed decides the order of what happens at once.

/** Whose code an event runs; an event of a dead owner is dropped. */
export interface Owner {
  readonly id: number
  readonly name: string
  readonly alive: boolean
}

export const EventKind = { soon: 1, timer: 2, disk: 3, network: 4, process: 5, world: 6, job: 7 } as const
export type EventKind = (typeof EventKind)[keyof typeof EventKind]

export interface SimEvent {
  readonly atMs: number
  readonly tie: number
  readonly sequence: number
  readonly owner: Owner
  readonly kind: EventKind
  /** Goes into the trace: a length, a position. */
  readonly detail: number
  /** Undefined once cancelled. */
  run: (() => void) | undefined
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs
  if (a.tie !== b.tie) return a.tie < b.tie
  return a.sequence < b.sequence
}

/** A binary heap. */
export class EventQueue {
  readonly #heap: SimEvent[] = []

  /** Counts cancelled events until they are reached. */
  get length(): number {
    return this.#heap.length
  }

  /** The next event that is not cancelled and whose owner lives. */
  peek(): SimEvent | undefined {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined || (first.run !== undefined && first.owner.alive)) return first
      this.pop()
    }
  }

  push(event: SimEvent): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = heap[parentAt] as SimEvent
      if (!isBefore(event, parent)) break
      heap[at] = parent
      at = parentAt
    }
    heap[at] = event
  }

  pop(): SimEvent | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let childAt = 2 * at + 1
      if (childAt >= heap.length) break
      const right = childAt + 1
      if (right < heap.length && isBefore(heap[right] as SimEvent, heap[childAt] as SimEvent)) childAt = right
      const child = heap[childAt] as SimEvent
      if (!isBefore(child, last)) break
      heap[at] = child
      at = childAt
    }
    heap[at] = last
    return first
  }
}
