import net from 'node:net'
import tls from 'node:tls'
import http2 from 'node:http2'
import { once } from 'node:events'
import { afterEach, expect, test } from '@jest/globals'
import type { Logger, SocketAddress } from '@rocketmq-ts/runtime'
import { GrpcStatus, type GrpcCall, type GrpcLimits, type GrpcMethod, type GrpcServer } from '@rocketmq-ts/grpc'
import {
  createGrpcJsTransport,
  type GrpcJsTransport,
  type GrpcPortEvent,
  type TlsOptions,
} from '@rocketmq-ts/grpc/node'
import { createSelfSigned } from '../../src/node/certificate.ts'
import { createManualTime, type ManualTime } from '../manual-time.ts'
import { anyCertificate, createGrpcJsClient, type GrpcJsClient } from './grpc-js-client.ts'

const IDENTITY = await createSelfSigned(Date.now())
const PERMISSIVE: TlsOptions = { mode: 'permissive', ...IDENTITY }
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
const SETTINGS_TYPE = 4

interface Fixture {
  readonly address: SocketAddress
  readonly server: GrpcServer
  readonly transport: GrpcJsTransport
  readonly time: ManualTime
  readonly events: GrpcPortEvent[]
  readonly calls: GrpcCall[]
  /** Resolves when something was logged behind the last of this name. */
  eventAfter(name: GrpcPortEvent['event']): Promise<void>
  client(tlsOn?: boolean): Promise<GrpcJsClient>
  socket(): Promise<net.Socket>
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function open(options: { tls: TlsOptions; limits?: Partial<GrpcLimits> }): Promise<Fixture> {
  const events: GrpcPortEvent[] = []
  let onEvent = () => {}
  const log = (event: GrpcPortEvent) => {
    events.push(event)
    onEvent()
  }
  const logger: Logger<GrpcPortEvent> = { debug: log, info: log, warn: log, error: log }
  const time = createManualTime()
  const transport = createGrpcJsTransport({ host: '127.0.0.1', port: 0, logger, ...time, ...options })
  const calls: GrpcCall[] = []
  const echo: GrpcMethod = {
    kind: 'unary',
    handle(request, call) {
      calls.push(call)
      call.write(request)
      call.finish(GrpcStatus.OK)
    },
  }
  const hold: GrpcMethod = { kind: 'server-streaming', handle: (_request, call) => void calls.push(call) }
  const server = await transport.serve(
    new Map<string, GrpcMethod>([
      ['/s/Echo', echo],
      ['/s/Hold', hold],
    ]),
  )
  const address = server.addresses[0] ?? { host: '', port: 0 }
  cleanups.push(async () => {
    const closed = server.close(0)
    time.advance(10_000)
    await closed
  })
  return {
    address,
    server,
    transport,
    time,
    events,
    calls,
    async eventAfter(name) {
      while (events.at(-1)?.event === name) await new Promise<void>((resolve) => (onEvent = resolve))
    },
    async client(tlsOn = false) {
      const client = await createGrpcJsClient(address, tlsOn ? anyCertificate() : undefined)
      cleanups.push(() => client.close())
      return client
    },
    async socket() {
      const socket = net.connect(address)
      socket.on('error', () => {})
      cleanups.push(() => socket.destroy())
      await once(socket, 'connect')
      return socket
    },
  }
}

const MESSAGE = new Uint8Array([1, 2, 3])
const closed = (socket: net.Socket) => (socket.closed ? Promise.resolve() : once(socket.resume(), 'close'))
const lastReason = (events: readonly GrpcPortEvent[]) => (events.at(-1) as { reason?: string }).reason

test('port: TLS and plaintext clients at once → both are answered, and methods know which is which', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const answers = await Promise.all([
    (await fixture.client(true)).unary('/s/Echo', MESSAGE),
    (await fixture.client(false)).unary('/s/Echo', MESSAGE),
  ])
  expect(answers.map(({ status }) => status)).toStrictEqual([GrpcStatus.OK, GrpcStatus.OK])
  expect(fixture.calls.map(({ secure }) => secure).toSorted()).toStrictEqual([false, true])
})

