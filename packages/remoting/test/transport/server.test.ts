import { expect, test } from '@jest/globals'
import type { Network, Socket } from '@rocketmq-ts/runtime'
import { createManualEffects } from '@rocketmq-ts/testkit'
import {
  connectPeer,
  createFrameDecoder,
  createRemotingServer,
  decodeCommand,
  encodeCommand,
  formatAddress,
  type ArrivedRequest,
  type OutgoingCommand,
  type Peer,
  type RemotingCommand,
  type RemotingEvent,
  type RemotingLimits,
  type RequestHandler,
} from '../../src/index.ts'
import { STRANGER_MS_MAX } from '../../src/transport/stranger.ts'
import { Echo, echo } from '../support/example-requests.ts'

const listen = { host: '127.0.0.1', port: 0 }
const hello = { word: 'hello', times: 1 }

/** A network that counts the writes of its accepting side. */
function countingWrites(network: Network): { readonly network: Network; writes(): number } {
  let writes = 0
  function counted(socket: Socket): Socket {
    return {
      remoteAddress: socket.remoteAddress,
      localAddress: socket.localAddress,
      get bufferedBytes() {
        return socket.bufferedBytes
      },
      start: (handler) => socket.start(handler),
      write(chunks) {
        writes += 1
        return socket.write(chunks)
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      end: () => socket.end(),
      destroy: (error) => socket.destroy(error),
    }
  }
  return {
    writes: () => writes,
    network: {
      connect: (options) => network.connect(options),
      listen: (options) => network.listen({ ...options, accept: (socket) => options.accept(counted(socket)) }),
    },
  }
}

async function startServer(handler: RequestHandler, limits: Partial<RemotingLimits> = {}) {
  const effects = createManualEffects()
  const events: RemotingEvent[] = []
  const log = (event: RemotingEvent): void => void events.push(event)
  const logger = { debug: log, info: log, warn: log, error: log }
  const counting = countingWrites(effects.network)
  const server = createRemotingServer({
    ...effects,
    network: counting.network,
    name: 'test',
    listen,
    handler,
    limits,
    logger,
  })
  await server.start()
  const connect = (): Promise<Peer> => connectPeer(effects.network, formatAddress(server.address), effects)
  return { effects, server, events, connect, writes: counting.writes }
}

type Started = Awaited<ReturnType<typeof startServer>>

/** A client that speaks bytes. */
async function connectRaw({ effects, server }: Started, options: { readonly reads: boolean } = { reads: true }) {
  const socket = await effects.network.connect({ ...server.address, timeoutMs: 1000 })
  const decoder = createFrameDecoder()
  const commands: RemotingCommand[] = []
  let closed = false
  socket.start({
    data: (chunk) => decoder.push(chunk, (frame) => commands.push(decodeCommand(frame))),
    drain() {},
    close() {
      closed = true
    },
  })
  if (!options.reads) socket.pause()
  return {
    socket,
    commands,
    isClosed: () => closed,
    send: (...sent: readonly OutgoingCommand[]) => void socket.write(sent.flatMap((command) => encodeCommand(command))),
  }
}

function echoCommand(opaque: number, changes: Partial<OutgoingCommand> = {}): OutgoingCommand {
  const extFields = Echo.header.encode(hello)
  const fixed = { code: Echo.code, language: 'GO', version: 317, flag: 0, remark: undefined, body: new Uint8Array(0) }
  return { ...fixed, opaque, extFields, serialization: 'json', ...changes }
}

test('server: each answer → in the serialization of its request, mixed on one connection', async () => {
  const started = await startServer(echo)
  const client = await connectRaw(started)
  client.send(echoCommand(1), echoCommand(2, { serialization: 'binary' }))
  await started.effects.settle()
  expect(client.commands).toMatchObject([
    { opaque: 1, serialization: 'json', flag: 1, language: 'JAVA', version: 479, code: 0 },
    { opaque: 2, serialization: 'binary', flag: 1, language: 'JAVA', version: 479, code: 0 },
  ])
})

test('server: a oneway request → no answer, also where the handler fails it', async () => {
  const started = await startServer((request) => request.respond({ code: 1, remark: 'no' }))
  const client = await connectRaw(started)
  client.send(echoCommand(1, { flag: 2 }), echoCommand(2))
  await started.effects.settle()
  expect(client.commands.map(({ opaque }) => opaque)).toEqual([2])
})

test('server: answers given within one readable event → one write', async () => {
  const started = await startServer(echo)
  const client = await connectRaw(started)
  client.send(...Array.from({ length: 50 }, (_, opaque) => echoCommand(opaque)))
  await started.effects.settle()
  expect(client.commands).toHaveLength(50)
  expect(started.writes()).toBe(1)
})

test('server: answers given later in one pass → one write', async () => {
  const held: ArrivedRequest[] = []
  const started = await startServer((request) => held.push(request))
  const client = await connectRaw(started)
  client.send(...Array.from({ length: 50 }, (_, opaque) => echoCommand(opaque)))
  await started.effects.settle()
  for (const request of held) echo(request)
  await started.effects.settle()
  expect(client.commands).toHaveLength(50)
  expect(started.writes()).toBe(1)
})

function badFrame(header: string): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 4 + header.length, 0, 0, 0, header.length]), Buffer.from(header)])
}

