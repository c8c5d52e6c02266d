import { expect, test } from '@jest/globals'
import type { Effects, Socket } from '@rocketmq-ts/runtime'
import { createWorld } from '../../src/sim/index.ts'

test('crash: timers, tasks and promises of the process → never come', async () => {
  const world = createWorld({ seed: 1 })
  const machine = world.machine('host')
  const events: string[] = []
  const process = machine.start('victim', async ({ scheduler, files }) => {
    scheduler.after(10, () => events.push('timer'))
    const tick = (): void => scheduler.soon(tick)
    tick()
    await files.makeFolder('/data')
    const file = await files.open('/data/log', 'create')
    events.push('open')
    machine.disk.fail({ on: 'sync', delayMs: 20 })
    void file.sync().then(() => events.push('synced'))
  })
  await world.run(5)
  process.crash()
  expect(process).toMatchObject({ alive: false, state: 'ended' })
  await world.run(100)
  expect(events).toEqual(['open'])
  process.crash()
  expect(world.counters.crashes).toEqual(new Map([['victim', 1]]))
})

test('crash: what the dead process still calls → has no effect', async () => {
  const world = createWorld({ seed: 1 })
  const machine = world.machine('host')
  const process = machine.start('victim', async ({ files }) => {
    await files.makeFolder('/data')
    const file = await files.open('/data/log', 'create')
    file.writeSync(0, [Buffer.from('before')])
    return file
  })
  await world.run(() => process.state === 'running')
  const file = process.handle
  process.crash()
  file.writeSync(0, [Buffer.from('after!')])
  let settled = false
  void file.sync().then(() => {
    settled = true
  })
  process.effects.scheduler.soon(() => {
    settled = true
  })
  await world.run(100)
  expect(settled).toBe(false)
  expect(Buffer.from((await readFrom(world, '/data/log')) ?? []).toString()).toBe('before')
})

async function readFrom(world: ReturnType<typeof createWorld>, path: string): Promise<Uint8Array | undefined> {
  const reader = world.machine('host').start('reader', ({ files }) => files.readWhole(path, 1000))
  await world.run(() => reader.state === 'running')
  return reader.handle
}

test('crash: what the kernel was asked for → is done before the process is gone, or never', async () => {
  let done = 0
  for (let seed = 0; seed < 40; seed += 1) {
    const world = createWorld({ seed })
    const machine = world.machine('host')
    const process = machine.start('victim', async ({ files }) => {
      await files.makeFolder('/data')
      await (await files.open('/data/a', 'create')).close()
      void files.rename('/data/a', '/data/b')
    })
    await world.run(() => process.state === 'running')
    process.crash()
    const atOnce = machine.disk.list('/data')
    await world.run(1000)
    expect(machine.disk.list('/data')).toEqual(atOnce)
    if (atOnce[0]?.name === 'b') done += 1
  }
  expect(done).toBeGreaterThan(5)
  expect(done).toBeLessThan(35)
})

test('lock: held by another process → locked; crashed, killed without power, or released → free', async () => {
  for (const end of ['crash', 'power', 'exit'] as const) {
    const world = createWorld({ seed: 1 })
    const machine = world.machine('host')
    const lock = (name: string, mayFail: boolean): ReturnType<typeof machine.start> =>
      machine.start(
        name,
        async ({ files }) => {
          await files.makeFolder('/data', { durable: true })
          return files.lockFolder('/data', name)
        },
        { mayFail },
      )
    const first = lock('first', false)
    await world.run(() => first.state === 'running')
    const second = lock('second', true)
    await world.run(() => second.state === 'failed')
    expect(second.failure).toMatchObject({ code: 'locked', message: expect.stringContaining('first') })
    if (end === 'exit') first.exit()
    else first.crash({ powerLoss: end === 'power' })
    const third = lock('third', false)
    await world.run(() => third.state === 'running')
  }
})

interface Heard {
  readonly chunks: Uint8Array[]
  readonly closes: (Error | undefined)[]
}

function hear(socket: Socket): Heard {
  const heard: Heard = { chunks: [], closes: [] }
  socket.start({
    data: (chunk) => void heard.chunks.push(chunk),
    drain() {},
    close: (error) => void heard.closes.push(error),
  })
  return heard
}

function serve(accepted: Heard[]): (effects: Effects) => Promise<void> {
  return async ({ network }) => {
    await network.listen({ host: '0.0.0.0', port: 9000, accept: (socket) => void accepted.push(hear(socket)) })
  }
}

async function dial({ network }: Effects): Promise<{ readonly socket: Socket; readonly heard: Heard }> {
  const socket = await network.connect({ host: 'server', port: 9000, timeoutMs: 2000 })
  return { socket, heard: hear(socket) }
}

test('crash: connections → reset at the peers, and new attempts are refused', async () => {
  const world = createWorld({ seed: 1 })
  const server = world.machine('server').start('server', serve([]))
  await world.run(10)
  const client = world.machine('client').start('client', dial)
  await world.run(() => client.state === 'running')
  server.crash()
  await world.run(20)
  expect(client.handle.heard.closes).toEqual([expect.objectContaining({ code: 'reset' })])
  const again = world.machine('client').start('again', dial, { mayFail: true })
  await world.run(() => again.state === 'failed')
  expect(again.failure).toMatchObject({ code: 'refused' })
})

test('power loss: peers notice late', async () => {
  const world = createWorld({ seed: 1 })
  const server = world.machine('server').start('server', serve([]))
  await world.run(10)
  const client = world.machine('client').start('client', dial)
  await world.run(() => client.state === 'running')
  server.crash({ powerLoss: true })
  client.handle.socket.write([Buffer.from('are you there?')])
  await world.run(900)
  expect(client.handle.heard.closes).toEqual([])
  await world.run(15_000)
  expect(client.handle.heard.closes).toHaveLength(1)
})