test('port: TLS with a body of 4 MiB → arrives whole', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const body = new Uint8Array(4 * 1024 * 1024).fill(7)
  const answer = await (await fixture.client(true)).unary('/s/Echo', body)
  expect(Buffer.compare(answer.message ?? MESSAGE, body)).toBe(0)
})

test('port: an HTTP/2 preface in single bytes → accepted once it is whole', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const socket = await fixture.socket()
  socket.setNoDelay(true)
  for (const byte of HTTP2_PREFACE) {
    await new Promise((resolve) => socket.write(byte, resolve))
  }
  socket.write(EMPTY_SETTINGS)
  const [frame] = (await once(socket, 'data')) as [Buffer]
  expect(frame[3]).toBe(SETTINGS_TYPE)
})

test.each(['hello', 'PROXY TCP4', '\0\0\0\u0010'])('port: first bytes %j → closed with a reason', async (bytes) => {
  const fixture = await open({ tls: PERMISSIVE })
  const socket = await fixture.socket()
  socket.write(bytes)
  await closed(socket)
  expect(lastReason(fixture.events)).toContain('neither TLS nor HTTP/2')
})

const remotingRequest = (): Buffer => {
  const header = Buffer.from('{"code":105,"opaque":7,"flag":0}')
  return Buffer.concat([Buffer.from([0, 0, 0, 4 + header.length, 0, 0, 0, header.length]), header])
}

test.each([
  ['a browser', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'this is the gRPC port of a proxy: it answers no HTTP'],
  ['a remoting client', remotingRequest(), 'this is the gRPC port of a proxy: clients of 4.x and rmq connect to'],
])('port: %s → is told in its own words, closed, and named in the log', async (_who, bytes, sentence) => {
  const fixture = await open({ tls: PERMISSIVE })
  const socket = await fixture.socket()
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
  socket.write(bytes)
  await closed(socket)
  expect(heard).toContain(sentence)
  expect(lastReason(fixture.events)).toContain(sentence)
})

test('port: a client that says nothing → closed after the time for first bytes', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const silent = await fixture.socket()
  // A second client's answer shows that the server has accepted the first.
  await (await fixture.client()).unary('/s/Echo', MESSAGE)
  fixture.time.advance(10_000)
  await closed(silent)
  expect(lastReason(fixture.events)).toBe('no first bytes within 10000 ms')
})

test('port: a TLS handshake that stops → closed after the time for handshakes', async () => {
  const fixture = await open({ tls: PERMISSIVE, limits: { handshakeTimeoutMs: 20 } })
  const socket = await fixture.socket()
  // A record header of a handshake whose content never comes.
  socket.write(Buffer.from([0x16, 3, 1, 1, 0]))
  await closed(socket)
  expect(lastReason(fixture.events)).toContain('handshake')
})

test('port: a TLS client without h2 → refused', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const socket = tls.connect({ ...fixture.address, rejectUnauthorized: false })
  socket.on('error', () => {})
  await once(socket.resume(), 'close')
  expect(lastReason(fixture.events)).toContain('h2')
})

test('port: a TLS client that does not trust the certificate → the log says what would help', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const socket = tls.connect({ ...fixture.address, ALPNProtocols: ['h2'] })
  const [error] = (await once(socket, 'error')) as [Error & { code: string }]
  expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
  await fixture.eventAfter('grpc.listening')
  expect(lastReason(fixture.events)).toContain('it may not trust the certificate')
})

test('port: TLS mode enforcing → plaintext is refused, TLS served', async () => {
  const fixture = await open({ tls: { ...PERMISSIVE, mode: 'enforcing' } as TlsOptions })
  const refused = await (await fixture.client(false)).unary('/s/Echo', MESSAGE)
  const sentence = 'this port takes TLS only (tlsMode is enforcing): turn TLS on in the client'
  expect(refused.status).toBe(GrpcStatus.UNIMPLEMENTED)
  expect(refused.detail).toContain(sentence)
  expect(lastReason(fixture.events)).toContain(sentence)
  expect((await (await fixture.client(true)).unary('/s/Echo', MESSAGE)).status).toBe(GrpcStatus.OK)
})

