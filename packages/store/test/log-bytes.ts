// A log as bytes, made without the store: what recovery must make sense of.
import { BLANK_MAGIC, commitLogOffset, encodeRecord, queueOffset, recordSize } from '@rocketmq-ts/model'
import type { NewRecord } from '../src/index.ts'
import type { LogSource, ScannedRecord } from '../src/recovery.ts'
import { scanLog, type ScanDecision, type ScanOptions } from '../src/recovery.ts'
import { newRecord, SEGMENT_BYTES } from './store-fixture.ts'

export interface PlacedRecord {
  readonly position: number
  readonly size: number
  readonly end: number
}

/** Writes records one behind the other, with fillers, into as many segments as they take. */
export function buildLog(records: readonly NewRecord[], segmentBytes = SEGMENT_BYTES) {
  const segments: Buffer[] = []
  const placed: PlacedRecord[] = []
  const offsets = new Map<string, number>()
  let position = 0
  for (const record of records) {
    const size = recordSize(record)
    const remaining = segmentBytes - (position % segmentBytes)
    if (size + 8 > remaining) {
      const filled = segments.at(-1)!
      filled.writeInt32BE(remaining, segmentBytes - remaining)
      filled.writeInt32BE(BLANK_MAGIC, segmentBytes - remaining + 4)
      position += remaining
    }
    if (position % segmentBytes === 0) segments.push(Buffer.alloc(segmentBytes))
    const queue = `${record.topic}/${record.queueId}`
    const offset = offsets.get(queue) ?? 0
    offsets.set(queue, offset + 1)
    const place = { queueOffset: queueOffset(offset), commitLogOffset: commitLogOffset(position), storeTimestampMs: 7 }
    encodeRecord(record, place, segments.at(-1)!, position % segmentBytes)
    placed.push({ position, size, end: position + size })
    position += size
  }
  return { bytes: Buffer.concat(segments), placed, end: position }
}

/** `count` records of different sizes. */
export function someRecords(count: number, textBytes = 20): NewRecord[] {
  return Array.from({ length: count }, (_, index) =>
    newRecord({ text: `${index}`.padEnd(textBytes + (index % 7), '.') }),
  )
}

/** Reads from memory; `readBytesMax` makes the windows small. */
export function sourceOf(bytes: Buffer, segmentBytes = SEGMENT_BYTES): LogSource {
  return {
    segmentBytes,
    end: bytes.length,
    async read(position, into) {
      return bytes.copy(into, 0, position, Math.min(bytes.length, position + into.length))
    },
  }
}

/** Scans, and tells the positions of the records taken. */
export async function scan(
  bytes: Buffer,
  options: Partial<ScanOptions> = {},
): Promise<ScanDecision & { readonly positions: number[] }> {
  const positions: number[] = []
  const decision = await scanLog({
    source: sourceOf(bytes),
    from: 0,
    provenFlushed: 0,
    onRecord: (record: ScannedRecord) => {
      positions.push(record.position)
      return true
    },
    ...options,
  })
  return { ...decision, positions }
}
