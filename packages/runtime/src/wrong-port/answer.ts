// Says a sentence in the words of another protocol, so that whoever has the wrong port reads it in the error of their own
// client. Pure. Invariant: what is kept of a stranger is bounded, and nothing it says is acted on.
import type { Protocol } from './protocol.ts'

/** What a stranger may send before it has its answer: more than clients send with their first request. */
export const STRANGER_BYTES_MAX = 64 * 1024

/** What to send, and whether that was all: then the connection is closed. */
export interface Reply {
  readonly bytes: Uint8Array
  readonly isDone: boolean
}

export interface WrongPortAnswer {
  /** Takes the next bytes of the stranger. Not called again once it was done. */
  take(bytes: Uint8Array): Reply
}

const NOTHING = Buffer.alloc(0)
const WAIT: Reply = { bytes: NOTHING, isDone: false }
const GIVE_UP: Reply = { bytes: NOTHING, isDone: true }

/** The answer for a protocol; undefined where it has no place for a sentence, as in the handshake of TLS. */
export function createWrongPortAnswer(protocol: Protocol, text: string): WrongPortAnswer | undefined {
  if (protocol === 'tls') return undefined
  const answerTo = { http1: () => httpAnswer(text), http2: createGrpcAnswer(text), remoting: remotingAnswer(text) }
  const answer = answerTo[protocol]
  let held: Buffer = NOTHING
  return {
    take(bytes) {
      held = Buffer.concat([held, bytes])
      if (held.length > STRANGER_BYTES_MAX) return GIVE_UP
      return answer(held)
    },
  }
}

function httpAnswer(text: string): Reply {
  const body = `${text}\n`
  const head = [
    'HTTP/1.1 400 Bad Request',
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  return { bytes: Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`), isDone: true }
}

const PREFACE_BYTES = 24
const FRAME_HEAD_BYTES = 9
const SETTINGS = 4
const HEADERS = 1
const GO_AWAY = 7
const ACK = 1
const END_STREAM_AND_HEADERS = 5
/** The static table of HPACK has `:status: 200` at 8. */
const STATUS_200 = 0x88
const UNIMPLEMENTED = 12

/**
 * As much HTTP/2 as it takes to fail a gRPC call with a text: settings, then for the first call its end, which is one
 * frame of headers. Clients send their first call only when they have our settings.
 */
function createGrpcAnswer(text: string): (held: Buffer) => Reply {
  let isGreeted = false
  return (held) => {
    const stream = firstCall(held)
    if (stream !== undefined) {
      const greeting = isGreeted ? NOTHING : http2Frame(SETTINGS, 0, 0, NOTHING)
      const end = http2Frame(HEADERS, END_STREAM_AND_HEADERS, stream, trailersOf(text))
      return { bytes: Buffer.concat([greeting, end, http2Frame(GO_AWAY, 0, 0, goAway(stream))]), isDone: true }
    }
    if (isGreeted) return WAIT
    isGreeted = true
    const settings = [http2Frame(SETTINGS, 0, 0, NOTHING), http2Frame(SETTINGS, ACK, 0, NOTHING)]
    return { bytes: Buffer.concat(settings), isDone: false }
  }
}

/** Number of the stream whose headers have come; undefined while there is none. */
function firstCall(held: Buffer): number | undefined {
  let at = PREFACE_BYTES
  while (at + FRAME_HEAD_BYTES <= held.length) {
    const end = at + FRAME_HEAD_BYTES + held.readUIntBE(at, 3)
    if (end > held.length) return undefined
    if (held[at + 3] === HEADERS) return held.readUInt32BE(at + 5)
    at = end
  }
  return undefined
}

function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** The last stream that was answered, and no error. */
function goAway(stream: number): Buffer {
  const payload = Buffer.alloc(8)
  payload.writeUInt32BE(stream)
  return payload
}

function trailersOf(text: string): Buffer {
  return Buffer.concat([
    Buffer.from([STATUS_200]),
    literal('content-type', 'application/grpc'),
    literal('grpc-status', String(UNIMPLEMENTED)),
    // Nothing more is encoded than must be: not every client decodes all of it.
    literal('grpc-message', text.replace(/[^ -$&-~]+/gu, encodeURIComponent)),
  ])
}

/** A header as it is, without Huffman and tables (RFC 7541, 6.2.2). */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), hpackText(name), hpackText(value)])
}

function hpackText(text: string): Buffer {
  return Buffer.concat([Buffer.from(hpackLength(text.length)), Buffer.from(text, 'latin1')])
}

/** RFC 7541, 5.1, with a prefix of 7 bits. */
function hpackLength(length: number): number[] {
  if (length < 0x7f) return [length]
  const bytes = [0x7f]
  let rest = length - 0x7f
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}

const REMOTING_PREFIX_BYTES = 8
const BINARY_OPAQUE_AT = 5
const SYSTEM_ERROR = 1
const RESPONSE_FLAG = 1

/** Fails the first request, whatever it asks for; its number leads the answer to whoever waits. */
function remotingAnswer(text: string): (held: Buffer) => Reply {
  return (held) => {
    if (held.length < REMOTING_PREFIX_BYTES) return WAIT
    const headerEnd = REMOTING_PREFIX_BYTES + held.readUIntBE(5, 3)
    if (headerEnd > STRANGER_BYTES_MAX) return GIVE_UP
    if (held.length < headerEnd) return WAIT
    const opaque = opaqueOf(held.subarray(REMOTING_PREFIX_BYTES, headerEnd), held[4] === 1)
    if (opaque === undefined) return GIVE_UP
    const command = { code: SYSTEM_ERROR, flag: RESPONSE_FLAG, language: 'OTHER', version: 0, opaque, remark: text }
    const header = Buffer.from(JSON.stringify({ ...command, serializeTypeCurrentRPC: 'JSON' }))
    const prefix = Buffer.alloc(REMOTING_PREFIX_BYTES)
    prefix.writeUInt32BE(4 + header.length)
    prefix.writeUInt32BE(header.length, 4)
    return { bytes: Buffer.concat([prefix, header]), isDone: true }
  }
}

function opaqueOf(header: Buffer, isBinary: boolean): number | undefined {
  if (isBinary) return header.length < BINARY_OPAQUE_AT + 4 ? undefined : header.readInt32BE(BINARY_OPAQUE_AT)
  try {
    const { opaque } = JSON.parse(header.toString()) as { opaque?: unknown }
    return typeof opaque === 'number' ? opaque : undefined
  } catch {
    return undefined // no client of ours to tell
  }
}
