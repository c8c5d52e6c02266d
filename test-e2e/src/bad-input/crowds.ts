// Connections in great number, and such that take without reading. Each crowd stays until it is sent away.
import { once } from 'node:events'
import type { ClientHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ports } from '../free-ports.ts'
import { createRawClient } from '../raw-client.ts'
import { encodeRequest, frameOf, openGrpc, pathOf, type GrpcConnection } from './grpc-wire.ts'
import { openSocket, remotingFrame } from './remoting-wire.ts'

const CROWD = 1_000
const AT_ONCE = 100
const POLL_MS = 50
const KIB = 1024
const MIB = 1024 * KIB
/** Half a gigabyte of frames, and as much of messages. */
const ALMOST_WHOLE = 32
const SETTLE_MS = 2_000
const FRAME_BYTES_MAX = 16 * MIB
const PART_BYTES = 48 * 1024
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const GET_ALL_TOPIC_CONFIG = 21
const GET_ROUTE = 105

export interface Crowd {
  /** Connections that the server has not closed. */
  readonly open: () => number
  leave(): void
}

function crowdOf(sockets: readonly Socket[]): Crowd {
  return {
    open: () => sockets.filter((socket) => !socket.closed).length,
    leave() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function openMany(count: number, open: (at: number) => Promise<Socket>): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const wave = Math.min(AT_ONCE, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: wave }, (_, at) => open(sockets.length + at)))))
  }
  // Without a reader nobody would notice that the other side has closed.
  for (const socket of sockets) socket.resume()
  return sockets
}

/** Silent ones, and ones with a part of what they have to say, on one port. */
export async function idleCrowd(port: number, firstBytes: Buffer, count = CROWD): Promise<Crowd> {
  const sockets = await openMany(count, async (at) => {
    const socket = await openSocket(port)
    if (at % 2 === 1) socket.write(firstBytes)
    return socket
  })
  return crowdOf(sockets)
}

/** A third of them each with nothing, a piece of HTTP/2 and the head of a TLS handshake. */
export async function idleOnGrpc({ grpc }: Ports): Promise<Crowd> {
  const first = [Buffer.alloc(0), HTTP2_PREFACE.subarray(0, 3), Buffer.from([0x16, 3, 1, 1, 0])]
  const sockets = await openMany(CROWD, async (at) => {
    const socket = await openSocket(grpc)
    socket.write(first[at % first.length] ?? '')
    return socket
  })
  return crowdOf(sockets)
}

export async function idleOnRemoting({ broker, nameserver }: Ports): Promise<Crowd> {
  const half = remotingFrame({ code: GET_ROUTE, fields: { topic: 't' } }).subarray(0, 40)
  const crowds = await Promise.all([idleCrowd(broker, half, CROWD / 2), idleCrowd(nameserver, half, CROWD / 2)])
  return {
    open: () => crowds.reduce((sum, crowd) => sum + crowd.open(), 0),
    leave: () => crowds.forEach((crowd) => crowd.leave()),
  }
}

/** Each has ended its side in the middle of a word and waits for the server to end the other. */
export async function halfOpen({ grpc, broker, nameserver }: Ports): Promise<Crowd> {
  const ports = [grpc, broker, nameserver]
  const words = [
    HTTP2_PREFACE.subarray(0, 10),
    ...[broker, nameserver].map(() => remotingFrame({ code: 9 }).subarray(0, 20)),
  ]
  const sockets = await openMany(CROWD, async (at) => {
    const socket = await openSocket(ports[at % ports.length] ?? 0, { allowHalfOpen: true })
    socket.end(words[at % words.length] ?? '')
    return socket
  })
  return crowdOf(sockets)
}

/** Waits until the server has closed them all; false when it did not in time. */
export async function allClosed(crowd: Crowd, withinMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs
  while (crowd.open() > 0 && performance.now() < deadlineMs) await sleep(POLL_MS)
  return crowd.open() === 0
}

