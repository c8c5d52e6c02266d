// Each port is spoken to in the words of another. What is not its protocol is closed, or answered once and closed.
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import type { Ports } from '../free-ports.ts'
import { remotingFrame, openSocket } from './remoting-wire.ts'

const CLOSED_MS_MAX = 5_000

export interface PortCase {
  readonly name: string
  readonly port: keyof Ports
  readonly bytes: Buffer
  /** What the port says first before it closes, '' for nothing; undefined where that is up to it. */
  readonly says?: string
  /** What else it must tell. */
  readonly names?: string
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const http1 = (line: string, headers = '') => Buffer.from(`${line} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`)
const KIB = 1024

/** An HTTP/2 frame whose length may lie. */
function http2Frame(type: number, flags: number, stream: number, payload: Buffer, declared = payload.length): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(declared, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const SETTINGS = http2Frame(4, 0, 0, Buffer.alloc(0))
const spoken = (...frames: Buffer[]) => Buffer.concat([Buffer.from(PREFACE), SETTINGS, ...frames])
/** More than anybody sends before a first call. */
const pings = () => Array.from({ length: 8_192 }, () => http2Frame(6, 0, 0, Buffer.alloc(8)))
/** Names of headers without end, in frames that say that more will come. */
const endlessHeaders = () => [
  http2Frame(1, 0, 1, Buffer.alloc(16 * KIB, 0x82)),
  ...Array.from({ length: 512 }, () => http2Frame(9, 0, 1, Buffer.alloc(16 * KIB, 0x82))),
]

/** The first call of a gRPC client; its headers need not be read by who does not serve it. */
const grpcCall = () => spoken(http2Frame(1, 4, 1, Buffer.from([0x83, 0x86])))
const remotingCall = () => remotingFrame({ code: 105, fields: { topic: 't' } })
const GRPC_MEANT = 'connect to the gRPC port of a proxy, 8081'
const NAMESERVER_MEANT = 'connect to a nameserver, 9876'

/** Who has the wrong port is told so in their own protocol, wherever that has a place for it. */
const TOLD: readonly PortCase[] = [
  { name: 'HTTP/1.1', port: 'grpc', bytes: http1('GET /'), says: 'HTTP/1.1 400', names: 'the gRPC port of a proxy' },
  { name: 'a remoting request', port: 'grpc', bytes: remotingCall(), names: NAMESERVER_MEANT },
  { name: 'a remoting request', port: 'health', bytes: remotingCall(), names: NAMESERVER_MEANT },
  { name: 'a gRPC call', port: 'health', bytes: grpcCall(), names: GRPC_MEANT },
  ...(['broker', 'nameserver'] as const).flatMap((port): PortCase[] => [
    { name: 'HTTP/1.1', port, bytes: http1('GET /'), says: 'HTTP/1.1 400', names: `the remoting port of a ${port}` },
    { name: 'a gRPC call', port, bytes: grpcCall(), names: GRPC_MEANT },
    { name: 'HTTP/2 without a call', port, bytes: spoken() },
    { name: 'HTTP/2 and then text', port, bytes: Buffer.from(`${PREFACE}${'hello'.repeat(100)}`) },
    { name: 'HTTP/2 and signs of life without end', port, bytes: spoken(...pings()) },
  ]),
]

export const PORT_CASES: readonly PortCase[] = [
  ...TOLD,
  { name: 'a remoting request cut off', port: 'grpc', bytes: remotingCall().subarray(0, 30) },
  {
    name: 'a remoting header of 16 MiB − 1',
    port: 'grpc',
    bytes: remotingFrame({ code: 1, frameLength: 0xffffff, headerLength: 0xfffff0 }),
    says: '',
  },
  {
    name: 'a remoting header that is no JSON',
    port: 'grpc',
    bytes: remotingFrame({ code: 1, header: 'hello' }),
    says: '',
  },
  { name: 'zeros', port: 'grpc', bytes: Buffer.alloc(1000), says: '' },
  { name: 'text', port: 'grpc', bytes: Buffer.from('hello\n'), says: '' },
  {
    name: 'TLS that is none',
    port: 'grpc',
    bytes: Buffer.concat([Buffer.from([0x16, 3, 1, 0, 200]), Buffer.alloc(200, 7)]),
  },
  { name: 'HTTP/2 and then text', port: 'grpc', bytes: Buffer.from(`${PREFACE}${'hello'.repeat(100)}`) },
  { name: 'a frame of 16 MiB − 1', port: 'grpc', bytes: spoken(http2Frame(0, 0, 1, Buffer.alloc(100), 0xff_ffff)) },
  { name: 'data on stream 0', port: 'grpc', bytes: spoken(http2Frame(0, 0, 0, Buffer.alloc(10))) },
  { name: 'settings of 5 bytes', port: 'grpc', bytes: spoken(http2Frame(4, 0, 0, Buffer.alloc(5))) },
  { name: 'headers that are none', port: 'grpc', bytes: spoken(http2Frame(1, 4, 1, Buffer.alloc(100, 0xff))) },
  { name: 'headers without end', port: 'grpc', bytes: spoken(...endlessHeaders()) },
  {
    name: 'a window beyond 2^31',
    port: 'grpc',
    bytes: spoken(http2Frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))),
  },
  { name: 'garbage', port: 'health', bytes: Buffer.alloc(1000, 0xfe), says: 'HTTP/1.1 400' },
  { name: 'HTTP/2 without a call', port: 'health', bytes: Buffer.from(PREFACE) },
  { name: 'TLS', port: 'health', bytes: Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0]), says: 'HTTP/1.1 400' },
  {
    name: 'a header of 9 KiB',
    port: 'health',
    bytes: http1('GET /livez', `x: ${'y'.repeat(9 * KIB)}\r\n`),
    says: 'HTTP/1.1 431',
  },
  {
    name: 'two lengths',
    port: 'health',
    bytes: http1('GET /livez', 'content-length: 1\r\ntransfer-encoding: chunked\r\n'),
    says: 'HTTP/1.1 400',
  },
  {
    name: 'a path outside',
    port: 'health',
    bytes: http1('GET /../../etc/passwd', 'connection: close\r\n'),
    says: 'HTTP/1.1 404',
  },
  {
    name: 'another verb',
    port: 'health',
    bytes: http1('DELETE /metrics', 'connection: close\r\n'),
    says: 'HTTP/1.1 405',
  },
]

