// Reads a log after a stop and decides where it ends and what in it is lost. Reads only: any bytes can test it.
//
//   below F   a hole is skipped to the next valid record and reported; its end is F at the latest
//   above F   the first invalid byte is the end; what lies behind it was never promised to anyone
//
// F is the highest position that was provably flushed. Journal records carry newer values of it than its file does, so
// the records behind a hole are asked before the log is cut.
import { createRecordPeek, type RecordPeek } from '@rocketmq-ts/model'
import { isLossRecord } from './loss-record.ts'
import { findRecord, isBodyLost, type ScanPlace, scanStep, type ScanStep } from './commit-log/scan.ts'

const MiB = 1024 * 1024
/** Bytes read at once: more make no scan faster, and the memory stays with the process. */
const WINDOW_BYTES = MiB
/** Damaged ranges told one by one, at most: what comes behind them is told of as one. */
export const DAMAGED_RANGES_MAX = 1000
/** A magic may lie across the border of two windows. */
const WINDOW_OVERLAP_BYTES = 8

/** The bytes of a log. */
export interface LogSource {
  readonly segmentBytes: number
  /** Position behind the last file. */
  readonly end: number
  /** Fills `into`; fewer bytes only at the end of a file. A read never spans two segments. */
  read(position: number, into: Uint8Array): Promise<number>
}

/** A valid record as the scan meets it. `bytes` and `peek` are used again for the next one. */
export interface ScannedRecord {
  readonly bytes: Buffer
  readonly at: number
  readonly position: number
  readonly peek: RecordPeek
}

export interface ScanOptions {
  readonly source: LogSource
  /** A border of records: 0, the start of a segment, or what a checkpoint covers. */
  readonly from: number
  readonly provenFlushed: number
  /** `provenFlushed` is only a guess (the folder is not ours): a hole counts as such only with a record behind it. */
  readonly isGuess?: boolean
  /** From here on the log may be another broker's, which takes zero bytes in properties. */
  readonly foreignFrom?: number | undefined
  /** The log was stopped in order: nothing is looked for behind its end. */
  readonly cleanStop?: boolean
  /** No byte was ever written further behind the flushed end than this. Without it, the whole log is looked through. */
  readonly behindFlushedMax?: number
  /**
   * Takes a valid record; false when it does not fit its queue: then it counts as invalid. `lostBytes` of the log in
   * front of it are damaged, so offsets of its queue may be missing.
   */
  readonly onRecord: (record: ScannedRecord, lostBytes: number) => boolean
  /**
   * Told of a record below the flushed position whose body alone is lost, where a record must begin. `lostBytes` as above,
   * with its own.
   */
  readonly onBodyLost?: (record: ScannedRecord, lostBytes: number) => void
  /** The proven flushed position that a journal record carries. */
  readonly stampOf?: (record: ScannedRecord) => number | undefined
  /** Told of every damaged range. */
  readonly onDamaged?: (range: LogRange) => void
  /** The filler that closes a segment starts here. */
  readonly onFiller?: (position: number) => void
  /** Awaited between reads: the owner may write away what it collected. */
  readonly onWindow?: () => Promise<void>
}

export interface LogRange {
  readonly from: number
  readonly to: number
}

/** From the first byte of the first to the last one of the last: what lies between them need not be damaged. */
export interface MoreDamaged extends LogRange {
  readonly ranges: number
}

/** What the scan decided. */
export interface ScanDecision {
  /** The log ends here. */
  readonly end: number
  /** Bytes in [end, tailEnd) are debris: to be kept aside and cleared. */
  readonly tailEnd: number
  /** The highest F found. */
  readonly provenFlushed: number
  /** The first 1,000 ranges. */
  readonly damaged: readonly LogRange[]
  /** Those behind. */
  readonly moreDamaged: MoreDamaged | undefined
  /** Bytes of all of them. */
  readonly damagedBytes: number
  /** The same, and bytes of records that stand for lost ones. */
  readonly lostBytes: number
  readonly scannedBytes: number
  readonly records: number
  /** Store time of the last record, 0 without one. */
  readonly lastTimestampMs: number
}