/** Frames that announce their 16 MiB and come with a kilobyte. */
export async function bigPromises({ broker }: Ports): Promise<Crowd> {
  const begun = remotingFrame({ code: 310, frameLength: FRAME_BYTES_MAX - 4, body: Buffer.alloc(1024) })
  const sockets = await openMany(CROWD / 5, async () => {
    const socket = await openSocket(broker)
    socket.write(begun)
    return socket
  })
  return crowdOf(sockets)
}

/** Frames that are there but for their last byte. */
export async function almostWholeFrames({ broker }: Ports): Promise<Crowd> {
  const frame = remotingFrame({ code: 310, body: Buffer.alloc(FRAME_BYTES_MAX - KIB) })
  const sockets = await openMany(ALMOST_WHOLE, async () => {
    const socket = await openSocket(broker)
    socket.write(frame.subarray(0, -1))
    return socket
  })
  await sleep(SETTLE_MS)
  return crowdOf(sockets)
}

/** Messages that are there but for their last byte, on connections of their own. */
export async function almostWholeMessages({ grpc }: Ports): Promise<Crowd> {
  const message = frameOf(Buffer.alloc(4 * MIB)).subarray(0, -1)
  const connections = Array.from({ length: 4 * ALMOST_WHOLE }, () => {
    const connection = openGrpc(grpc)
    begin(connection, 'SendMessage').write(message)
    return connection
  })
  await sleep(SETTLE_MS)
  return grpcCrowd(connections)
}

/** Asks again and again for long answers on a remoting port, and reads none. */
export async function remotingWithoutReading({ broker }: Ports): Promise<Crowd> {
  const asks = Buffer.concat(Array.from({ length: 1_000 }, () => remotingFrame({ code: GET_ALL_TOPIC_CONFIG })))
  const sockets = await Promise.all(Array.from({ length: 4 }, () => openSocket(broker)))
  for (const socket of sockets) {
    socket.pause()
    for (let times = 0; times < 40; times += 1) socket.write(asks)
  }
  await sleep(1_000)
  return crowdOf(sockets)
}

function grpcCrowd(connections: readonly GrpcConnection[]): Crowd {
  return {
    open: () => connections.filter((connection) => !connection.closed).length,
    leave: () => connections.forEach((connection) => connection.close()),
  }
}

/** Takes large messages on many streams, and reads none. */
export async function receivesWithoutReading({ grpc }: Ports): Promise<Crowd> {
  const topic = 'slow-readers'
  const client = createRawClient(`127.0.0.1:${grpc}`, 'slow-readers@1@0@0')
  await client.queryRoute(topic)
  for (let at = 0; at < 24; at += 1) await client.send(topic, `slow-${at}`, Buffer.alloc(2 * MIB, at))
  client.close()
  const connection = openGrpc(grpc)
  const request = encodeRequest('ReceiveMessage', {
    group: { name: topic },
    message_queue: { topic: { name: topic }, id: -1 },
    batch_size: 32,
    invisible_duration: { seconds: 10 },
    long_polling_timeout: { seconds: 5 },
  })
  for (let at = 0; at < 8; at += 1) ask(connection, 'ReceiveMessage', request)
  await sleep(1_000)
  return grpcCrowd([connection])
}

/** Calls by the thousand, with no room for any answer. */
export async function callsWithoutReading({ grpc }: Ports): Promise<Crowd> {
  const connection = openGrpc(grpc)
  await once(connection.session, 'connect')
  connection.session.settings({ initialWindowSize: 0 })
  const request = encodeRequest('QueryRoute', {
    topic: { name: 'slow-readers' },
    endpoints: { scheme: 'IPv4', addresses: [{ host: '127.0.0.1', port: grpc }] },
  })
  for (let at = 0; at < 4_000; at += 1) ask(connection, 'QueryRoute', request)
  await sleep(1_000)
  return grpcCrowd([connection])
}

/** Begins calls by the thousand with a part of a large message, and never goes on. */
export async function unfinishedCalls({ grpc }: Ports): Promise<Crowd> {
  const connection = openGrpc(grpc)
  const part = frameOf(Buffer.alloc(PART_BYTES), { declared: 4 * MIB })
  const streams = Array.from({ length: CROWD }, () => {
    const stream = begin(connection, 'SendMessage', { 'grpc-timeout': '3S' })
    stream.write(part)
    return stream.resume()
  })
  return {
    open: () => streams.filter((stream) => !stream.closed).length,
    leave: () => connection.close(),
  }
}