test('port: TLS mode disabled → TLS is refused, plaintext served', async () => {
  const fixture = await open({ tls: { mode: 'disabled' } })
  expect((await (await fixture.client(true)).unary('/s/Echo', MESSAGE)).status).toBe(GrpcStatus.UNAVAILABLE)
  expect(lastReason(fixture.events)).toContain(
    'turn TLS off in the client, or start the proxy with --tls-mode permissive',
  )
  expect((await (await fixture.client(false)).unary('/s/Echo', MESSAGE)).status).toBe(GrpcStatus.OK)
})

test('port: one connection above the limit → closed, the others stay', async () => {
  const fixture = await open({ tls: PERMISSIVE, limits: { connectionsMax: 1 } })
  const client = await fixture.client()
  await client.unary('/s/Echo', MESSAGE)
  await closed(await fixture.socket())
  expect(lastReason(fixture.events)).toBe('there are 1 connections already, the limit')
  expect((await client.unary('/s/Echo', MESSAGE)).status).toBe(GrpcStatus.OK)
})

test.each([true, false])('port: connections that come and go, TLS %s → none is counted for ever', async (tlsOn) => {
  const fixture = await open({ tls: PERMISSIVE, limits: { connectionsMax: 1 } })
  for (let turn = 0; turn < 5; turn += 1) {
    const client = await fixture.client(tlsOn)
    // The one before may not be gone yet: then this client is refused, and tries again.
    let answer = await client.unary('/s/Echo', MESSAGE)
    while (answer.status === GrpcStatus.UNAVAILABLE) answer = await client.unary('/s/Echo', MESSAGE)
    expect(answer.status).toBe(GrpcStatus.OK)
    client.close()
  }
})

test('port: taken → rejects naming host, port and remedy', async () => {
  const { address } = await open({ tls: PERMISSIVE })
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const second = createGrpcJsTransport({ ...address, tls: PERMISSIVE, logger })
  await expect(second.serve(new Map())).rejects.toMatchObject({
    code: 'address-in-use',
    message: expect.stringContaining(`port 127.0.0.1:${address.port} is taken by`),
  })
})

