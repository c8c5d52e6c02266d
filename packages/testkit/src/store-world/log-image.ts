// The commit log as it lies on the disk, read by the checker itself: every record in its order, and where the log ends.
import { utf8Decode } from '@rocketmq-ts/bytes'
import { createRecordPeek, peekedBodyCrcMatches, peekRecord } from '@rocketmq-ts/model'
import { crc32 } from 'node:zlib'
import type { Disk } from '../sim/index.ts'

export interface LogRecord {
  readonly position: number
  readonly size: number
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly storeMs: number
  readonly body: Buffer
  readonly properties: string
  /** Of all its bytes. */
  readonly crc: number
}

export interface LogImage {
  /** Position of the first byte kept. */
  readonly min: number
  /** Behind the last record that can be read. */
  readonly end: number
  readonly records: readonly LogRecord[]
  /** Bytes behind `end` that are not zero: what a crash left behind and nobody cleared. */
  readonly debrisBytes: number
}

export interface ImageOptions {
  readonly disk: Disk
  /** Root of the store. */
  readonly root: string
  readonly segmentBytes: number
  /** Where records began earlier, ascending: the reading goes on there behind a hole. */
  readonly knownStarts?: readonly number[]
}

/** Reads the files of the log as readers see them now. Takes no time in the world. */
export function readLogImage({ disk, root, segmentBytes, knownStarts = [] }: ImageOptions): LogImage {
  const folder = `${root}/commitlog`
  const bases = disk
    .list(folder)
    .filter(({ name }) => /^\d{20}$/u.test(name))
    .map(({ name }) => Number(name))
  const records: LogRecord[] = []
  const peek = createRecordPeek()
  const min = bases[0] ?? 0
  let end = min
  let debrisBytes = 0
  for (const base of bases) {
    const bytes = Buffer.alloc(segmentBytes)
    disk.file(`${folder}/${String(base).padStart(20, '0')}`).pages.read(0, bytes)
    let at = 0
    while (at < segmentBytes) {
      const kind = peekRecord(bytes, at, peek)
      if (kind === 'blank' && peek.totalSize === segmentBytes - at) {
        end = base + segmentBytes
        break
      }
      if (kind === 'record' && peek.commitLogOffset === base + at && peekedBodyCrcMatches(bytes, peek)) {
        const record = bytes.subarray(at, at + peek.totalSize)
        records.push({
          position: base + at,
          size: peek.totalSize,
          topic: utf8Decode(bytes.subarray(peek.topicAt, peek.topicAt + peek.topicLength), 'topic'),
          queueId: peek.queueId,
          queueOffset: peek.queueOffset,
          storeMs: peek.storeTimestampMs,
          body: bytes.subarray(peek.bodyAt, peek.bodyAt + peek.bodyLength),
          properties: bytes.toString('latin1', peek.propertiesAt, peek.propertiesAt + peek.propertiesLength),
          crc: crc32(record),
        })
        at += peek.totalSize
        end = base + at
        continue
      }
      const next = knownStarts.find((start) => start > base + at && start < base + segmentBytes)
      if (next === undefined) {
        debrisBytes += nonZeroBytes(bytes, at)
        break
      }
      at = next - base
    }
  }
  return { min, end, records, debrisBytes }
}

function nonZeroBytes(bytes: Buffer, from: number): number {
  let last = bytes.length
  while (last > from && bytes[last - 1] === 0) last -= 1
  return last - from
}
