// The stored message: what lies in the commit log and, unchanged, in the body of a pull or pop reply.
// Invariant: the length fields of a record add up to its totalSize, and nothing is read before that was checked.
//
//   totalSize i4 | magic i4 | bodyCrc i4 | queueId i4 | flag i4 | queueOffset i8 | commitLogOffset i8 | sysFlag i4 |
//   bornTimestamp i8 | bornHost 4 or 16, port i4 | storeTimestamp i8 | storeHost 4 or 16, port i4 | reconsumeTimes i4 |
//   preparedTransactionOffset i8 | body i4 + n | topic i1 (V1) or i2 (V2) + n | properties i2 + n
import { crc32Of31Bits, readInt32, readInt64OrNaN, utf8Decode, utf8Length, utf8Write } from '@rocketmq-ts/bytes'
import { writeInt32, writeInt64 } from '@rocketmq-ts/bytes'
import { hostBytesLength, readHost, writeHost, type HostAddress } from './host-address.ts'
import { commitLogOffset, queueOffset, type CommitLogOffset, type QueueOffset } from './ids.ts'
import { decodeProperties, PROPERTIES_BYTES_MAX } from './message-properties.ts'
import { MqError } from './mq-error.ts'
import { createRecordPeek, peekRecord } from './record-peek.ts'
import { FieldAt, RECORD_BYTES_MIN, RECORD_MAGIC_V1, RECORD_MAGIC_V2 } from './record-layout.ts'
import { SysFlag } from './sys-flag.ts'

/** Longest topic of a V1 record in bytes. */
const V1_TOPIC_BYTES_MAX = 127
const V2_TOPIC_BYTES_MAX = 32_767
const INT32_MAX = 0x7fff_ffff

/** A message without its place. The host bits of `sysFlag` are set from the hosts themselves. */
export interface RecordFields {
  readonly topic: string
  readonly queueId: number
  readonly flag: number
  readonly sysFlag: number
  readonly bornTimestampMs: number
  readonly bornHost: HostAddress
  readonly storeHost: HostAddress
  readonly reconsumeTimes: number
  readonly preparedTransactionOffset: number
  readonly body: Uint8Array
  /** Encoded properties as UTF-8. */
  readonly properties: Uint8Array
}

/** What the log gives to a message. */
export interface RecordPlace {
  readonly queueOffset: QueueOffset
  readonly commitLogOffset: CommitLogOffset
  readonly storeTimestampMs: number
}

export interface MessageRecord extends RecordFields, RecordPlace {
  /** Bytes of the whole record. */
  readonly size: number
  readonly magic: number
  /** CRC-32 of the body without its sign bit, as stored; `bodyCrcMatches` compares it. */
  readonly bodyCrc: number
}

/**
 * Bytes that `encodeRecord` will need. MqError 'properties-too-large' above 32,767 bytes of properties, and
 * 'topic-illegal' for a topic that fits no record.
 */
export function recordSize(fields: RecordFields): number {
  const topicBytes = utf8Length(fields.topic)
  if (topicBytes > V2_TOPIC_BYTES_MAX) throw new MqError('topic-illegal', `topic: ${topicBytes} bytes fit no record`)
  if (fields.properties.length > PROPERTIES_BYTES_MAX) {
    throw new MqError(
      'properties-too-large',
      `properties: ${fields.properties.length} bytes, at most ${PROPERTIES_BYTES_MAX} fit a message; shorten them`,
    )
  }
  const hostBytes = hostBytesLength(fields.bornHost.host) + hostBytesLength(fields.storeHost.host)
  const topicLengthBytes = topicBytes > V1_TOPIC_BYTES_MAX ? 2 : 1
  const size =
    RECORD_BYTES_MIN - 8 + hostBytes + fields.body.length + topicLengthBytes - 1 + topicBytes + fields.properties.length
  if (size > INT32_MAX) throw new MqError('message-too-large', `body: ${fields.body.length} bytes fit no record`)
  return size
}