test('certificate: replaced → new connections see the new one, old connections go on', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const fingerprint = async () => {
    const socket = tls.connect({ ...fixture.address, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const client = await fixture.client(true)
  await client.unary('/s/Echo', MESSAGE)
  const before = await fingerprint()
  fixture.transport.replaceCertificate(await createSelfSigned(Date.now()))
  expect(await fingerprint()).not.toBe(before)
  expect((await client.unary('/s/Echo', MESSAGE)).status).toBe(GrpcStatus.OK)
})

test('certificate: replaced by a pair that does not match → refused, the old one stays', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const { key } = await createSelfSigned(Date.now())
  const broken = { certificate: IDENTITY.certificate, key }
  expect(() => fixture.transport.replaceCertificate(broken)).toThrow(
    expect.objectContaining({ code: 'parameter-invalid' }),
  )
  expect((await (await fixture.client(true)).unary('/s/Echo', MESSAGE)).status).toBe(GrpcStatus.OK)
})

function connectHttp2(fixture: Fixture): http2.ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${fixture.address.port}`)
  session.on('error', () => {})
  cleanups.push(() => session.destroy())
  return session
}

const GRPC_HEADERS = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' }

async function request(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders) {
  const stream = session.request({ ...GRPC_HEADERS, ...headers })
  const answer = once(stream, 'response')
  const trailers = new Promise<http2.IncomingHttpHeaders>((resolve) => stream.once('trailers', resolve))
  stream.end(Buffer.from([0, 0, 0, 0, 0])).resume()
  const [first] = (await answer) as [http2.IncomingHttpHeaders]
  const last = first['grpc-status'] === undefined ? await trailers : first
  return { httpStatus: first[':status'], grpcStatus: last['grpc-status'] }
}

test('keepalive: many PINGs without any stream → every one is answered, no GOAWAY', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const session = connectHttp2(fixture)
  let goaways = 0
  session.on('goaway', () => (goaways += 1))
  await once(session, 'connect')
  for (let ping = 0; ping < 200; ping += 1) {
    await new Promise<void>((resolve, reject) => {
      session.ping((error: Error | null) => (error === null ? resolve() : reject(error)))
    })
  }
  expect(goaways).toBe(0)
})

test('headers: an unknown path → HTTP 200 with grpc-status 12', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const answer = await request(connectHttp2(fixture), { ':path': '/s/None' })
  expect(answer).toStrictEqual({ httpStatus: 200, grpcStatus: '12' })
})

test.each([
  ['525600M', 525_600 * 60_000],
  ['99999999H', 99_999_999 * 3_600_000],
  ['99999999999999999999S', Number.MAX_SAFE_INTEGER],
  ['315360000S', 315_360_000_000],
  ['soon', undefined],
  ['-1S', undefined],
])('headers: grpc-timeout %s → deadline in ms %s, or refused when it is none', async (timeout, deadlineMs) => {
  const fixture = await open({ tls: PERMISSIVE })
  const answer = await request(connectHttp2(fixture), { ':path': '/s/Echo', 'grpc-timeout': timeout })
  expect(answer.grpcStatus).toBe(deadlineMs === undefined ? String(GrpcStatus.INTERNAL) : '0')
  expect(fixture.calls[0]?.deadlineMonotonicMs).toBe(deadlineMs)
})

test('streams: many answers in one tick → they are on the connection together, and not one by one', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const stream = connectHttp2(fixture).request({ ...GRPC_HEADERS, ':path': '/s/Hold' })
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.end(Buffer.from([0, 0, 0, 0, 0]))
  while (fixture.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
  for (let answer = 0; answer < 50; answer += 1) fixture.calls[0]?.write(MESSAGE)
  fixture.calls[0]?.finish(GrpcStatus.OK)
  await once(stream, 'end')
  expect(Buffer.concat(chunks)).toStrictEqual(
    Buffer.concat(Array<Buffer>(50).fill(Buffer.from([0, 0, 0, 0, 3, 1, 2, 3]))),
  )
  expect(chunks.length).toBeLessThanOrEqual(3)
})

test('streams: 1000 open polls on one connection → a unary call is still answered', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const client = await fixture.client()
  for (let poll = 0; poll < 1000; poll += 1) {
    client.serverStreaming('/s/Hold', MESSAGE, { message() {}, end() {} })
  }
  expect((await client.unary('/s/Echo', MESSAGE)).status).toBe(GrpcStatus.OK)
  expect(fixture.calls).toHaveLength(1001)
})

/** A call whose client sends half of a message and never ends. */
function unfinishedCall(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, path = '/s/Echo') {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  stream.write(Buffer.from([0, 0, 0, 0, 9, 1]))
  return stream
}

test.each([
  ['its own deadline', { 'grpc-timeout': '5S' }, '/s/Echo', 5_000],
  ['the limit', {}, '/s/Echo', 60_000],
  ['the limit, as deadlines of a year do not count', { 'grpc-timeout': '525600M' }, '/s/Hold', 60_000],
])('calls: a client that never ends its request → ended at %s', async (_when, headers, path, limitMs) => {
  const fixture = await open({ tls: PERMISSIVE })
  const session = http2.connect(`http://127.0.0.1:${fixture.address.port}`)
  cleanups.push(() => session.destroy())
  const stream = unfinishedCall(session, headers, path)
  // An answer to a later call shows that the server has the first one.
  await (await fixture.client()).unary('/s/Echo', MESSAGE)
  await new Promise((resolve) => session.ping(resolve))
  fixture.time.advance(limitMs - 1)
  const answered = once(stream, 'response') as Promise<[http2.IncomingHttpHeaders]>
  fixture.time.advance(1)
  const [trailers] = await answered
  expect(trailers).toMatchObject({ ':status': 200, 'grpc-status': String(GrpcStatus.DEADLINE_EXCEEDED) })
  expect(trailers['grpc-message']).toBe(`the request was not complete within ${limitMs} ms`)
})

test('calls: one whose request is whole → its time for requests is over without an effect', async () => {
  const fixture = await open({ tls: PERMISSIVE })
  const client = await fixture.client()
  const ended: GrpcStatus[] = []
  client.serverStreaming('/s/Hold', MESSAGE, { message: () => {}, end: (status) => ended.push(status) })
  await client.unary('/s/Echo', MESSAGE)
  fixture.time.advance(60_000)
  await client.unary('/s/Echo', MESSAGE)
  expect(ended).toStrictEqual([])
})
