// A bar on a terminal that says how far a long command is; silent everywhere else.
import type { Clock } from '@rocketmq-ts/runtime'
import type { Output } from '../host.ts'

const BAR_CHARACTERS = 30
/** A person sees no more. */
const REDRAW_MS = 100

export interface Progress {
  at(done: number, total: number): void
  /** Takes the bar away. */
  end(): void
}

/** @param err where remarks go; a bar is drawn only where a person reads it */
export function createProgress(err: Output, clock: Pick<Clock, 'monotonicMs'>, label: string): Progress {
  let drawnMs = -Infinity
  let isDrawn = false
  return {
    at(done, total) {
      const nowMs = clock.monotonicMs()
      if (!err.isTTY || total <= 0 || nowMs - drawnMs < REDRAW_MS) return
      drawnMs = nowMs
      isDrawn = true
      const share = Math.min(1, done / total)
      const full = Math.floor(share * BAR_CHARACTERS)
      const bar = '#'.repeat(full) + '.'.repeat(BAR_CHARACTERS - full)
      err.write(`\r${label} [${bar}] ${Math.floor(share * 100)} %`)
    },
    end() {
      if (isDrawn) err.write('\r\u001b[K')
      isDrawn = false
    },
  }
}
