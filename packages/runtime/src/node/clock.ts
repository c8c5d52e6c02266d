import { performance } from 'node:perf_hooks'
import type { Clock } from '../clock.ts'

/** The machine's own time. */
export const nodeClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}
