// The binary header. Java: RocketMQSerializable.
//
//   | code i16 | language u8 | version i16 | opaque i32 | flag i32 | n i32, remark | m i32, fields |
//   a field:   | k i16, name | v i32, text |
import { MqError } from '@rocketmq-ts/model'
import { RequestCode } from './codes.ts'
import { languageCodeOf, languageOf } from './languages.ts'
import { EXT_FIELDS_MAX } from './limits.ts'
import type { CommandHeader, OutgoingCommand } from './remoting-command.ts'

const FIXED_BYTES = 21
const NAME_BYTES_MAX = 0x7fff
const RESPONSE_FLAG = 1

// Java cuts a code to 16 bits and does not find it again on arrival; we do.
const POP_CODES = [
  RequestCode.POP_MESSAGE,
  RequestCode.ACK_MESSAGE,
  RequestCode.PEEK_MESSAGE,
  RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
  RequestCode.NOTIFICATION,
  RequestCode.POLLING_INFO,
  RequestCode.POP_ROLLBACK,
  RequestCode.BATCH_ACK_MESSAGE,
]
const FULL_CODES = new Map<number, number>(POP_CODES.map((code) => [(code << 16) >> 16, code]))

function refuse(reason: string): MqError {
  return new MqError('protocol', `binary header refused: ${reason}`)
}

/** A length at `at` that must lie within `end`. */
function readLength(bytes: Buffer, at: number, lengthBytes: 2 | 4, end: number, name: string): number {
  if (at + lengthBytes > end) throw refuse(`'${name}' is cut`)
  const length = lengthBytes === 2 ? bytes.readInt16BE(at) : bytes.readInt32BE(at)
  if (length < 0 || length > end - at - lengthBytes) throw refuse(`length ${length} of '${name}' overruns the header`)
  return length
}

function readFields(bytes: Buffer, start: number, end: number): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  let at = start
  while (at < end) {
    const nameBytes = readLength(bytes, at, 2, end, 'name of a field')
    at += 2
    const name = bytes.toString('utf8', at, at + nameBytes)
    at += nameBytes
    const textBytes = readLength(bytes, at, 4, end, name.slice(0, 64))
    at += 4
    fields.set(name, bytes.toString('utf8', at, at + textBytes))
    at += textBytes
    if (fields.size > EXT_FIELDS_MAX) throw refuse(`more than ${EXT_FIELDS_MAX} fields`)
  }
  return fields
}

/** Throws MqError 'protocol' naming the part that cannot be read. Cut POP codes get their full value back. */
export function decodeBinaryHeader(bytes: Buffer): CommandHeader {
  if (bytes.length < FIXED_BYTES) throw refuse(`${bytes.length} bytes are fewer than ${FIXED_BYTES}`)
  const code = bytes.readInt16BE(0)
  const flag = bytes.readInt32BE(9)
  const remarkBytes = readLength(bytes, 13, 4, bytes.length - 4, 'remark')
  const fieldsAt = 17 + remarkBytes
  const fieldsBytes = readLength(bytes, fieldsAt, 4, bytes.length, 'extFields')
  return {
    code: (flag & RESPONSE_FLAG) === 0 ? (FULL_CODES.get(code) ?? code) : code,
    language: languageOf(bytes.readUInt8(2)),
    version: bytes.readInt16BE(3),
    opaque: bytes.readInt32BE(5),
    flag,
    remark: remarkBytes === 0 ? undefined : bytes.toString('utf8', 17, fieldsAt),
    extFields: readFields(bytes, fieldsAt + 4, fieldsAt + 4 + fieldsBytes),
  }
}

/**
 * The header with room for `before` bytes in front of it and `after` bytes behind. Throws MqError 'protocol' for a
 * field's name longer than 32,767 bytes. The caller has checked that the code fits into 16 bits.
 */
export function encodeBinaryHeader(command: OutgoingCommand, before: number, after: number): Buffer {
  const { remark = '' } = command
  const remarkBytes = Buffer.byteLength(remark)
  let fieldsBytes = 0
  for (const [name, text] of command.extFields) {
    const nameBytes = Buffer.byteLength(name)
    if (nameBytes > NAME_BYTES_MAX) throw refuse(`name of a field has ${nameBytes} bytes`)
    fieldsBytes += 6 + nameBytes + Buffer.byteLength(text)
  }
  const bytes = Buffer.allocUnsafe(before + FIXED_BYTES + remarkBytes + fieldsBytes + after)
  let at = bytes.writeInt16BE(command.code, before)
  at = bytes.writeUInt8(languageCodeOf(command.language), at)
  at = bytes.writeInt16BE(Math.min(command.version, 0x7fff), at)
  at = bytes.writeInt32BE(command.opaque, at)
  at = bytes.writeInt32BE(command.flag, at)
  at = bytes.writeInt32BE(remarkBytes, at)
  at += bytes.write(remark, at)
  at = bytes.writeInt32BE(fieldsBytes, at)
  for (const [name, text] of command.extFields) {
    const nameBytes = bytes.write(name, at + 2)
    bytes.writeInt16BE(nameBytes, at)
    const textAt = at + 2 + nameBytes + 4
    const textBytes = bytes.write(text, textAt)
    bytes.writeInt32BE(textBytes, textAt - 4)
    at = textAt + textBytes
  }
  return bytes
}
