// Reads records back. What this process wrote not long ago is in the page cache and is read at once; the rest comes from
// the cold lane. Invariant: no byte is handed out that was not checked as the record of its place.
import { readInt32 } from '@rocketmq-ts/bytes'
import {
  BODY_HEAD_BYTES,
  commitLogOffset,
  createRecordPeek,
  type MqError,
  peekQueueHead,
  peekStoreTimestamp,
  RECORD_BYTES_MIN,
  STORE_TIMESTAMP_HEAD_BYTES,
} from '@rocketmq-ts/model'
import type { DirectLane, Scheduler } from '@rocketmq-ts/runtime'
import type { RecordRange } from '../message-store.ts'
import { createColdReads } from './cold-reads.ts'
import { AROUND_BODY_BYTES_MAX, checkRecord, damaged, RECORD_BYTES_MAX } from './scan.ts'
import type { Segments } from './segment.ts'

function removed(position: number): MqError {
  return damaged(position, 'is not in the log any more')
}

/** What a log offers to readers; see RecordReader. */
export interface RecordReads {
  read(position: number, size: number, group: string): Uint8Array | Promise<Uint8Array>
  readInto(unit: RecordRange, into: Uint8Array, start: number, group: string): undefined | Promise<void>
  storedMs(position: number): number | undefined | Promise<number | undefined>
  /** Bytes of the record that starts there, by its first bytes alone: those of a message's text can say anything. */
  sizeAt(position: number): number | undefined | Promise<number | undefined>
  /** Its queue, by some bytes around its body alone; undefined where there is none. */
  queueAt(position: number): Promise<QueueOfRecord | undefined>
  /** Size of the largest record that may be stored today. */
  readonly sizeMaxToday: number
}

/** A place in a queue, as a record says it. */
export interface QueueOfRecord {
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly sysFlag: number
}

export interface RecordReadsOptions {
  readonly scheduler: Scheduler
  readonly segments: Segments
  /** The log as it is now. */
  readonly log: { readonly written: number }
  readonly bodyBytesMax: number
  readonly hotBytes: number
  readonly coldReadBytes: number
  /** Of pieces that are read ahead. */
  readonly pieceLane: DirectLane
}

/** Creates the reads of a log that this process writes from its present end on. */
export function createRecordReads({ scheduler, segments, log, ...bounds }: RecordReadsOptions): RecordReads {
  const { hotBytes, coldReadBytes, pieceLane } = bounds
  const sizeMaxToday = Math.min(RECORD_BYTES_MAX, bounds.bodyBytesMax + AROUND_BODY_BYTES_MAX)
  const startedAt = log.written
  const peek = createRecordPeek()
  const { segmentBytes } = segments
  const coldReads = createColdReads({ scheduler, segmentBytes, bytesMax: coldReadBytes, pieceLane })

  /** Written by this process and not long ago: in the page cache. */
  function isHot(position: number): boolean {
    return position >= startedAt && position >= log.written - hotBytes
  }

  function read(position: number, size: number, group: string): Uint8Array | Promise<Uint8Array> {
    if (size > RECORD_BYTES_MAX) throw damaged(position, 'was lost')
    const bytes = Buffer.allocUnsafe(size)
    const pending = readInto({ commitLogOffset: commitLogOffset(position), size }, bytes, 0, group)
    return pending === undefined ? bytes : pending.then(() => bytes)
  }

  function readInto(unit: RecordRange, into: Uint8Array, start: number, group: string): undefined | Promise<void> {
    const { commitLogOffset: position, size } = unit
    const { written } = log
    const segment = segments.at(position)
    if (segment === undefined || position < segments.min) throw removed(position)
    if (position + size > written) throw damaged(position, `ends behind the end of the log, ${written}`)
    if (isHot(position)) {
      const count = segment.file.readSync(position - segment.base, into.subarray(start, start + size))
      return check(into, start, unit, count)
    }
    if (coldReads.takeRecent(position, size, into, start)) return check(into, start, unit, size)
    const count = coldReads.read({ segment, position, size, end: written }, into, start, group)
    if (typeof count === 'number') return check(into, start, unit, count)
    return count.then(
      (later) => check(into, start, unit, later),
      (error: unknown) => {
        // Its file went before the read began.
        throw segments.at(position) === segment ? error : removed(position)
      },
    )
  }

  function check(bytes: Uint8Array, start: number, unit: RecordRange, count: number): undefined {
    if (count < unit.size) throw damaged(unit.commitLogOffset, 'is cut short by the end of its file')
    checkRecord(bytes, start, unit, peek)
  }

  /** Looks at the first bytes of a record; undefined where none starts. */
  function head<Value>(
    position: number,
    look: (head: Buffer) => Value | undefined,
    count: number = STORE_TIMESTAMP_HEAD_BYTES,
  ): Value | undefined | Promise<Value | undefined> {
    const segment = segments.at(position)
    if (segment === undefined || position + count > log.written) return undefined
    const bytes = Buffer.allocUnsafe(count)
    const at = position - segment.base
    const told = (bytesRead: number) => (bytesRead === bytes.length ? look(bytes) : undefined)
    if (isHot(position)) return told(segment.file.readSync(at, bytes))
    return segment.file.read(at, bytes, 'cold').then(told, (error: unknown) => {
      if (segments.at(position) === segment) throw error
      return undefined
    })
  }

  function sizeIn(bytes: Buffer, position: number): number | undefined {
    const size = readInt32(bytes, 0)
    const isRecord =
      size >= RECORD_BYTES_MIN && size <= RECORD_BYTES_MAX && peekStoreTimestamp(bytes, position) !== undefined
    return isRecord && position + size <= log.written ? size : undefined
  }

  async function queueAt(position: number): Promise<QueueOfRecord | undefined> {
    const found = await head(position, peekQueueHead, BODY_HEAD_BYTES)
    if (found === undefined) return undefined
    const { queueId, queueOffset, sysFlag, topicLengthAt, topicLengthBytes } = found
    const at = position + topicLengthAt
    const length = await head(at, (bytes) => bytes.readUIntBE(0, topicLengthBytes), topicLengthBytes)
    if (length === undefined) return undefined
    const topic = await head(at + topicLengthBytes, (bytes) => bytes.toString(), length)
    return topic === undefined ? undefined : { topic, queueId, queueOffset, sysFlag }
  }

  return {
    sizeMaxToday,
    queueAt,
    read,
    readInto,
    storedMs: (position) => head(position, (bytes) => peekStoreTimestamp(bytes, position)),
    sizeAt: (position) => head(position, (bytes) => sizeIn(bytes, position)),
  }
}
