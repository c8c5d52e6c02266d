// Times of the wire ↔ milliseconds. Sub-millisecond parts are cut off; senders of both signs are accepted. What no
// number holds becomes the longest time of its sign, so that the limit of the field refuses it by name.
import type { Duration, Timestamp } from './generated/v2.ts'

const NANOS_PER_MS = 1_000_000

/** Milliseconds of a duration, a safe integer. */
export function durationToMs(duration: Duration): number {
  return toMs(duration)
}

/** Milliseconds since the Unix epoch, a safe integer. */
export function timestampToMs(timestamp: Timestamp): number {
  return toMs(timestamp)
}

/** A duration of whole milliseconds. */
export function msToDuration(ms: number): Duration {
  const seconds = Math.trunc(ms / 1000)
  return { seconds, nanos: Math.trunc(ms - seconds * 1000) * NANOS_PER_MS }
}

/** A point of time given in milliseconds since the Unix epoch; nanos are never negative, as protobuf demands. */
export function msToTimestamp(epochMs: number): Timestamp {
  const seconds = Math.floor(epochMs / 1000)
  return { seconds, nanos: Math.trunc(epochMs - seconds * 1000) * NANOS_PER_MS }
}

function toMs({ seconds, nanos }: { readonly seconds: number; readonly nanos: number }): number {
  const ms = seconds * 1000 + Math.trunc(nanos / NANOS_PER_MS)
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(ms, Number.MAX_SAFE_INTEGER))
}