/** Begins calls and takes them back at once, over and over. */
export async function calledBack({ grpc }: Ports): Promise<Crowd> {
  const connection = openGrpc(grpc)
  const request = encodeRequest('ReceiveMessage', {
    group: { name: 'called-back' },
    message_queue: { topic: { name: 'bad-input' }, id: -1 },
    batch_size: 1,
    invisible_duration: { seconds: 10 },
    long_polling_timeout: { seconds: 20 },
  })
  for (let at = 0; at < 10_000 && !connection.closed; at += 1) {
    ask(connection, 'ReceiveMessage', request).close()
    if (at % AT_ONCE === 0) await sleep(0)
  }
  return grpcCrowd([connection])
}

/** A call whose answer stays where it is. */
function ask(connection: GrpcConnection, method: string, request: Buffer): ClientHttp2Stream {
  const stream = begin(connection, method)
  stream.end(frameOf(request))
  return stream
}

function begin({ session }: GrpcConnection, method: string, headers = {}): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': pathOf(method),
    'content-type': 'application/grpc',
    te: 'trailers',
    'x-mq-client-id': 'crowd@1@0@0',
    ...headers,
  })
  stream.on('error', () => {})
  stream.pause()
  return stream
}

/** Says what it is again and again, at length, and reads no answer. */
export async function telemetryWithoutReading({ grpc }: Ports): Promise<Crowd> {
  const connection = openGrpc(grpc)
  const topics = Array.from({ length: 1_000 }, (_, at) => ({ name: `${'t'.repeat(100)}-${at}` }))
  const settings = { settings: { client_type: 'PRODUCER', publishing: { topics } } }
  const message = frameOf(encodeRequest('Telemetry', settings))
  const stream = begin(connection, 'Telemetry')
  for (let at = 0; at < 4_000 && !stream.destroyed; at += 1) {
    if (!stream.write(message)) await Promise.race([once(stream, 'drain').catch(() => {}), sleep(POLL_MS)])
  }
  return grpcCrowd([connection])
}

/** Waits for messages by the thousand, on one connection. */
export async function waitingReceives({ grpc }: Ports): Promise<Crowd> {
  const connection = openGrpc(grpc)
  const request = encodeRequest('ReceiveMessage', {
    group: { name: 'waiting' },
    message_queue: { topic: { name: 'empty' }, id: -1 },
    batch_size: 1,
    invisible_duration: { seconds: 10 },
    long_polling_timeout: { seconds: 20 },
  })
  for (let at = 0; at < 4_000; at += 1) ask(connection, 'ReceiveMessage', request)
  await sleep(1_000)
  return grpcCrowd([connection])
}

/** Asks for topics that nobody has heard of; the server makes some and refuses the others for now. */
export async function unknownTopics({ grpc }: Ports): Promise<Crowd> {
  const connection = openGrpc(grpc)
  const endpoints = { scheme: 'IPv4', addresses: [{ host: '127.0.0.1', port: grpc }] }
  for (let at = 0; at < 2_000; at += 1) {
    ask(connection, 'QueryRoute', encodeRequest('QueryRoute', { topic: { name: `unknown-${at}` }, endpoints }))
  }
  await sleep(500)
  return grpcCrowd([connection])
}

/** Asks for signs of life without an end, and takes none. */
export async function pingsWithoutReading({ grpc }: Ports): Promise<Crowd> {
  const ping = Buffer.from('0000080600000000000102030405060708', 'hex')
  const settings = Buffer.from('000000040000000000', 'hex')
  const pings = Buffer.concat(Array.from({ length: 10_000 }, () => ping))
  const socket = await openSocket(grpc)
  socket.pause()
  socket.write(Buffer.concat([HTTP2_PREFACE, settings]))
  for (let at = 0; at < 100 && !socket.destroyed; at += 1) {
    if (!socket.write(pings)) await Promise.race([once(socket, 'drain').catch(() => {}), sleep(POLL_MS)])
  }
  return crowdOf([socket])
}
