// Times of the wire ↔ milliseconds. Sub-millisecond parts are cut off; senders of both signs are accepted.
import { MqError } from '@rocketmq-ts/model'
import type { Duration, Timestamp } from './generated/v2.ts'

const NANOS_PER_MS = 1_000_000

/** Milliseconds of a duration. Throws MqError 'parameter-invalid' beyond the range of safe integers. */
export function durationToMs(duration: Duration): number {
  return toMs(duration, 'duration')
}

/** Milliseconds since the Unix epoch. Throws MqError 'parameter-invalid' beyond the range of safe integers. */
export function timestampToMs(timestamp: Timestamp): number {
  return toMs(timestamp, 'timestamp')
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

function toMs(value: { readonly seconds: number; readonly nanos: number }, kind: string): number {
  const ms = value.seconds * 1000 + Math.trunc(value.nanos / NANOS_PER_MS)
  if (!Number.isSafeInteger(ms)) {
    throw new MqError('parameter-invalid', `${kind} out of range: ${value.seconds} s and ${value.nanos} ns`)
  }
  return ms
}
