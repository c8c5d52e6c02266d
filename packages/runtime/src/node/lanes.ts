// Bounds how many operations run at once; the others wait in order of arrival.
import assert from 'node:assert'

/** Calls `start` now or when an earlier holder called the `done` it was given. */
export interface Lane {
  enter(start: (done: () => void) => void): void
}

/** A lane for at most `width` operations at a time. Waiting ones are bounded by their callers. */
export function createLane(width: number): Lane {
  assert(Number.isInteger(width) && width > 0, `not a width: ${width}`)
  const waiting: ((done: () => void) => void)[] = []
  let next = 0
  let running = 0

  function leave(): void {
    const start = waiting[next]
    if (start === undefined) {
      running -= 1
      return
    }
    next += 1
    if (next > 1024 && next * 2 > waiting.length) {
      waiting.splice(0, next)
      next = 0
    }
    start(once())
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
    enter(start) {
      if (running >= width) {
        waiting.push(start)
        return
      }
      running += 1
      start(once())
    },
  }
}
