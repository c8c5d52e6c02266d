// The timer index at one position of the log: which runs it has, what no run has yet, how far it has come. A generation
// file; derived from the log, so losing it costs time only.
//
//   u32 length of the JSON | JSON | entries that are in no run
import { utf8Decode, utf8Encode } from '@rocketmq-ts/bytes'
import { MqError } from '@rocketmq-ts/model'
import type { RunName } from './run-file.ts'
import {
  readTimerEntry,
  TIMER_ENTRY_BYTES,
  type TimerEntry,
  type TimerKey,
  viewOf,
  writeTimerEntry,
} from './timer-entry.ts'

/** Four characters, see generation files. */
export const TIMER_IMAGE_KIND = 'TIMR'
export const TIMER_IMAGE_VERSION = 1
const LENGTH_BYTES = 4

/** What became of every message that was ever pending. */
export interface TimerTotals {
  readonly scheduled: number
  readonly delivered: number
  readonly recalled: number
  /** Written once more before retention took the record; the new one counts as scheduled too. */
  readonly moved: number
  /** Its topic is gone. */
  readonly dropped: number
  readonly damaged: number
}

export const NO_TOTALS: TimerTotals = { scheduled: 0, delivered: 0, recalled: 0, moved: 0, dropped: 0, damaged: 0 }

export interface TimerImage {
  readonly nextRun: number
  readonly frontier: TimerKey
  readonly totals: TimerTotals
  /** Ended out of their order: the runs still have them. */
  readonly removed: readonly TimerKey[]
  readonly runs: readonly RunName[]
  readonly fresh: readonly TimerEntry[]
  /** The owner's own words. */
  readonly note: unknown
}

export function encodeTimerImage({ fresh, ...rest }: TimerImage): Uint8Array {
  const json = utf8Encode(JSON.stringify(rest))
  const bytes = new Uint8Array(LENGTH_BYTES + json.length + fresh.length * TIMER_ENTRY_BYTES)
  const view = viewOf(bytes)
  view.setUint32(0, json.length)
  bytes.set(json, LENGTH_BYTES)
  let at = LENGTH_BYTES + json.length
  for (const entry of fresh) {
    writeTimerEntry(view, at, entry)
    at += TIMER_ENTRY_BYTES
  }
  return bytes
}

/** Throws MqError 'damaged' for bytes that are no image. */
export function decodeTimerImage(bytes: Uint8Array): TimerImage {
  try {
    const view = viewOf(bytes)
    const length = view.getUint32(0)
    const json = utf8Decode(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length), 'timer image')
    const rest = JSON.parse(json) as Omit<TimerImage, 'fresh'>
    const fresh: TimerEntry[] = []
    for (let at = LENGTH_BYTES + length; at < bytes.length; at += TIMER_ENTRY_BYTES)
      fresh.push(readTimerEntry(view, at))
    return { ...rest, fresh }
  } catch (error) {
    throw new MqError('damaged', `timer image: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}
