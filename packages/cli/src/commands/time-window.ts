// The window of time that options name.
import { CliFailure } from '../failures.ts'
import { timeText } from '../output/text.ts'
import type { Moment } from '../values.ts'

/** Brokers stamp with their own clocks. */
const CLOCKS_DIFFER_MS = 24 * 3_600_000

export interface TimeWindow {
  /** Wall milliseconds, both included. */
  readonly fromMs: number
  readonly toMs: number
}

function at(moment: Moment, nowMs: number): number {
  return moment.kind === 'at' ? moment.ms : nowMs - moment.ms
}

/** All of the past without a start, up to now (and what clocks may differ) without an end. */
export function windowOf(options: { readonly from?: Moment; readonly to?: Moment }, nowMs: number): TimeWindow {
  const fromMs = options.from === undefined ? 0 : Math.max(0, at(options.from, nowMs))
  const toMs = options.to === undefined ? nowMs + CLOCKS_DIFFER_MS : at(options.to, nowMs)
  if (fromMs <= toMs) return { fromMs, toMs }
  throw new CliFailure('usage', `--from (${timeText(fromMs)}) lies behind --to (${timeText(toMs)})`, 'Swap them.')
}