test('partition: bytes wait until it heals, attempts time out, and the others are not touched', async () => {
  const world = createWorld({ seed: 3, latencies: { cutLink: [1e6, 1e6] } })
  const accepted: Heard[] = []
  world.machine('server').start('server', serve(accepted))
  await world.run(10)
  const client = world.machine('client').start('client', dial)
  const other = world.machine('other').start('other', dial)
  await world.run(() => client.state === 'running' && other.state === 'running')
  world.network.partition('client', 'server')
  client.handle.socket.write([Buffer.from('cut')])
  other.handle.socket.write([Buffer.from('free')])
  const late = world.machine('client').start('late', dial, { mayFail: true })
  await world.run(() => late.state === 'failed')
  expect(late.failure).toMatchObject({ code: 'timeout' })
  const texts = (): string[] => accepted.map(({ chunks }) => Buffer.concat(chunks).toString()).sort()
  expect(texts()).toEqual(['', 'free'])
  world.network.heal('client', 'server')
  await world.run(2000)
  expect(texts()).toEqual(['cut', 'free'])
  expect(world.counters.partitions).toBe(1)
  expect(world.counters.droppedFrames).toBeGreaterThan(0)
})

test('partition: one way → the other way goes on', async () => {
  const world = createWorld({ seed: 3, latencies: { cutLink: [1e6, 1e6] } })
  const accepted: Heard[] = []
  world.machine('server').start('server', serve(accepted))
  await world.run(10)
  const client = world.machine('client').start('client', dial)
  await world.run(() => client.state === 'running')
  world.network.partition('server', 'client', { oneWay: true })
  client.handle.socket.write([Buffer.from('hello')])
  await world.run(100)
  expect(Buffer.concat(accepted[0]?.chunks ?? []).toString()).toBe('hello')
})

test('partition: that lasts → some connections give up; a crash behind it is learned of when it heals', async () => {
  let gaveUp = 0
  for (let seed = 0; seed < 20; seed += 1) {
    const world = createWorld({ seed })
    const server = world.machine('server').start('server', serve([]))
    await world.run(10)
    const client = world.machine('client').start('client', dial)
    await world.run(() => client.state === 'running')
    world.network.partition('client', 'server')
    server.crash()
    await world.run(120_000)
    const { closes } = client.handle.heard
    if (closes.length > 0) gaveUp += 1
    world.network.heal()
    await world.run(5000)
    expect(closes).toEqual([expect.objectContaining({ code: 'reset' })])
  }
  expect(gaveUp).toBeGreaterThan(3)
  expect(gaveUp).toBeLessThan(18)
})

test('dropConnections: both ends are told of a reset, and a new one can be made', async () => {
  const world = createWorld({ seed: 1 })
  const accepted: Heard[] = []
  world.machine('server').start('server', serve(accepted))
  await world.run(10)
  const client = world.machine('client').start('client', dial)
  await world.run(() => client.state === 'running' && accepted.length === 1)
  expect(world.network.dropConnections('client', 'server')).toBe(2)
  await world.run(1)
  expect(client.handle.heard.closes).toHaveLength(1)
  expect(accepted[0]?.closes).toHaveLength(1)
  const again = world.machine('client').start('client', dial)
  await world.run(() => again.state === 'running')
})

test('connect: an unknown host → unreachable; a listener on loopback → not seen from elsewhere', async () => {
  const world = createWorld({ seed: 1 })
  const machine = world.machine('server')
  machine.start('server', async ({ network }) => {
    await network.listen({ host: '127.0.0.1', port: 9000, accept: (socket) => void hear(socket) })
  })
  await world.run(10)
  const unknown = machine.start(
    'unknown',
    ({ network }) => network.connect({ host: 'nowhere', port: 1, timeoutMs: 100 }),
    { mayFail: true },
  )
  const outside = world.machine('client').start('outside', dial, { mayFail: true })
  const inside = machine.start('inside', ({ network }) =>
    network.connect({ host: 'localhost', port: 9000, timeoutMs: 100 }),
  )
  await world.run(() => unknown.state === 'failed' && outside.state === 'failed' && inside.state === 'running')
  expect(unknown.failure).toMatchObject({ code: 'unreachable' })
  expect(outside.failure).toMatchObject({ code: 'refused' })
})

test('network: faults by chance → streams stay in order and complete, or end with a reset', async () => {
  const totals = { complete: 0, reset: 0, splits: 0 }
  for (let seed = 0; seed < 30; seed += 1) {
    const world = createWorld({
      seed,
      faults: { splitChunk: 0.7, stallConnection: 0.05, resetConnection: 0.05 },
    })
    const accepted: Heard[] = []
    world.machine('server').start('server', serve(accepted))
    await world.run(10)
    const sent = Buffer.alloc(200_000)
    for (let at = 0; at < sent.length; at += 4) sent.writeUInt32BE(at, at)
    world.machine('client').start('client', async (effects) => {
      const { socket } = await dial(effects)
      for (let at = 0; at < sent.length; at += 10_000) socket.write([sent.subarray(at, at + 10_000)])
      socket.end()
    })
    await world.run(() => accepted.some(({ closes }) => closes.length > 0))
    const got = Buffer.concat(accepted[0]?.chunks ?? [])
    expect(got.equals(sent.subarray(0, got.length))).toBe(true)
    if (accepted[0]?.closes[0] === undefined) {
      expect(got.length).toBe(sent.length)
      totals.complete += 1
    } else totals.reset += 1
    totals.splits += world.counters.splits
  }
  expect(totals.complete).toBeGreaterThan(3)
  expect(totals.reset).toBeGreaterThan(3)
  expect(totals.splits).toBeGreaterThan(30)
})
