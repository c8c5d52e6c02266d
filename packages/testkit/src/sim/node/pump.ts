// Runs steps so that between any two of them every microtask and every `nextTick` has run. A chain of immediates does
// that inside one pass of the event loop, at well under a microsecond each.
import { setImmediate } from 'node:timers'

/** The process that hears of unhandled rejections: under jest `process` is a copy that does not. */
const realProcess: NodeJS.Process =
  (globalThis as { [name: symbol]: NodeJS.Process | undefined })[Symbol.for('rocketmq-ts.process')] ?? process

/** Immediates queued per pass; those left over at the end do nothing. */
const BATCH = 128

/**
 * Calls `step` until it answers false. Rejects with what it throws, and with the reason of any promise that is
 * rejected meanwhile and handled by nobody.
 */
export function pump(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = false
    let queued = 0

    function finish(settle: () => void): void {
      done = true
      realProcess.off('unhandledRejection', onRejection)
      settle()
    }

    function onRejection(reason: unknown): void {
      if (!done) finish(() => reject(reason))
    }

    function stepOnce(): void {
      queued -= 1
      if (done) return
      try {
        if (!step()) finish(resolve)
        else if (queued === 0) fill()
      } catch (error) {
        finish(() => reject(error))
      }
    }

    function fill(): void {
      queued = BATCH
      for (let count = 0; count < BATCH; count += 1) setImmediate(stepOnce)
    }

    realProcess.on('unhandledRejection', onRejection)
    fill()
  })
}

/** Runs `task` when the code that runs now has given way. */
export function later(task: () => void): void {
  setImmediate(task)
}
