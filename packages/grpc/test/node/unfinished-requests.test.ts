// The budget of requests that have come in part, with real clients of HTTP/2 that send as much as they are allowed to.
import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { silentLogger, type SocketAddress } from '@rocketmq-ts/runtime'
import { GrpcStatus, type GrpcMethod } from '@rocketmq-ts/grpc'
import { createGrpcJsTransport, type GrpcPortEvent } from '@rocketmq-ts/grpc/node'
import { createManualTime } from '../manual-time.ts'

const KIB = 1024
const MESSAGE_BYTES = 200 * KIB
const PATIENCE_MS = 5_000
const LIMITS = { requestBytesMax: 256 * KIB, unfinishedBytesMax: 1024 * KIB, unfinishedPatienceMs: PATIENCE_MS }

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function openServer() {
  const time = createManualTime()
  const givenUp: string[] = []
  const logger = {
    ...silentLogger,
    warn: (event: GrpcPortEvent) => {
      if (event.event === 'grpc.request.given-up') givenUp.push(event.reason)
    },
  }
  const echo: GrpcMethod = {
    kind: 'unary',
    handle(request, call) {
      call.write(request)
      call.finish(GrpcStatus.OK)
    },
  }
  const transport = createGrpcJsTransport({
    host: '127.0.0.1',
    port: 0,
    tls: { mode: 'disabled' },
    logger,
    limits: LIMITS,
    ...time,
  })
  const server = await transport.serve(new Map([['/s/Echo', echo]]))
  const [address] = server.addresses as [SocketAddress]
  cleanups.push(async () => {
    const closed = server.close(0)
    time.advance(1)
    time.advance(1_000)
    await closed
  })
  return { time, givenUp, address }
}

function framed(bytes: number): Buffer {
  const frame = Buffer.alloc(5 + bytes, 7)
  frame[0] = 0
  frame.writeUInt32BE(bytes, 1)
  return frame
}

/** A call on a connection of its own that has sent the first bytes of its message. */
async function begin({ address }: { readonly address: SocketAddress }, bytes: number, timeout?: string) {
  const socket = net.connect(address.port, address.host)
  const session = http2.connect(`http://127.0.0.1:${address.port}`, { createConnection: () => socket })
  cleanups.push(() => session.destroy())
  const headers = { ':method': 'POST', ':path': '/s/Echo', 'content-type': 'application/grpc', te: 'trailers' }
  const stream = session.request({ ...headers, ...(timeout !== undefined && { 'grpc-timeout': timeout }) })
  const trailers = new Promise<http2.IncomingHttpHeaders>((resolve) => {
    const take = (given: http2.IncomingHttpHeaders) => {
      if (given['grpc-status'] !== undefined) resolve(given)
    }
    stream.on('response', take)
    stream.on('trailers', take)
  })
  stream.on('error', () => {})
  stream.resume()
  const message = framed(MESSAGE_BYTES)
  await new Promise((resolve) => stream.write(message.subarray(0, bytes), resolve))
  return {
    trailers,
    end: () => void stream.end(message.subarray(bytes)),
    /** Sends RST_STREAM without an error behind all that was sent; resolves when the server has read it. */
    async reset() {
      await new Promise((resolve) => session.ping(resolve))
      socket.write(Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, stream.id ?? 0, 0, 0, 0, 0]))
      await new Promise((resolve) => session.ping(resolve))
    },
  }
}

async function beginMany(server: Awaited<ReturnType<typeof openServer>>, count: number) {
  return Promise.all(Array.from({ length: count }, () => begin(server, 60 * KIB)))
}

test('requests: above the budget of all that came in part → read later, and whole in the end when all go on', async () => {
  const server = await openServer()
  const calls = await beginMany(server, 12)
  for (const { end } of calls) end()
  const statuses = await Promise.all(calls.map(async ({ trailers }) => (await trailers)['grpc-status']))
  expect(statuses).toEqual(calls.map(() => '0'))
  expect(server.givenUp).toEqual([])
})

test('requests: those that never go on, while another waits → RESOURCE_EXHAUSTED, and the other is answered', async () => {
  const server = await openServer()
  const silent = await beginMany(server, 12)
  const late = await begin(server, 40 * KIB)
  late.end()
  const both = Promise.all([late.trailers, Promise.race(silent.map(({ trailers }) => trailers))])
  let isAnswered = false
  void both.then(() => (isAnswered = true))
  // Time goes on as slowly as bytes arrive.
  while (!isAnswered) {
    server.time.advance(1)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const [answered, givenUp] = await both
  expect(answered['grpc-status']).toBe('0')
  expect(givenUp['grpc-status']).toBe(String(GrpcStatus.RESOURCE_EXHAUSTED))
  expect(givenUp['grpc-message']).toMatch(/^\d+ bytes of a request that is not whole: not within 5000 ms/)
  expect(server.givenUp.length).toBeGreaterThan(0)
})

test('requests: a small one, whatever others hold → answered at once', async () => {
  const server = await openServer()
  await beginMany(server, 12)
  const session = http2.connect(`http://127.0.0.1:${server.address.port}`)
  cleanups.push(() => session.destroy())
  const headers = { ':method': 'POST', ':path': '/s/Echo', 'content-type': 'application/grpc', te: 'trailers' }
  const stream = session.request(headers)
  stream.resume()
  stream.end(framed(8 * KIB))
  const [trailers] = (await once(stream, 'trailers')) as [http2.IncomingHttpHeaders]
  expect(trailers['grpc-status']).toBe('0')
})

test('requests: reset without an error while they are not read → gone at their deadline, and the server is not', async () => {
  const server = await openServer()
  await beginMany(server, 12)
  const waiting = await Promise.all(Array.from({ length: 4 }, () => begin(server, 60 * KIB, '1S')))
  await Promise.all(waiting.map(({ reset }) => reset()))
  expect(() => server.time.advance(1_000)).not.toThrow()
  expect(server.givenUp).toEqual([])
})
