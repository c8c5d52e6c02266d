// Bounds over all connections of a listener, over a network in memory: who is over them waits, is refused or is closed.
import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import {
  type ArrivedRequest,
  createFrameDecoder,
  createRemotingServer,
  decodeCommand,
  encodeCommand,
  type OutgoingCommand,
  type RemotingCommand,
  type RemotingEvent,
  type RemotingLimits,
  type RequestHandler,
} from '../../src/index.ts'
import { Echo, echo } from '../support/example-requests.ts'

const KIB = 1024
const MIB = 1024 * KIB
const PATIENCE_MS = 5_000
const LIMITS = { unfinishedBytesMax: 8 * MIB, unfinishedPatienceMs: PATIENCE_MS }

async function startServer(handler: RequestHandler, limits: Partial<RemotingLimits>) {
  const effects = createManualEffects()
  const events: RemotingEvent[] = []
  const log = (event: RemotingEvent): void => void events.push(event)
  const server = createRemotingServer({
    ...effects,
    name: 'test',
    listen: { host: '127.0.0.1', port: 0 },
    handler,
    limits,
    logger: { debug: log, info: log, warn: log, error: log },
  })
  await server.start()

  async function connect(reads = true) {
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
    if (!reads) socket.pause()
    return { socket, commands, isClosed: () => closed }
  }
  return { effects, events, connect }
}

function request(opaque: number, bodyBytes: number, word = 'hello'): Buffer {
  const command: OutgoingCommand = {
    code: Echo.code,
    language: 'GO',
    version: 317,
    flag: 0,
    remark: undefined,
    opaque,
    extFields: Echo.header.encode({ word, times: 1 }),
    serialization: 'json',
    body: Buffer.alloc(bodyBytes),
  }
  return Buffer.concat(encodeCommand(command))
}

type Client = Awaited<ReturnType<Awaited<ReturnType<typeof startServer>>['connect']>>

/** Connections with the first half of a request of 2 MiB each. */
async function halves(started: Awaited<ReturnType<typeof startServer>>, count: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let at = 0; at < count; at += 1) {
    const client = await started.connect()
    client.socket.write([request(1, 2 * MIB).subarray(0, MIB + 1)])
    await started.effects.settle()
    clients.push(client)
  }
  return clients
}

test('unfinished requests: above the bound → read later, and whole in the end when all go on', async () => {
  const started = await startServer(echo, LIMITS)
  const clients = await halves(started, 10)
  const rest = request(1, 2 * MIB).subarray(MIB + 1)
  for (const client of clients) client.socket.write([rest])
  await started.effects.settle()
  expect(clients.map(({ commands }) => commands.length)).toEqual(clients.map(() => 1))
  expect(started.events.filter(({ event }) => event === 'request.given-up')).toEqual([])
})

test('unfinished requests: those that never go on, while others wait → closed, and the others are answered', async () => {
  const started = await startServer(echo, LIMITS)
  const silent = await halves(started, 6)
  const late = await started.connect()
  late.socket.write([request(7, MIB)])
  await started.effects.settle()
  expect(late.commands).toEqual([])
  await started.effects.advance(PATIENCE_MS * 3)
  expect(late.commands.map(({ opaque }) => opaque)).toEqual([7])
  expect(silent.some((client) => client.isClosed())).toBe(true)
  expect(started.events.filter(({ event }) => event === 'request.given-up').length).toBeGreaterThan(0)
})

test('unfinished requests: small ones, whatever others hold → answered at once, also where they come in pieces', async () => {
  const started = await startServer(echo, LIMITS)
  await halves(started, 6)
  const small = await started.connect()
  const bytes = request(3, 8 * KIB)
  small.socket.write([bytes.subarray(0, 5000)])
  await started.effects.settle()
  small.socket.write([bytes.subarray(5000)])
  await started.effects.settle()
  expect(small.commands.map(({ opaque }) => opaque)).toEqual([3])
})

test('unfinished requests: nobody waits → a request may take as long as it likes', async () => {
  const started = await startServer(echo, LIMITS)
  const [client] = (await halves(started, 1)) as [Client]
  await started.effects.advance(PATIENCE_MS * 10)
  client.socket.write([request(1, 2 * MIB).subarray(MIB + 1)])
  await started.effects.settle()
  expect(client.commands).toHaveLength(1)
})

test('requests in work: their bodies above the bound of all connections → SYSTEM_BUSY, until one is answered', async () => {
  const held: ArrivedRequest[] = []
  const started = await startServer((arrived) => held.push(arrived), { requestBytesMax: 3 * MIB })
  const clients = [await started.connect(), await started.connect(), await started.connect()]
  for (const client of clients) client.socket.write([request(1, 2 * MIB)])
  await started.effects.settle()
  expect(held).toHaveLength(1)
  expect(clients.flatMap(({ commands }) => commands).map(({ code, remark }) => [code, remark])).toEqual([
    [2, '[OVERLOAD] too large requests of all connections wait for an answer; try again later'],
    [2, '[OVERLOAD] too large requests of all connections wait for an answer; try again later'],
  ])
  held.forEach(echo)
  clients[1]?.socket.write([request(2, 2 * MIB)])
  await started.effects.settle()
  expect(held).toHaveLength(2)
})

test('requests in work: headers above the bound of all connections → SYSTEM_BUSY', async () => {
  const held: ArrivedRequest[] = []
  const started = await startServer((arrived) => held.push(arrived), { requestBytesMax: 300 * KIB })
  const client = await started.connect()
  for (let opaque = 1; opaque <= 4; opaque += 1) client.socket.write([request(opaque, 0, 'x'.repeat(100 * KIB))])
  await started.effects.settle()
  expect(held).toHaveLength(2)
  expect(client.commands.map(({ opaque, code }) => [opaque, code])).toEqual([
    [3, 2],
    [4, 2],
  ])
  held.forEach(echo)
  client.socket.write([request(5, 0, 'x'.repeat(100 * KIB))])
  await started.effects.settle()
  expect(held).toHaveLength(3)
})

test('requests in work: a client that goes without its answer → holds nothing any more', async () => {
  const held: ArrivedRequest[] = []
  const started = await startServer((arrived) => held.push(arrived), { requestBytesMax: 3 * MIB })
  const gone = await started.connect()
  gone.socket.write([request(1, 2 * MIB)])
  await started.effects.settle()
  gone.socket.destroy()
  await started.effects.settle()
  const next = await started.connect()
  next.socket.write([request(1, 2 * MIB)])
  await started.effects.settle()
  held.forEach(echo)
  next.socket.write([request(2, 2 * MIB), request(3, MIB - KIB)])
  await started.effects.settle()
  expect(held).toHaveLength(4)
})

test('answers: more than the bound that slow readers do not take → the slowest is closed, the others are not', async () => {
  const answer: RequestHandler = (arrived) =>
    arrived.respond({ code: 1, remark: 'x', body: Buffer.alloc(arrived.body.length * KIB) })
  const started = await startServer(answer, { unsentBytesMax: 8 * MIB })
  const slow = [await started.connect(false), await started.connect(false), await started.connect(false)]
  for (const [index, client] of slow.entries()) {
    client.socket.write([request(1, (index + 2) * KIB)])
    await started.effects.settle()
  }
  expect(started.events.filter(({ event }) => event === 'peer.too-slow')).toHaveLength(1)
  for (const client of slow) client.socket.resume()
  await started.effects.settle()
  expect(slow.map((client) => client.isClosed())).toEqual([false, false, true])
  expect(slow.slice(0, 2).map(({ commands }) => commands.length)).toEqual([1, 1])
})