/** One window over the source; every look is synchronous while it lies inside. */
class LogWindow {
  readonly peek = createRecordPeek()
  bytes: Buffer = Buffer.alloc(0)
  position = 0
  readonly #source: LogSource
  readonly #looked: { position: number; segmentEnd: number; readonly foreignFrom: number | undefined }
  readonly #buffer: Buffer

  constructor(source: LogSource, foreignFrom: number | undefined) {
    this.#source = source
    this.#looked = { position: 0, segmentEnd: 0, foreignFrom }
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(WINDOW_BYTES, source.segmentBytes))
  }

  /** Bytes of one ordinary read. */
  get bytesMax(): number {
    return this.#buffer.length
  }

  segmentEnd(position: number): number {
    return position - (position % this.#source.segmentBytes) + this.#source.segmentBytes
  }

  /** 'cut' also means that the place is outside of the window. */
  look(position: number): ScanStep {
    const at = position - this.position
    if (at < 0 || at >= this.bytes.length) return 'cut'
    return scanStep(this.bytes, at, this.#place(position), this.peek)
  }

  /** The record there, when its body alone is lost. The place was looked at and is torn. */
  bodyLost(position: number): ScannedRecord | undefined {
    const { bytes, peek } = this
    const at = position - this.position
    return isBodyLost(bytes, at, this.#place(position), peek) ? { bytes, at, position, peek } : undefined
  }

  /** One for all looks: a scan makes nothing per record. */
  #place(position: number): ScanPlace {
    this.#looked.position = position
    this.#looked.segmentEnd = this.segmentEnd(position)
    return this.#looked
  }

  /** Reads from `position` on, and looks; 'cut' is never the answer. */
  async load(position: number): Promise<ScanStep> {
    await this.read(position, WINDOW_BYTES)
    const step = this.look(position)
    if (step !== 'cut') return step
    if (this.peek.totalSize <= this.bytes.length) return 'torn'
    await this.read(position, this.peek.totalSize)
    const again = this.look(position)
    return again === 'cut' ? 'torn' : again
  }

  async read(position: number, wanted: number): Promise<void> {
    const length = Math.min(wanted, this.segmentEnd(position) - position)
    const into = length <= this.#buffer.length ? this.#buffer.subarray(0, length) : Buffer.allocUnsafeSlow(length)
    const count = await this.#source.read(position, into)
    this.bytes = into.subarray(0, count)
    this.position = position
  }

  /** Position of the next valid record or filler in [from, limit), or `limit`. */
  async resync(from: number, limit: number): Promise<number> {
    let position = from
    while (position < limit) {
      await this.read(position, WINDOW_BYTES)
      const segmentEnd = this.segmentEnd(position)
      const windowEnd = position + this.bytes.length
      const at = findRecord(this.bytes, 0, this.#place(position), this.peek)
      if (at >= 0) {
        const found = position + at
        if (found >= limit) return limit
        const step = await this.load(found)
        if (step === 'record' || step === 'end-of-segment') return found
        position = found + 1
      } else if (windowEnd >= segmentEnd || this.bytes.length <= WINDOW_OVERLAP_BYTES) {
        position = segmentEnd
      } else position = windowEnd - WINDOW_OVERLAP_BYTES
    }
    return limit
  }
}

/** One past the last byte from `from` on that is not zero; `from` when there is none. */
async function lastWritten(window: LogWindow, from: number, end: number): Promise<number> {
  const zeros = Buffer.alloc(window.bytesMax)
  let last = from
  for (let position = from; position < end;) {
    await window.read(position, WINDOW_BYTES)
    const { bytes } = window
    if (bytes.compare(zeros, 0, bytes.length) !== 0) {
      let index = bytes.length - 1
      while (bytes[index] === 0) index -= 1
      last = position + index + 1
    }
    position = bytes.length === 0 ? window.segmentEnd(position) : position + bytes.length
  }
  return last
}

/** The highest F that a journal record behind `from` carries. */
async function stampBehind(window: LogWindow, from: number, end: number, options: ScanOptions): Promise<number> {
  const { stampOf } = options
  let highest = 0
  if (stampOf === undefined) return highest
  for (let position = from; position < end;) {
    position = await window.resync(position, end)
    if (position >= end) break
    const step = window.look(position)
    if (step === 'end-of-segment') {
      position = window.segmentEnd(position)
      continue
    }
    const { bytes, peek } = window
    const stamp = stampOf({ bytes, at: position - window.position, position, peek }) ?? 0
    // A stamp speaks of what was flushed before its record was written.
    if (stamp <= position) highest = Math.max(highest, stamp)
    position += peek.totalSize
  }
  return highest
}

/** Reads the log from `from` to its end. Rejects only when the source does. */
export async function scanLog(options: ScanOptions): Promise<ScanDecision> {
  const { source, onRecord, stampOf } = options
  const window = new LogWindow(source, options.foreignFrom)
  const damaged: LogRange[] = []
  let moreDamaged: MoreDamaged | undefined
  let damagedBytes = 0
  let { provenFlushed } = options
  let position = options.from
  let tailEnd: number | undefined
  let lostBytes = 0
  let records = 0
  let lastTimestampMs = 0

  /** Steps over a valid record; false when it does not fit. */
  function take(): boolean {
    const { bytes, peek } = window
    const record = { bytes, at: position - window.position, position, peek }
    if (!onRecord(record, lostBytes)) return false
    provenFlushed = Math.max(provenFlushed, Math.min(stampOf?.(record) ?? 0, position))
    records += 1
    lastTimestampMs = peek.storeTimestampMs
    position += peek.totalSize
    // It stands where others were lost: offsets of theirs are missing from here on.
    if (isLossRecord(bytes, peek)) lostBytes += peek.totalSize
    return true
  }

  function noteDamaged(range: LogRange): void {
    const { from, to } = range
    damagedBytes += to - from
    lostBytes += to - from
    if (damaged.length < DAMAGED_RANGES_MAX) damaged.push(range)
    else moreDamaged = { from: moreDamaged?.from ?? from, to, ranges: (moreDamaged?.ranges ?? 0) + 1 }
    options.onDamaged?.(range)
  }

  /** Tells of the records of a damaged range whose bodies alone are lost, as long as one begins where the last one ended. */
  async function tellLost({ from, to }: LogRange): Promise<void> {
    for (let at = from; at < to;) {
      let step = window.look(at)
      if (step === 'cut') step = await window.load(at)
      const record = step === 'torn' ? window.bodyLost(at) : undefined
      if (record === undefined || at + record.peek.totalSize > to) return
      at += record.peek.totalSize
      options.onBodyLost?.(record, lostBytes)
    }
  }

  /** Where to go on after an invalid place; undefined at the end of the log. */
  async function skip(): Promise<number | undefined> {
    if (position >= provenFlushed) {
      if (options.cleanStop === true) return undefined
      const limit = position + (options.behindFlushedMax ?? source.end)
      tailEnd ??= await lastWritten(window, position, Math.min(source.end, limit))
      if (tailEnd > position) {
        provenFlushed = Math.max(provenFlushed, await stampBehind(window, position + 1, tailEnd, options))
      }
      if (position >= provenFlushed) return undefined
    }
    const next = await window.resync(position + 1, provenFlushed)
    return options.isGuess === true && next === provenFlushed ? undefined : next
  }

  while (position < source.end) {
    let step = window.look(position)
    if (step === 'cut') {
      await options.onWindow?.()
      step = await window.load(position)
    }
    if (step === 'record' && take()) continue
    if (step === 'end-of-segment') {
      options.onFiller?.(position)
      position = window.segmentEnd(position)
      continue
    }
    const next = await skip()
    if (next === undefined) break
    noteDamaged({ from: position, to: next })
    if (options.onBodyLost !== undefined) await tellLost({ from: position, to: next })
    position = next
  }
  return {
    end: position,
    tailEnd: Math.max(tailEnd ?? position, position),
    provenFlushed: options.isGuess === true ? position : provenFlushed,
    damaged,
    moreDamaged,
    damagedBytes,
    lostBytes,
    scannedBytes: position - options.from,
    records,
    lastTimestampMs,
  }
}
