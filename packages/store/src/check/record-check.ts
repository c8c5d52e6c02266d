// What else can be told of a record that recovery takes: ranges of the fields that no CRC covers. Pure.
import { isUtf8 } from 'node:buffer'
import { readInt32, readInt64OrNaN } from '@rocketmq-ts/bytes'
import { peekedBodyCrcMatches, peekRecord, type RecordPeek, SysFlag } from '@rocketmq-ts/model'
import { hasUnit } from '../record-fields.ts'
import type { ScannedRecord } from '../recovery.ts'

const PORT_MAX = 65_535
const ASCII_MAX = 0x7f
/** Bits that Apache gives a meaning. Java: MessageSysFlag. */
const KNOWN_SYS_FLAGS = 0x7ff
/** First bytes of a compressed body, by what sysFlag says. 0 means zlib too. */
const LZ4_FRAME = 0x04_22_4d_18
const ZSTD_FRAME = 0x28_b5_2f_fd
/** CMF of every zlib stream of a 32 KiB window or less: deflate. */
const ZLIB_METHOD = 0x08

/** What is wrong with the fields of a valid record; undefined when nothing is. */
export function headerProblem({ bytes, at, position, peek }: ScannedRecord): string | undefined {
  const { sysFlag } = peek
  const bornHostBytes = (sysFlag & SysFlag.BORN_HOST_V6) === 0 ? 4 : 16
  const storeHostBytes = (sysFlag & SysFlag.STORE_HOST_V6) === 0 ? 4 : 16
  const bornPort = readInt32(bytes, at + 48 + bornHostBytes)
  if (bornPort < 0 || bornPort > PORT_MAX) return `bornHost: ${bornPort} is no port`
  const restAt = at + 48 + bornHostBytes + 12 + storeHostBytes
  const storePort = readInt32(bytes, restAt)
  if (storePort < 0 || storePort > PORT_MAX) return `storeHost: ${storePort} is no port`
  if ((sysFlag & ~KNOWN_SYS_FLAGS) !== 0) return `sysFlag: 0x${(sysFlag >>> 0).toString(16)} has bits without a meaning`
  const prepared = readInt64OrNaN(bytes, restAt + 8)
  const isTransaction = (sysFlag & SysFlag.TRANSACTION_MASK) !== 0
  if (!hasUnit(sysFlag) && peek.queueOffset !== 0) return `queueOffset: ${peek.queueOffset} without a unit`
  if (prepared !== 0 && !isTransaction) return `preparedTransactionOffset: ${prepared} without a transaction`
  if (!(prepared >= 0 && prepared <= position)) return `preparedTransactionOffset: ${prepared} is not before the record`
  if (readInt32(bytes, restAt + 4) < 0) return 'reconsumeTimes: is below zero'
  if (!(readInt64OrNaN(bytes, at + 40) >= 0)) return 'bornTimestamp: is below zero'
  // A topic that is no text is no queue's; only what has none is looked at here.
  if (!hasUnit(sysFlag) && !isText(bytes, peek.topicAt, peek.topicLength)) return 'topic: is not UTF-8'
  if (!isText(bytes, peek.propertiesAt, peek.propertiesLength)) return 'properties: are not UTF-8'
  return compressionProblem(bytes, peek)
}

/** Plain bytes are told without a view on them. */
function isText(bytes: Buffer, at: number, length: number): boolean {
  for (let index = at; index < at + length; index += 1) {
    if (bytes[index]! > ASCII_MAX) return isUtf8(bytes.subarray(at, at + length))
  }
  return true
}

function compressionProblem(bytes: Buffer, { sysFlag, bodyAt, bodyLength }: RecordPeek): string | undefined {
  const kind = sysFlag & SysFlag.COMPRESSION_MASK
  if ((sysFlag & SysFlag.COMPRESSED) === 0)
    return kind === 0 ? undefined : 'sysFlag: names a compression of a plain body'
  const first = bodyLength < 4 ? 0 : readInt32(bytes, bodyAt)
  const isRight =
    kind === SysFlag.COMPRESSION_LZ4
      ? first === LZ4_FRAME
      : kind === SysFlag.COMPRESSION_ZSTD
        ? first === ZSTD_FRAME
        : ((first >>> 24) & 0x0f) === ZLIB_METHOD && (first >>> 16) % 31 === 0
  return isRight ? undefined : 'sysFlag: names a compression that the body does not begin with'
}

/** Why no record is taken from these bytes; for people. */
export function damageReason(bytes: Buffer, position: number, remaining: number, peek: RecordPeek): string {
  const kind = peekRecord(bytes, 0, peek)
  if (kind === 'blank') return `a filler of ${peek.totalSize} bytes where ${remaining} are left`
  if (kind === 'invalid') return peek.problem
  if (peek.totalSize > remaining) return `totalSize ${peek.totalSize} leaves the segment`
  if (kind === 'cut') return peek.problem
  if (peek.commitLogOffset !== position) return `commitLogOffset says ${peek.commitLogOffset}`
  if (!peekedBodyCrcMatches(bytes, peek)) return 'bodyCrc does not match the body'
  return 'its text holds zero bytes'
}
