// Remoting byte by byte: frames that may lie, and what comes back.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const PREFIX_BYTES = 8
const REPLY_MS_MAX = 5_000
const ONEWAY = 2

export interface RemotingRequest {
  readonly code: number
  readonly fields?: Readonly<Record<string, unknown>>
  readonly body?: Buffer | string
  readonly oneway?: boolean
  /** In place of the JSON header made of the above. */
  readonly header?: Buffer | string
  /** Serialization type of the header. */
  readonly type?: number
  readonly frameLength?: number
  readonly headerLength?: number
}

export interface RemotingReply {
  readonly code: number
  readonly remark: string
  readonly fields: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** How an exchange ended: with an answer, or without one. */
export type Exchange =
  | { readonly kind: 'answered'; readonly reply: RemotingReply }
  | { readonly kind: 'closed' }
  | { readonly kind: 'silent' }

/** One frame. Lengths that are given are written whatever the parts have. */
export function remotingFrame(request: RemotingRequest): Buffer {
  const { code, fields, oneway = false, type = 0 } = request
  const command = { code, language: 'JAVA', version: 479, opaque: 7, flag: oneway ? ONEWAY : 0, extFields: fields }
  const header = Buffer.from(request.header ?? JSON.stringify(command))
  const body = Buffer.from(request.body ?? '')
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE((request.frameLength ?? 4 + header.length + body.length) >>> 0)
  prefix.writeUInt32BE((request.headerLength ?? header.length) >>> 0, 4)
  prefix.writeUInt8(type, 4)
  return Buffer.concat([prefix, header, body])
}

/** Connects; errors of the socket end it and nothing else. */
export async function openSocket(port: number, options: { readonly allowHalfOpen?: boolean } = {}): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, ...options })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Sends the pieces, one write each, on a connection of its own, and waits for one answer or the end. */
export async function exchange(
  port: number,
  pieces: readonly Buffer[],
  { waitMs = REPLY_MS_MAX, end = false } = {},
): Promise<Exchange> {
  const socket = await openSocket(port)
  const outcome = outcomeOf(socket, waitMs)
  for (const piece of pieces) {
    if (socket.destroyed) break
    await new Promise((done) => socket.write(piece, done))
  }
  if (end) socket.end()
  const result = await outcome
  socket.destroy()
  return result
}

function outcomeOf(socket: Socket, waitMs: number): Promise<Exchange> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: 'silent' }), waitMs)
    const settle = (outcome: Exchange) => {
      clearTimeout(timer)
      resolve(outcome)
    }
    let held = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk])
      const reply = replyIn(held)
      if (reply !== undefined) settle({ kind: 'answered', reply })
    })
    socket.on('close', () => settle({ kind: 'closed' }))
  })
}

function replyIn(bytes: Buffer): RemotingReply | undefined {
  if (bytes.length < PREFIX_BYTES || bytes.length < 4 + bytes.readUInt32BE(0)) return undefined
  const bodyAt = PREFIX_BYTES + bytes.readUIntBE(5, 3)
  const { code, remark = '', extFields: fields = {} } = headerIn(bytes.toString('utf8', PREFIX_BYTES, bodyAt))
  return { code, remark, fields, body: bytes.subarray(bodyAt, 4 + bytes.readUInt32BE(0)) }
}

interface ReplyHeader {
  readonly code: number
  readonly remark?: string
  readonly extFields?: Readonly<Record<string, string>>
}

/** What is no JSON is no answer of this protocol: code NaN, with the text. */
function headerIn(text: string): ReplyHeader {
  try {
    return JSON.parse(text) as ReplyHeader
  } catch {
    return { code: NaN, remark: text }
  }
}
