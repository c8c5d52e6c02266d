// One HTTP/2 connection that makes gRPC calls with messages encoded before. It spends a tenth of what a complete client
// does, so that one core of load can fill one core of server. What comes in one read is answered with one write.
// Invariant: every call that was started ends exactly once, also when the connection is lost.
import assert from 'node:assert'
import net from 'node:net'
import {
  createFrameReader,
  Flag,
  FRAME_HEADER_BYTES,
  frameOf,
  FrameType,
  PREFACE,
  Setting,
  settingsFrame,
  windowUpdateFrame,
  writeFrameHeader,
  type Frame,
} from './h2-frames.ts'
import { createHeaderBlocks, type HeaderBlocks } from './hpack.ts'

/** More than all answers of one stream together, so that streams need no window updates. */
const STREAM_WINDOW_BYTES = 64 * 1024 * 1024
const CONNECTION_WINDOW_BYTES = 1024 * 1024 * 1024
const HTTP2_DEFAULT_WINDOW_BYTES = 65_535
const HTTP2_DEFAULT_FRAME_BYTES = 16_384
export const GRPC_PREFIX_BYTES = 5
const NO_BYTES = Buffer.alloc(0)

/** What a call is told. */
export interface CallEvents {
  /** One message of the answer; a view that is valid only during the call. */
  message(bytes: Buffer): void
  /** The call is over; `complete` when the server ended it in order, whatever its status. */
  end(complete: boolean): void
}

export interface GrpcConnection {
  /** Starts a call of `path` with one message, see `framed`. */
  call(path: string, message: Buffer, events: CallEvents): void
  /** Ends the connection; calls that run end as incomplete. */
  close(): void
}

interface Stream {
  readonly events: CallEvents
  /** The beginning of a message that came in pieces. */
  held: Buffer
}

interface PendingCall {
  readonly path: string
  readonly message: Buffer
  readonly events: CallEvents
}

/** A message with the prefix that gRPC puts in front of each: not compressed, and its length. */
export function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(GRPC_PREFIX_BYTES + message.length)
  bytes.writeUInt32BE(message.length, 1)
  bytes.set(message, GRPC_PREFIX_BYTES)
  return bytes
}

export interface ConnectOptions {
  readonly host: string
  readonly port: number
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** Connects; rejects with the error of the socket. */
export function connectGrpc({ host, port, headers }: ConnectOptions): Promise<GrpcConnection> {
  const socket = net.connect({ host, port, noDelay: true })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(new Connection(socket, createHeaderBlocks([[':authority', `${host}:${port}`], ...headers])))
    })
  })
}

class Connection implements GrpcConnection {
  readonly #socket: net.Socket
  readonly #blocks: HeaderBlocks
  readonly #nextBlocks = new Map<string, Buffer>()
  readonly #streams = new Map<number, Stream>()
  #waiting: PendingCall[] = []
  #outgoing: Buffer[] = []
  #flushing = false
  #nextStreamId = 1
  #sendWindow = HTTP2_DEFAULT_WINDOW_BYTES
  #streamSendWindow = HTTP2_DEFAULT_WINDOW_BYTES
  #frameBytesMax = HTTP2_DEFAULT_FRAME_BYTES
  #unacknowledgedBytes = 0
  #lost = false

