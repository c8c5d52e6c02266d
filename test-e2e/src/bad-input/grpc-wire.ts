// gRPC byte by byte over HTTP/2, so that calls may be wrong in any way. Messages are those of the SDK's own .proto files.
import { type MethodDefinition, type ServiceDefinition, loadSync } from '@grpc/proto-loader'
import { createRequire } from 'node:module'
import { connect, constants, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { dirname, join } from 'node:path'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'

const SERVICE = 'apache.rocketmq.v2.MessagingService'
const PROTOS = join(dirname(createRequire(import.meta.url).resolve('rocketmq-client-nodejs/package.json')), 'proto')
const FRAME_PREFIX_BYTES = 5
const REPLY_MS_MAX = 10_000
const SESSION_MB_MAX = 1_000
const CLIENT_ID = 'bad-input@1@0@0'

const methods = loadSync('apache/rocketmq/v2/service.proto', {
  includeDirs: [PROTOS],
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
})[SERVICE] as ServiceDefinition

/** What a call sends; everything but the path has the value of a well-made call. */
export interface GrpcCall {
  readonly path: string
  /** Sent as they are; see `frameOf`. */
  readonly data: Buffer
  /** In place of or beside the usual ones; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** False keeps the call's side open. */
  readonly end?: boolean
}

export interface GrpcReply {
  readonly httpStatus: number
  /** Undefined: no trailers came. */
  readonly grpcStatus: number | undefined
  readonly grpcMessage: string
  /** Whole messages, still encoded. */
  readonly messages: readonly Buffer[]
  /** How it ended where it did not end well. */
  readonly broken: string | undefined
}

export interface GrpcConnection {
  call(call: GrpcCall): Promise<GrpcReply>
  readonly session: ClientHttp2Session
  readonly closed: boolean
  close(): void
}

export function pathOf(method: string): string {
  return `/${SERVICE}/${method}`
}

/** The names of all methods. */
export const METHODS: readonly string[] = Object.keys(methods)

/** One message of a method's request. */
export function encodeRequest(method: string, request: object): Buffer {
  return definitionOf(method).requestSerialize(request)
}

/** One message of a method's answer. */
export function decodeReply<Answer>(method: string, bytes: Buffer): Answer {
  return definitionOf(method).responseDeserialize(bytes) as Answer
}

function definitionOf(name: string): MethodDefinition<object, object> {
  const method = methods[name]
  if (method === undefined) throw new Error(`the SDK's service has no method ${name}`)
  return method
}

/** A message with its prefix, which may lie. */
export function frameOf(message: Buffer, { flag = 0, declared = message.length } = {}): Buffer {
  const frame = Buffer.alloc(FRAME_PREFIX_BYTES + message.length)
  frame.writeUInt8(flag)
  frame.writeUInt32BE(declared, 1)
  message.copy(frame, FRAME_PREFIX_BYTES)
  return frame
}

function messagesIn(data: Buffer): Buffer[] {
  const messages: Buffer[] = []
  let at = 0
  while (at + FRAME_PREFIX_BYTES <= data.length) {
    const end = at + FRAME_PREFIX_BYTES + data.readUInt32BE(at + 1)
    messages.push(data.subarray(at + FRAME_PREFIX_BYTES, end))
    at = end
  }
  return messages
}

/** A connection of its own. What breaks it shows in the replies. Trickled: each byte is a write of its own. */
export function openGrpc(port: number, { trickled = false } = {}): GrpcConnection {
  // Many large bodies at a time: the default of 10 MB resets calls of our own side.
  const session = connect(`http://127.0.0.1:${port}`, {
    maxSessionMemory: SESSION_MB_MAX,
    ...(trickled ? { createConnection: () => trickle(port) } : {}),
  })
  session.on('error', () => {})
  return {
    session,
    get closed() {
      return session.closed || session.destroyed
    },
    call: (call) => callOn(session, call),
    close: () => session.destroy(),
  }
}

function trickle(port: number): Duplex {
  const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true })
  const duplex = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      const writeAll = async () => {
        for (const byte of chunk) {
          socket.write(Buffer.from([byte]))
          await turn()
        }
      }
      writeAll().then(() => done(), done)
    },
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk) => duplex.push(chunk))
  socket.on('error', () => duplex.destroy())
  socket.on('close', () => duplex.push(null))
  return duplex
}

function callOn(session: ClientHttp2Session, { path, data, headers = {}, end = true }: GrpcCall): Promise<GrpcReply> {
  const usual = {
    'content-type': 'application/grpc',
    te: 'trailers',
    'x-mq-client-id': CLIENT_ID,
    'x-mq-language': 'NODE_JS',
    'x-mq-protocol': 'v2',
    ...headers,
  }
  const sent = Object.fromEntries(Object.entries(usual).filter(([, value]) => value !== undefined))
  return new Promise((resolve) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...sent })
    const chunks: Buffer[] = []
    let httpStatus = 0
    let trailers: Record<string, unknown> = {}
    let broken: string | undefined
    const timer = setTimeout(() => {
      broken = `no end within ${REPLY_MS_MAX} ms`
      stream.close(constants.NGHTTP2_CANCEL)
    }, REPLY_MS_MAX)
    stream.on('response', (head) => {
      httpStatus = head[':status'] ?? 0
      if ('grpc-status' in head) trailers = head
    })
    stream.on('trailers', (tail) => (trailers = tail))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', (error) => (broken ??= error.message))
    stream.on('close', () => {
      clearTimeout(timer)
      const status = trailers['grpc-status']
      resolve({
        httpStatus,
        grpcStatus: status === undefined ? undefined : Number(status),
        grpcMessage: decodeURIComponent(String(trailers['grpc-message'] ?? '')),
        messages: messagesIn(Buffer.concat(chunks)),
        broken,
      })
    })
    if (end) stream.end(data)
    else stream.write(data)
  })
}