test.each([
  ['text', Buffer.from('hello, is this RocketMQ?')],
  ['a TLS hello', Buffer.from('1603010200010001fc0303', 'hex')],
  ['an oversized length', Buffer.from('7fffffff', 'hex')],
  ['a header that is no JSON', Buffer.from('000000080000000478787878', 'hex')],
  ['our own protocol, badly spoken', badFrame('{"code":1,"opaque":7,"extFields":["a"]}')],
])('server: %s → the connection is closed with a reason in the log, others stay', async (_case, bytes) => {
  const started = await startServer(echo)
  const client = await connectRaw(started)
  const other = await connectRaw(started)
  client.socket.write([bytes])
  await started.effects.settle()
  other.send(echoCommand(1))
  await started.effects.settle()
  expect(client.isClosed()).toBe(true)
  expect(client.commands).toHaveLength(0)
  expect(other.commands).toHaveLength(1)
  expect(started.events.filter(({ event }) => event === 'stream.refused')).toHaveLength(1)
})

test('server: a client of another protocol → is told in its own words, closed, and named in the log', async () => {
  const started = await startServer(echo)
  const socket = await started.effects.network.connect({ ...started.server.address, timeoutMs: 1000 })
  let heard = ''
  let isClosed = false
  socket.start({
    data: (chunk) => void (heard += Buffer.from(chunk).toString()),
    drain() {},
    close() {
      isClosed = true
    },
  })
  socket.write([Buffer.from('GET / HTTP/1.1\r\n\r\n')])
  await started.effects.settle()
  const sentence = 'this is the remoting port of a test: it answers no HTTP'
  expect(heard).toContain(sentence)
  expect(isClosed).toBe(true)
  expect(started.server.connectionCount).toBe(0)
  const refused = started.events.find(({ event }) => event === 'stream.refused')
  expect(refused).toMatchObject({ listener: 'test', reason: expect.stringContaining(sentence) })
})

