// What a repair writes where records were lost: a record of exactly their bytes, rolled back, so that neither queue nor
// index gets an entry for it, here and in Apache's broker. Recovery takes its bytes for lost, so offsets may be missing.
import {
  BLANK_BYTES_MIN,
  BLANK_MAGIC,
  commitLogOffset,
  encodeRecord,
  queueOffset,
  RECORD_BYTES_MIN,
  type RecordPeek,
  SysFlag,
} from '@rocketmq-ts/model'
import { writeInt32 } from '@rocketmq-ts/bytes'

/** Short, since the smallest record lost had no room for more. */
const TOPIC = Buffer.from('~')
/** Bytes of one such record, at most: below what any broker takes for a body. */
const LOSS_RECORD_BYTES_MAX = 1024 * 1024
const BYTES_MIN = RECORD_BYTES_MIN + TOPIC.length
const NOWHERE = { host: '0.0.0.0', port: 0 }

/** True for a record that stands for lost ones. */
export function isLossRecord(bytes: Buffer, { topicAt, topicLength, sysFlag }: RecordPeek): boolean {
  if (topicLength !== TOPIC.length || bytes[topicAt] !== TOPIC[0]) return false
  return (sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.TRANSACTION_ROLLBACK
}

/**
 * Bytes for the place [from, to) of a segment that ends at `segmentEnd`: records that stand for lost ones, or the filler
 * where the segment ends with them. Undefined where there is no room for either.
 */
export function lossBytes(from: number, to: number, segmentEnd: number, storeTimestampMs: number): Buffer | undefined {
  const length = to - from
  if (to === segmentEnd) {
    if (length < BLANK_BYTES_MIN) return undefined
    const filler = Buffer.alloc(length)
    writeInt32(filler, 0, length)
    writeInt32(filler, 4, BLANK_MAGIC)
    return filler
  }
  if (length < BYTES_MIN) return undefined
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length;) {
    const left = length - at
    // The last one must have room, too.
    const size = left <= LOSS_RECORD_BYTES_MAX ? left : Math.min(LOSS_RECORD_BYTES_MAX, left - BYTES_MIN)
    writeLoss(bytes, at, size, from + at, storeTimestampMs)
    at += size
  }
  return bytes
}

function writeLoss(into: Buffer, at: number, size: number, position: number, storeTimestampMs: number): void {
  const fields = {
    topic: TOPIC.toString(),
    queueId: 0,
    flag: 0,
    sysFlag: SysFlag.TRANSACTION_ROLLBACK,
    bornTimestampMs: storeTimestampMs,
    bornHost: NOWHERE,
    storeHost: NOWHERE,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: new Uint8Array(size - BYTES_MIN),
    properties: new Uint8Array(0),
  }
  const place = { queueOffset: queueOffset(0), commitLogOffset: commitLogOffset(position), storeTimestampMs }
  encodeRecord(fields, place, into, at)
}
