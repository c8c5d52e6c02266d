// Store time of the last message of a segment, read from its end. Only looks: any bytes can test it.
import { createRecordPeek } from '@rocketmq-ts/model'
import { findRecord, scanStep } from '../commit-log/scan.ts'
import type { Segment } from '../commit-log/segment.ts'

const MiB = 1024 * 1024
/** Bytes read from the end of a segment, and once more when they hold no whole record. */
const TAIL_BYTES = [256 * 1024, 16 * MiB] as const

/** Store time of the last record in `bytes`, which end where the segment ends. */
function lastIn(bytes: Buffer, position: number, segmentEnd: number): number | undefined {
  const peek = createRecordPeek()
  let last: number | undefined
  let at = findRecord(bytes, 0, { position, segmentEnd }, peek)
  while (at >= 0) {
    const isRecord = scanStep(bytes, at, { position: position + at, segmentEnd }, peek) === 'record'
    if (isRecord) last = peek.storeTimestampMs
    at = findRecord(bytes, at + (isRecord ? peek.totalSize : 1), { position, segmentEnd }, peek)
  }
  return last
}

/**
 * Undefined where no record can be found near the end: then nobody knows better than the time of the next segment, and a
 * record larger than 16 MiB makes its segment stay as long as that one.
 */
export async function lastStoredMs({ base, file }: Segment, segmentBytes: number): Promise<number | undefined> {
  for (const wanted of TAIL_BYTES) {
    const length = Math.min(wanted, segmentBytes)
    const into = Buffer.allocUnsafe(length)
    const from = segmentBytes - length
    const bytes = into.subarray(0, await file.read(from, into, 'cold'))
    const last = lastIn(bytes, base + from, base + segmentBytes)
    if (last !== undefined || length === segmentBytes) return last
  }
  return undefined
}
