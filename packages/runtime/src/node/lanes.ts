// Bounds how many operations run at once. The others wait: within a group in order of arrival, and the groups take turns,
// so that one with thousands of them delays another's by one.
import assert from 'node:assert'

type Start = (done: () => void) => void

/** Calls `start` now or when an earlier holder called the `done` it was given. */
export interface Lane {
  enter(start: Start, group?: string): void
}

/** The operations of one group that wait, without shifting a list. */
interface Waiting {
  starts: Start[]
  next: number
}

/** Taken from the front of a list before it is cut. */
const TAKEN_MAX = 1024

/** A lane for at most `width` operations at a time. Waiting ones are bounded by their callers. */
export function createLane(width: number): Lane {
  assert(Number.isInteger(width) && width > 0, `not a width: ${width}`)
  /** By group, the one whose turn it is first. A group without a waiting operation is not in it. */
  const waiting = new Map<string, Waiting>()
  let running = 0

  function takeNext(): Start | undefined {
    for (const [group, queue] of waiting) {
      const start = queue.starts[queue.next]
      queue.next += 1
      waiting.delete(group)
      if (queue.next < queue.starts.length) {
        if (queue.next >= TAKEN_MAX) {
          queue.starts = queue.starts.slice(queue.next)
          queue.next = 0
        }
        waiting.set(group, queue)
      }
      return start
    }
    return undefined
  }

  function leave(): void {
    const start = takeNext()
    if (start === undefined) running -= 1
    else start(once())
  }

  function once(): () => void {
    let left = false
    return () => {
      assert(!left, 'a lane is left once')
      left = true
      leave()
    }
  }

  return {
    enter(start, group = '') {
      if (running < width) {
        running += 1
        start(once())
        return
      }
      const queue = waiting.get(group)
      if (queue === undefined) waiting.set(group, { starts: [start], next: 0 })
      else queue.starts.push(start)
    },
  }
}