test('server: a client of another protocol that never goes on → is cut off', async () => {
  const started = await startServer(echo)
  const socket = await started.effects.network.connect({ ...started.server.address, timeoutMs: 1000 })
  let isClosed = false
  socket.start({
    data() {},
    drain() {},
    close() {
      isClosed = true
    },
  })
  socket.write([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')])
  await started.effects.settle()
  expect(isClosed).toBe(false)
  await started.effects.advance(STRANGER_MS_MAX)
  expect(isClosed).toBe(true)
})

test('server: more connections than allowed → accepted and closed, the others stay', async () => {
  const started = await startServer(echo, { connectionsMax: 2 })
  const clients = [await connectRaw(started), await connectRaw(started), await connectRaw(started)]
  await started.effects.settle()
  expect(clients.filter((client) => client.isClosed())).toHaveLength(1)
  expect(started.server.connectionCount).toBe(2)
  expect(started.events.filter(({ event }) => event === 'connection.refused')).toHaveLength(1)
})

test('server: nothing moves for 120 s → both ends close; traffic keeps it open', async () => {
  const started = await startServer(echo)
  const client = await connectRaw(started)
  await started.effects.advance(119_000)
  client.send(echoCommand(1))
  await started.effects.advance(119_000)
  expect(client.isClosed()).toBe(false)
  await started.effects.advance(2_000)
  expect(client.isClosed()).toBe(true)
})

test('server: a peer that does not read → its requests are not read either, then answered in order', async () => {
  const started = await startServer(echo)
  const client = await connectRaw(started, { reads: false })
  const body = Buffer.alloc(64 * 1024)
  const requests = Array.from({ length: 64 }, (_, opaque) => echoCommand(opaque, { body }))
  for (const request of requests) {
    client.send(request)
    await started.effects.settle()
  }
  expect(client.socket.bufferedBytes).toBeGreaterThan(2 * 1024 * 1024)
  client.socket.resume()
  await started.effects.settle()
  expect(client.commands.map(({ opaque }) => opaque)).toEqual(requests.map(({ opaque }) => opaque))
})

test('server: answers above the write bound for a peer that does not read → closed', async () => {
  const started = await startServer(
    (request) => request.respond({ code: 1, remark: 'x', body: Buffer.alloc(1024 * 1024) }),
    { writeBufferBytesMax: 4 * 1024 * 1024 },
  )
  const client = await connectRaw(started, { reads: false })
  client.send(...Array.from({ length: 10 }, (_, opaque) => echoCommand(opaque)))
  await started.effects.settle()
  expect(started.server.connectionCount).toBe(0)
  expect(started.events.filter(({ event }) => event === 'peer.too-slow')).toHaveLength(1)
})

test('server: our own requests to a peer that does not read → busy before the bound', async () => {
  const started = await startServer(echo, { writeBufferBytesMax: 1024 * 1024 })
  let peer: Peer | undefined
  const server = createRemotingServer({
    ...started.effects,
    name: 'second',
    listen,
    handler: echo,
    limits: { writeBufferBytesMax: 1024 * 1024 },
    onConnection: (accepted) => {
      peer = accepted
    },
  })
  await server.start()
  await connectRaw({ ...started, server }, { reads: false })
  await started.effects.settle()
  const body = Buffer.alloc(300 * 1024)
  const asked = Array.from({ length: 4 }, async () =>
    peer?.request(Echo, hello, { timeoutMs: 100, body }).catch((error: Error) => error),
  )
  await started.effects.advance(100)
  expect((await Promise.all(asked)).map((error) => (error as Error & { code?: string }).code)).toEqual([
    'timeout',
    'timeout',
    'busy',
    'busy',
  ])
  expect(peer?.oneway(Echo, hello, body)).toBe(false)
})

test('server: stop → requests in flight are answered, new ones get GO_AWAY, then all is closed', async () => {
  const held: ArrivedRequest[] = []
  const started = await startServer((request) => held.push(request))
  const client = await connectRaw(started)
  client.send(echoCommand(1))
  await started.effects.settle()
  const stopped = started.server.stop()
  client.send(echoCommand(2, { version: 479 }), echoCommand(3, { version: 401 }))
  await started.effects.settle()
  expect(client.isClosed()).toBe(false)
  held.forEach(echo)
  await started.effects.settle()
  await stopped
  expect(client.commands.map(({ opaque, code }) => [opaque, code])).toEqual([
    [2, 1500],
    [3, 14],
    [1, 0],
  ])
  expect(client.isClosed()).toBe(true)
  await expect(started.connect()).rejects.toMatchObject({ code: 'unavailable' })
})

test('server: stop with a request that nobody answers → closed after the drain time', async () => {
  const started = await startServer(() => {}, { drainMs: 1000 })
  const client = await connectRaw(started)
  client.send(echoCommand(1))
  await started.effects.settle()
  const stopped = started.server.stop()
  await started.effects.advance(999)
  expect(client.isClosed()).toBe(false)
  await started.effects.advance(1)
  await stopped
  expect(client.isClosed()).toBe(true)
})

test('server: stop with a peer that does not read → aborted after another drain time', async () => {
  const started = await startServer(
    (request) => request.respond({ code: 1, remark: '', body: Buffer.alloc(1 << 20) }),
    { drainMs: 1000 },
  )
  const client = await connectRaw(started, { reads: false })
  client.send(echoCommand(1))
  await started.effects.settle()
  const stopped = started.server.stop()
  await started.effects.advance(1000)
  await stopped
  expect(started.server.connectionCount).toBe(0)
})

test('connectPeer: nobody listens → unavailable, naming the address', async () => {
  const effects = createManualEffects()
  await expect(connectPeer(effects.network, '127.0.0.1:1', effects)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('127.0.0.1:1'),
  })
})

test.each(['', 'host', 'host:', ':1', 'host:70000', 'host:1x', '::1:80', '[::1]', 'a b'])(
  'connectPeer: address %p → parameter-invalid',
  async (address) => {
    const effects = createManualEffects()
    await expect(connectPeer(effects.network, address, effects)).rejects.toMatchObject({ code: 'parameter-invalid' })
  },
)

/** Answers of the first requests are held by the test. */
async function connectHolding(count: number) {
  const held: ArrivedRequest[] = []
  const started = await startServer((arrived) => (held.length < count ? void held.push(arrived) : echo(arrived)))
  const peer = await started.connect()
  const ask = (timeoutMs: number) => peer.request(Echo, hello, { timeoutMs }).catch((error: unknown) => error)
  return { ...started, held, peer, ask }
}

test('connection: an answer is overdue while not a byte comes → silent; one comes → well', async () => {
  const { effects, held, peer, ask } = await connectHolding(1)
  const seen = [peer.liveness]
  const answer = ask(3000)
  for (const ms of [999, 1, 1999]) {
    await effects.advance(ms)
    seen.push(peer.liveness)
  }
  held[0]?.as(Echo).respond({ code: 0, header: hello })
  await answer
  seen.push(peer.liveness)
  await effects.advance(60_000)
  seen.push(peer.liveness)
  expect(seen).toEqual(['new', 'new', 'silent', 'silent', 'well', 'well'])
})

test('connection: an answer did not come in its time, nor a byte for a second → silent', async () => {
  const { effects, peer, ask } = await connectHolding(2)
  const answer = ask(3000)
  await effects.advance(3000)
  expect(await answer).toMatchObject({ code: 'timeout' })
  expect(peer.liveness).toBe('silent')
})

test('connection: a poll is held, and nothing else is asked → quiet until its answer is overdue', async () => {
  const { effects, peer, ask } = await connectHolding(1)
  void ask(23_000)
  await ask(3000)
  expect(peer.liveness).toBe('well')
  await effects.advance(20_999)
  expect(peer.liveness).toBe('quiet')
  await effects.advance(1)
  expect(peer.liveness).toBe('silent')
})

test('connection: one answer is overdue, others come → well', async () => {
  const { effects, peer, ask } = await connectHolding(1)
  const late = ask(3000)
  for (let count = 0; count < 3; count += 1) {
    await ask(3000)
    await effects.advance(999)
    expect(peer.liveness).toBe('well')
  }
  await ask(3000)
  await effects.advance(3)
  expect(await late).toMatchObject({ code: 'timeout' })
  expect(peer.liveness).toBe('well')
})

test('connectPeer: no handler → requests of the server are answered not supported', async () => {
  const effects = createManualEffects()
  const accepted: Peer[] = []
  const onConnection = (peer: Peer): void => void accepted.push(peer)
  const server = createRemotingServer({ ...effects, name: 'test', listen, handler: echo, onConnection })
  await server.start()
  await connectPeer(effects.network, formatAddress(server.address), effects)
  await effects.settle()
  const answer = accepted[0]?.request(Echo, hello, { timeoutMs: 100 })
  await effects.settle()
  expect(await answer).toMatchObject({ code: 3, remark: expect.stringContaining('7001') })
})