/**
 * Writes the record at `at` and returns its size; the caller's buffer has room for it. `size` is `recordSize(fields)`, for
 * those who have asked already. The place may be known later: give zeros, then `patchPlace`. MqError 'parameter-invalid'
 * for a host that is no IP address.
 */
export function encodeRecord(
  fields: RecordFields,
  place: RecordPlace,
  into: Uint8Array,
  at: number,
  size = recordSize(fields),
): number {
  const { body, properties, bornHost, storeHost } = fields
  const bornLength = hostBytesLength(bornHost.host)
  const storeLength = hostBytesLength(storeHost.host)
  const topicBytes = utf8Length(fields.topic)
  const isV2 = topicBytes > V1_TOPIC_BYTES_MAX
  writeInt32(into, at, size)
  writeInt32(into, at + FieldAt.MAGIC, isV2 ? RECORD_MAGIC_V2 : RECORD_MAGIC_V1)
  writeInt32(into, at + FieldAt.BODY_CRC, crc32Of31Bits(body))
  writeInt32(into, at + FieldAt.QUEUE_ID, fields.queueId)
  writeInt32(into, at + FieldAt.FLAG, fields.flag)
  writeInt64(into, at + FieldAt.QUEUE_OFFSET, place.queueOffset, 'queueOffset')
  writeInt64(into, at + FieldAt.COMMIT_LOG_OFFSET, place.commitLogOffset, 'commitLogOffset')
  writeInt32(into, at + FieldAt.SYS_FLAG, sysFlagOf(fields.sysFlag, bornLength, storeLength))
  writeInt64(into, at + FieldAt.BORN_TIMESTAMP, fields.bornTimestampMs, 'bornTimestamp')
  let next = at + FieldAt.BORN_HOST
  next += writeHost(bornHost.host, into, next)
  writeInt32(into, next, bornHost.port)
  writeInt64(into, next + 4, place.storeTimestampMs, 'storeTimestamp')
  next += 12
  next += writeHost(storeHost.host, into, next)
  writeInt32(into, next, storeHost.port)
  writeInt32(into, next + 4, fields.reconsumeTimes)
  writeInt64(into, next + 8, fields.preparedTransactionOffset, 'preparedTransactionOffset')
  writeInt32(into, next + 16, body.length)
  into.set(body, next + 20)
  next += 20 + body.length
  if (isV2) into[next++] = topicBytes >>> 8
  into[next++] = topicBytes
  writeTopic(fields.topic, topicBytes, into, next)
  next += topicBytes
  into[next] = properties.length >>> 8
  into[next + 1] = properties.length
  into.set(properties, next + 2)
  return size
}

function writeTopic(topic: string, bytes: number, into: Uint8Array, at: number): void {
  if (bytes !== topic.length) utf8Write(topic, into, at, 'topic')
  else for (let index = 0; index < bytes; index += 1) into[at + index] = topic.charCodeAt(index)
}

function sysFlagOf(given: number, bornLength: 4 | 16, storeLength: 4 | 16): number {
  const rest = given & ~(SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6)
  return rest | (bornLength === 16 ? SysFlag.BORN_HOST_V6 : 0) | (storeLength === 16 ? SysFlag.STORE_HOST_V6 : 0)
}

/** Gives an encoded record its place, once it is known. */
export function patchPlace(bytes: Uint8Array, at: number, place: RecordPlace): void {
  writeInt64(bytes, at + FieldAt.QUEUE_OFFSET, place.queueOffset, 'queueOffset')
  writeInt64(bytes, at + FieldAt.COMMIT_LOG_OFFSET, place.commitLogOffset, 'commitLogOffset')
  const bornLength = (bytes[at + FieldAt.SYS_FLAG + 3]! & SysFlag.BORN_HOST_V6) === 0 ? 4 : 16
  writeInt64(bytes, at + FieldAt.BORN_HOST + bornLength + 4, place.storeTimestampMs, 'storeTimestamp')
}