/** Undefined: as expected. Otherwise what came instead. */
export async function differenceOf(
  ports: Ports,
  { port, bytes, says, names = '' }: PortCase,
): Promise<string | undefined> {
  const socket = await openSocket(ports[port])
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
  const closed = new Promise<boolean>((resolve) => {
    socket.once('close', () => resolve(true))
    setTimeout(() => resolve(false), CLOSED_MS_MAX).unref()
  })
  socket.write(bytes)
  const isClosed = await closed
  socket.destroy()
  if (!isClosed) return `still open after ${CLOSED_MS_MAX} ms`
  if (!heard.includes(names)) return `${names} is not named in: ${heard.slice(0, 300)}`
  if (says === undefined || (says === '' ? heard === '' : heard.startsWith(says))) return undefined
  return `'${says}' expected, not '${heard.slice(0, 60)}'`
}

/** TLS as a client really speaks it, with this protocol to talk about; how its handshake ended. */
export async function handshake(port: number, protocol: string): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: [protocol] })
  const failed = new Promise<string>((resolve) => {
    socket.on('error', () => resolve('refused'))
    socket.once('close', () => resolve('refused'))
    setTimeout(() => resolve('silent'), CLOSED_MS_MAX).unref()
  })
  const outcome = await Promise.race([
    failed,
    once(socket, 'secureConnect').then(
      () => 'accepted',
      () => 'refused',
    ),
  ])
  socket.destroy()
  return outcome
}
