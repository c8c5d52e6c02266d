// One command of the remoting protocol: request or response, JSON or binary header. Java: RemotingCommand.
import { MqError } from '@rocketmq-ts/model'
import { decodeBinaryHeader, encodeBinaryHeader } from './binary-header.ts'
import type { Frame } from './frame-decoder.ts'
import { decodeJsonHeader, encodeJsonHeader } from './json-header.ts'
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX } from './limits.ts'

export type Serialization = 'json' | 'binary'

/** Bits of `flag`. */
export const CommandFlag = { RESPONSE: 1, ONEWAY: 2 } as const

/** Header of a command. */
export interface CommandHeader {
  /** Request code, or response code where the flag says so. */
  readonly code: number
  /** Java: LanguageCode, by name. */
  readonly language: string
  /** MQVersion ordinal. */
  readonly version: number
  readonly opaque: number
  readonly flag: number
  readonly remark: string | undefined
  /** Text fields in the order of the wire. */
  readonly extFields: ReadonlyMap<string, string>
}

export interface RemotingCommand extends CommandHeader {
  readonly serialization: Serialization
  readonly body: Uint8Array
}

/** As `RemotingCommand`; fields may also come as a list. */
export interface OutgoingCommand extends Omit<RemotingCommand, 'extFields'> {
  readonly extFields: Iterable<readonly [name: string, text: string]>
}

/** The language of all we send: old clients do not know the newer names. */
export const OUR_LANGUAGE = 'JAVA'

const PREFIX_BYTES = 8
/** Bodies up to this size are copied behind the header, longer ones stay a chunk of their own. */
const INLINE_BODY_BYTES_MAX = 2048
const TYPE_JSON = 0
const TYPE_BINARY = 1

/** Whether this command is a response. */
export function isResponse(command: CommandHeader): boolean {
  return (command.flag & CommandFlag.RESPONSE) !== 0
}

/** Throws MqError 'protocol' for a header that cannot be read; the connection must be closed. */
export function decodeCommand(frame: Frame): RemotingCommand {
  const { type, header, body } = frame
  if (type === TYPE_JSON) return { serialization: 'json', ...decodeJsonHeader(header), body }
  if (type === TYPE_BINARY) return { serialization: 'binary', ...decodeBinaryHeader(header), body }
  throw new MqError('protocol', `frame refused: serialization type ${type} is neither 0 (JSON) nor 1 (binary)`)
}

/**
 * The chunks of a frame; a long body is lent, not copied. Throws MqError 'message-too-large' for a frame that no
 * receiver takes. Codes beyond 16 bits have no binary form and go as JSON.
 */
export function encodeCommand(command: OutgoingCommand): Uint8Array[] {
  const { body } = command
  const binary = command.serialization === 'binary' && command.code <= 0x7fff
  const inlineBytes = body.length <= INLINE_BODY_BYTES_MAX ? body.length : 0
  const start = binary
    ? encodeBinaryHeader(command, PREFIX_BYTES, inlineBytes)
    : encodeJsonHeader(command, PREFIX_BYTES, inlineBytes)
  const headerBytes = start.length - PREFIX_BYTES - inlineBytes
  const frameBytes = PREFIX_BYTES + headerBytes + body.length
  if (headerBytes > HEADER_BYTES_MAX || frameBytes > FRAME_BYTES_MAX) {
    const sizes = `header ${headerBytes} of at most ${HEADER_BYTES_MAX}, frame ${frameBytes} of at most ${FRAME_BYTES_MAX}`
    throw new MqError('message-too-large', `command ${command.code} does not fit into a frame: ${sizes} bytes`)
  }
  start.writeInt32BE(frameBytes - 4, 0)
  start[4] = binary ? TYPE_BINARY : TYPE_JSON
  start.writeUIntBE(headerBytes, 5, 3)
  if (inlineBytes > 0) start.set(body, PREFIX_BYTES + headerBytes)
  return inlineBytes === body.length ? [start] : [start, body]
}