  constructor(socket: net.Socket, blocks: HeaderBlocks) {
    this.#socket = socket
    this.#blocks = blocks
    const read = createFrameReader((frame) => this.#take(frame))
    socket.on('data', (chunk: Buffer) => {
      this.#flushing = true
      try {
        read(chunk)
      } catch {
        socket.destroy() // what the server sent can not be understood: its calls count as failed
      }
      this.#flush()
    })
    socket.on('error', () => {})
    socket.on('close', () => this.#gone())
    const windows = windowUpdateFrame(0, CONNECTION_WINDOW_BYTES)
    socket.write(Buffer.concat([PREFACE, settingsFrame([[Setting.INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES]]), windows]))
  }

  call(path: string, message: Buffer, events: CallEvents): void {
    assert(
      message.length <= this.#streamSendWindow,
      `a message of ${message.length} bytes exceeds the window of a stream`,
    )
    if (this.#lost) queueMicrotask(() => events.end(false))
    else if (this.#waiting.length > 0 || message.length > this.#sendWindow)
      this.#waiting.push({ path, message, events })
    else this.#start(path, message, events)
  }

  close(): void {
    this.#socket.destroy()
  }

  #start(path: string, message: Buffer, events: CallEvents): void {
    const streamId = this.#nextStreamId
    this.#nextStreamId += 2
    this.#streams.set(streamId, { events, held: NO_BYTES })
    this.#send(frameOf(FrameType.HEADERS, Flag.END_HEADERS, streamId, this.#blockOf(path, streamId)))
    this.#sendWindow -= message.length
    for (let at = 0; at < message.length; at += this.#frameBytesMax) {
      const part = message.subarray(at, at + this.#frameBytesMax)
      const isLast = at + part.length === message.length
      const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES)
      writeFrameHeader(header, {
        type: FrameType.DATA,
        flags: isLast ? Flag.END_STREAM : 0,
        streamId,
        length: part.length,
      })
      this.#send(header)
      this.#send(part)
    }
  }

  #blockOf(path: string, streamId: number): Buffer {
    if (streamId === 1) return this.#blocks.first(path)
    let block = this.#nextBlocks.get(path)
    if (block === undefined) {
      block = this.#blocks.next(path)
      this.#nextBlocks.set(path, block)
    }
    return block
  }

  #take({ type, flags, streamId, payload }: Frame): void {
    if ((flags & Flag.PADDED) !== 0 && (type === FrameType.DATA || type === FrameType.HEADERS)) {
      throw new Error('padded frames are not understood')
    }
    switch (type) {
      case FrameType.DATA:
        this.#takeData(streamId, payload)
        if ((flags & Flag.END_STREAM) !== 0) this.#end(streamId, true)
        break
      case FrameType.HEADERS:
        if ((flags & Flag.END_STREAM) !== 0) this.#end(streamId, true)
        break
      case FrameType.RST_STREAM:
        this.#end(streamId, false)
        break
      case FrameType.SETTINGS:
        if ((flags & Flag.ACK) === 0) this.#takeSettings(payload)
        break
      case FrameType.PING:
        if ((flags & Flag.ACK) === 0) this.#send(frameOf(FrameType.PING, Flag.ACK, 0, payload))
        break
      case FrameType.WINDOW_UPDATE:
        if (streamId === 0) {
          this.#sendWindow += payload.readUInt32BE(0)
          this.#startWaiting()
        }
        break
      case FrameType.GOAWAY:
        this.#socket.destroy()
        break
      default:
    }
  }

  #takeSettings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2)
      const id = payload.readUInt16BE(at)
      if (id === Setting.INITIAL_WINDOW_SIZE) this.#streamSendWindow = value
      if (id === Setting.MAX_FRAME_SIZE) this.#frameBytesMax = value
    }
    this.#send(frameOf(FrameType.SETTINGS, Flag.ACK, 0, NO_BYTES))
  }

  #takeData(streamId: number, payload: Buffer): void {
    this.#unacknowledgedBytes += payload.length
    if (this.#unacknowledgedBytes > CONNECTION_WINDOW_BYTES / 2) {
      this.#send(windowUpdateFrame(0, this.#unacknowledgedBytes))
      this.#unacknowledgedBytes = 0
    }
    const stream = this.#streams.get(streamId)
    if (stream === undefined) return
    let bytes = stream.held.length === 0 ? payload : Buffer.concat([stream.held, payload])
    while (bytes.length >= GRPC_PREFIX_BYTES) {
      const end = GRPC_PREFIX_BYTES + bytes.readUInt32BE(1)
      if (end > bytes.length) break
      stream.events.message(bytes.subarray(GRPC_PREFIX_BYTES, end))
      bytes = bytes.subarray(end)
    }
    stream.held = bytes
  }

  #end(streamId: number, complete: boolean): void {
    const stream = this.#streams.get(streamId)
    if (stream === undefined) return
    this.#streams.delete(streamId)
    stream.events.end(complete)
  }

  #startWaiting(): void {
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0]
      if (next === undefined || next.message.length > this.#sendWindow) return
      this.#waiting.shift()
      this.#start(next.path, next.message, next.events)
    }
  }

  #send(bytes: Buffer): void {
    this.#outgoing.push(bytes)
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#flushing = false
    if (this.#outgoing.length === 0) return
    const bytes = Buffer.concat(this.#outgoing)
    this.#outgoing = []
    if (!this.#lost) this.#socket.write(bytes)
  }

  #gone(): void {
    this.#lost = true
    const waiting = this.#waiting
    this.#waiting = []
    for (const streamId of this.#streams.keys()) this.#end(streamId, false)
    for (const { events } of waiting) events.end(false)
  }
}
