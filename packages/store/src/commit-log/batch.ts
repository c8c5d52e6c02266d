// The bytes of a Turn on their way to the log: small records copied into a long-lived staging buffer, large bodies
// lent as views until they are written. Parts follow one another without a gap.
import { crc32Of31Bits, writeInt32 } from '@rocketmq-ts/bytes'
import {
  BLANK_BYTES_MIN,
  BLANK_MAGIC,
  createRecordPeek,
  encodeRecord,
  peekRecord,
  type RecordPlace,
} from '@rocketmq-ts/model'
import type { NewRecord } from '../message-store.ts'
import type { LogBatch, LogPart } from './log-writer.ts'

const MiB = 1024 * 1024
/** Bytes of a staging buffer; a Turn that needs more takes further ones and drops them. */
const STAGING_BYTES = MiB
/** Staging buffers kept: one being filled, one being written. */
const STAGING_KEPT_MAX = 2
/** Below, a body is copied: a view would keep its whole socket chunk alive and cost more than the copy. */
const LENT_BODY_BYTES_MIN = 2048
const NO_BODY = new Uint8Array(0)

/** A finished batch. */
export interface SealedBatch extends LogBatch {
  readonly start: number
  readonly end: number
  /** Gives the staging buffer back: the batch was written. */
  release(): void
}

/** Collects records from `position` on. */
export class BatchBuilder {
  readonly #kept: Uint8Array[] = []
  readonly #peek = createRecordPeek()
  #staging: Uint8Array = Buffer.allocUnsafe(STAGING_BYTES)
  /** End of what is used in the staging buffer, and begin of its part that is no chunk yet. */
  #used = 0
  #chunkStart = 0
  #parts: LogPart[] = []
  #chunks: Uint8Array[] = []
  #partPosition: number
  #start: number
  #end: number

  constructor(position: number) {
    this.#partPosition = position
    this.#start = position
    this.#end = position
  }

  /** Where the next byte goes. */
  get end(): number {
    return this.#end
  }

  /** Bytes collected since the last `take`. */
  get bytes(): number {
    return this.#end - this.#start
  }

  /** Appends a record of `size` bytes. A record that can not be encoded throws and leaves no trace. */
  addRecord(record: NewRecord, place: RecordPlace, size: number): void {
    if (record.body.length >= LENT_BODY_BYTES_MIN) this.#addLent(record, place, size)
    else {
      this.#reserve(size)
      this.#used += encodeRecord(record, place, this.#staging, this.#used, size)
    }
    this.#end += size
  }

  /** Closes the segment, of which `remaining` bytes are left: only the header of the filler is written. */
  addBlank(remaining: number): void {
    this.#reserve(BLANK_BYTES_MIN)
    writeInt32(this.#staging, this.#used, remaining)
    writeInt32(this.#staging, this.#used + 4, BLANK_MAGIC)
    this.#used += BLANK_BYTES_MIN
    this.#end += remaining
    this.#closePart(this.#end)
  }

  /** Takes what was collected; undefined when there is nothing. */
  take(): SealedBatch | undefined {
    if (this.bytes === 0) return undefined
    this.#closePart(this.#end)
    const staging = this.#staging
    const batch = {
      parts: this.#parts,
      start: this.#start,
      end: this.#end,
      release: () => {
        if (staging.length === STAGING_BYTES && this.#kept.length < STAGING_KEPT_MAX) this.#kept.push(staging)
      },
    }
    this.#parts = []
    this.#start = this.#end
    this.#useStaging(this.#kept.pop() ?? Buffer.allocUnsafe(STAGING_BYTES))
    return batch
  }

  #addLent(record: NewRecord, place: RecordPlace, size: number): void {
    const { body } = record
    const smallSize = size - body.length
    this.#reserve(smallSize)
    const at = this.#used
    encodeRecord({ ...record, body: NO_BODY }, place, this.#staging, at, smallSize)
    peekRecord(this.#staging, at, this.#peek)
    const { bodyAt } = this.#peek
    writeInt32(this.#staging, at, size)
    writeInt32(this.#staging, at + 8, crc32Of31Bits(body))
    writeInt32(this.#staging, bodyAt - 4, body.length)
    this.#used = bodyAt
    this.#closeChunk()
    this.#chunks.push(body)
    this.#used = at + smallSize
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#staging.length) return
    this.#closeChunk()
    this.#useStaging(Buffer.allocUnsafe(Math.max(STAGING_BYTES, bytes)))
  }

  #useStaging(staging: Uint8Array): void {
    this.#staging = staging
    this.#used = 0
    this.#chunkStart = 0
  }

  #closeChunk(): void {
    if (this.#used > this.#chunkStart) this.#chunks.push(this.#staging.subarray(this.#chunkStart, this.#used))
    this.#chunkStart = this.#used
  }

  #closePart(nextPosition: number): void {
    this.#closeChunk()
    if (this.#chunks.length > 0) this.#parts.push({ position: this.#partPosition, chunks: this.#chunks })
    this.#chunks = []
    this.#partPosition = nextPosition
  }
}