/** Adds to the delivery count of an encoded record, in a copy that goes to a consumer. The CRC covers the body only. */
export function addReconsumeTimes(bytes: Uint8Array, more: number, at = 0): void {
  const sysFlag = bytes[at + FieldAt.SYS_FLAG + 3]!
  const hostBytes =
    ((sysFlag & SysFlag.BORN_HOST_V6) === 0 ? 4 : 16) + ((sysFlag & SysFlag.STORE_HOST_V6) === 0 ? 4 : 16)
  const countAt = at + FieldAt.BORN_HOST + hostBytes + 16
  writeInt32(bytes, countAt, Math.min(INT32_MAX, readInt32(bytes, countAt) + more))
}

/** Filled anew by each call of `decodeRecord`. */
const peek = createRecordPeek()

/**
 * Reads the record at `at`. Body and properties are views. MqError 'damaged' names the first field that is wrong; the
 * body's CRC is not compared. Java: MessageDecoder.decode.
 */
export function decodeRecord(bytes: Uint8Array, at = 0): MessageRecord {
  const kind = peekRecord(bytes, at, peek)
  if (kind === 'blank') throw new MqError('damaged', `record at ${at}: is the filler at the end of a segment`)
  if (kind !== 'record') throw new MqError('damaged', `record at ${at}: ${peek.problem}`)
  const bornLength = (peek.sysFlag & SysFlag.BORN_HOST_V6) === 0 ? 4 : 16
  const storeLength = (peek.sysFlag & SysFlag.STORE_HOST_V6) === 0 ? 4 : 16
  const bornHostAt = at + FieldAt.BORN_HOST
  const storeHostAt = bornHostAt + bornLength + 12
  const restAt = storeHostAt + storeLength + 4
  return {
    size: peek.totalSize,
    magic: peek.magic,
    bodyCrc: peek.bodyCrc,
    queueId: peek.queueId,
    flag: readInt32(bytes, at + FieldAt.FLAG),
    queueOffset: queueOffset(peek.queueOffset),
    commitLogOffset: commitLogOffset(peek.commitLogOffset),
    sysFlag: peek.sysFlag,
    bornTimestampMs: readInt64OrNaN(bytes, at + FieldAt.BORN_TIMESTAMP),
    bornHost: { host: readHost(bytes, bornHostAt, bornLength), port: readInt32(bytes, bornHostAt + bornLength) },
    storeTimestampMs: peek.storeTimestampMs,
    storeHost: { host: readHost(bytes, storeHostAt, storeLength), port: readInt32(bytes, storeHostAt + storeLength) },
    reconsumeTimes: readInt32(bytes, restAt),
    preparedTransactionOffset: readInt64OrNaN(bytes, restAt + 4),
    body: bytes.subarray(peek.bodyAt, peek.bodyAt + peek.bodyLength),
    topic: decodeTopic(bytes, peek.topicAt, peek.topicLength, at),
    properties: bytes.subarray(peek.propertiesAt, peek.propertiesAt + peek.propertiesLength),
  }
}

function decodeTopic(bytes: Uint8Array, topicAt: number, length: number, at: number): string {
  try {
    return utf8Decode(bytes.subarray(topicAt, topicAt + length), 'topic')
  } catch (error) {
    throw new MqError('damaged', `record at ${at}: topic is not UTF-8`, error)
  }
}

/** True when the body is what was stored. */
export function bodyCrcMatches(record: Pick<MessageRecord, 'body' | 'bodyCrc'>): boolean {
  return crc32Of31Bits(record.body) === record.bodyCrc
}

/** The properties of a record by name. MqError 'damaged' when they are not UTF-8. */
export function recordProperties(record: Pick<RecordFields, 'properties'>): Map<string, string> {
  try {
    return decodeProperties(utf8Decode(record.properties, 'properties'))
  } catch (error) {
    throw new MqError('damaged', 'record: properties are not UTF-8', error)
  }
}

/** Reads records that lie one behind the other, as in the body of a pull or pop reply. MqError 'damaged' for the rest. */
export function decodeRecords(bytes: Uint8Array): MessageRecord[] {
  const records: MessageRecord[] = []
  let at = 0
  while (at < bytes.length) {
    const record = decodeRecord(bytes, at)
    records.push(record)
    at += record.size
  }
  return records
}
