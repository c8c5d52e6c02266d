// The commit log as it lies on the disk, read by the checker itself: every record in its order, and where the log ends.
import { utf8Decode } from '@rocketmq-ts/bytes'
import { createRecordPeek, peekRecord } from '@rocketmq-ts/model'
import { crc32 } from 'node:zlib'
import type { Disk, FilePages } from '../sim/index.ts'

export interface LogRecord {
  readonly position: number
  readonly size: number
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  /** When it was sent, by the clock of the machine. */
  readonly bornMs: number
  readonly storeMs: number
  /** Within the record. */
  readonly bodyAt: number
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

/** One file of the log. */
interface SegmentImage {
  readonly pages: FilePages
  readonly version: number
  /** Behind its last record, or its own end where a blank record fills it. */
  readonly end: number
  readonly records: readonly LogRecord[]
  readonly debrisBytes: number
}

/** Of a body's checksum, as Java stores it. */
const CRC_BITS = 0x7fff_ffff
const BORN_AT = 40

/** Reads the files of the log as readers see them now. Takes no time in the world. What did not change is not read again. */
export class LogReader {
  readonly segmentBytes: number
  readonly #disk: Disk
  readonly #folder: string
  #segments = new Map<number, SegmentImage>()
  /** Ends of records that were damaged on purpose, by their starts: the reading goes on behind them. */
  readonly #damaged = new Map<number, number>()

  /** `root` is that of the store. */
  constructor(disk: Disk, root: string, segmentBytes: number) {
    this.#disk = disk
    this.#folder = `${root}/commitlog`
    this.segmentBytes = segmentBytes
  }

  /** From now on this record is passed over where it can not be read. */
  damaged({ position, size }: LogRecord): void {
    this.#damaged.set(position, position + size)
  }

  read(): LogImage {
    const bases = this.#disk
      .list(this.#folder)
      .filter(({ name }) => /^\d{20}$/u.test(name))
      .map(({ name }) => Number(name))
    const segments = new Map(bases.map((base) => [base, this.#segment(base)]))
    this.#segments = segments
    const min = bases[0] ?? 0
    const records: LogRecord[] = []
    let end = min
    let debrisBytes = 0
    for (const [base, segment] of segments) {
      records.push(...segment.records)
      if (segment.end > base) end = segment.end
      debrisBytes += segment.debrisBytes
    }
    return { min, end, records, debrisBytes }
  }

  #segment(base: number): SegmentImage {
    const { pages } = this.#disk.file(`${this.#folder}/${String(base).padStart(20, '0')}`)
    const known = this.#segments.get(base)
    if (known?.pages === pages && known.version === pages.version) return known
    return readSegment({ pages, base, segmentBytes: this.segmentBytes, damaged: this.#damaged })
  }
}

function readSegment({
  pages,
  base,
  segmentBytes,
  damaged,
}: {
  readonly pages: FilePages
  readonly base: number
  readonly segmentBytes: number
  readonly damaged: ReadonlyMap<number, number>
}): SegmentImage {
  const bytes = Buffer.alloc(segmentBytes)
  pages.read(0, bytes)
  const records: LogRecord[] = []
  const peek = createRecordPeek()
  const { version } = pages
  let at = 0
  while (at < segmentBytes) {
    // Whatever its bytes say now.
    const damagedEnd = damaged.get(base + at)
    if (damagedEnd !== undefined) {
      at = damagedEnd - base
      continue
    }
    const kind = peekRecord(bytes, at, peek)
    if (kind === 'blank' && peek.totalSize === segmentBytes - at)
      return { pages, version, records, end: base + segmentBytes, debrisBytes: 0 }
    if (kind !== 'record' || peek.commitLogOffset !== base + at) break
    // Compared here, not by the store's own word for it.
    const body = bytes.subarray(peek.bodyAt, peek.bodyAt + peek.bodyLength)
    if ((crc32(body) & CRC_BITS) !== peek.bodyCrc) break
    const record = bytes.subarray(at, at + peek.totalSize)
    records.push({
      position: base + at,
      size: peek.totalSize,
      topic: utf8Decode(bytes.subarray(peek.topicAt, peek.topicAt + peek.topicLength), 'topic'),
      queueId: peek.queueId,
      queueOffset: peek.queueOffset,
      bornMs: Number(record.readBigInt64BE(BORN_AT)),
      storeMs: peek.storeTimestampMs,
      bodyAt: peek.bodyAt - at,
      body,
      properties: bytes.toString('latin1', peek.propertiesAt, peek.propertiesAt + peek.propertiesLength),
      crc: crc32(record),
    })
    at += peek.totalSize
  }
  return { pages, version, records, end: base + at, debrisBytes: nonZeroBytes(bytes, at) }
}

function nonZeroBytes(bytes: Buffer, from: number): number {
  let last = bytes.length
  while (last > from && bytes[last - 1] === 0) last -= 1
  return last - from
}
