import { expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Effects } from '@rocketmq-ts/runtime'
import { createWorld, Prng, type World } from '../../src/sim/index.ts'

/** A busy mixture of timers, files and connections; everything by chance, and crashes between. */
async function echoServer({ network, files, scheduler }: Effects): Promise<void> {
  await files.makeFolder('/data', { durable: true })
  const log = await files.open('/data/log', 'create')
  let end = await log.size()
  await network.listen({
    host: '0.0.0.0',
    port: 9000,
    accept: (socket) => {
      socket.start({
        data(chunk) {
          log.writeSync(end, [chunk])
          end += chunk.length
          scheduler.soon(() => {
            void log.sync().then(() => socket.write([chunk]))
          })
        },
        drain() {},
        close() {},
      })
    },
  })
}

function client({ network, scheduler, random }: Effects, heard: { bytes: number }): void {
  const connect = (): void => {
    network.connect({ host: 'server', port: 9000, timeoutMs: 500 }).then(
      (socket) => {
        const send = (): void => {
          if (socket.write([random.bytes(1 + random.integer(2000))])) scheduler.after(random.integer(20), send)
        }
        socket.start({
          data(chunk) {
            heard.bytes += chunk.length
          },
          drain() {},
          close() {
            scheduler.after(random.integer(100), connect)
          },
        })
        send()
      },
      () => scheduler.after(random.integer(100), connect),
    )
  }
  connect()
}

interface Outcome {
  readonly hash: string
  readonly events: number
  readonly bytes: number
  readonly counters: unknown
}

async function runBusyWorld(seed: number): Promise<Outcome> {
  const heard = { bytes: 0 }
  const world = createWorld({
    seed,
    faults: { splitChunk: 0.3, stallConnection: 0.01, resetConnection: 0.002, slowSync: 0.02, lateTimer: 0.05 },
  })
  const server = world.machine('server')
  let running = server.start('server', echoServer)
  for (const name of ['one', 'two', 'three']) world.machine(name).start('client', (effects) => client(effects, heard))
  for (let round = 0; round < 6; round += 1) {
    await world.run(world.random.integer(800))
    if (world.random.chance(0.5)) world.network.partition('server', 'one', { oneWay: world.random.chance(0.5) })
    else world.network.heal()
    running.crash({ powerLoss: world.random.chance(0.5) })
    running = server.start('server', echoServer)
  }
  await world.run(500)
  return { hash: world.traceHash, events: world.eventCount, bytes: heard.bytes, counters: world.counters }
}

test('world: the same seed → exactly the same run', async () => {
  for (const seed of [1, 2, 3]) {
    const first = await runBusyWorld(seed)
    expect(first.events).toBeGreaterThan(500)
    expect(first.bytes).toBeGreaterThan(0)
    expect(await runBusyWorld(seed)).toEqual(first)
  }
})

test('world: another seed → another run', async () => {
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 8; seed += 1) hashes.add((await runBusyWorld(seed)).hash)
  expect(hashes.size).toBe(8)
})

test('world: two runs at the same time → each as if alone', async () => {
  const alone = await runBusyWorld(11)
  const [first, second] = await Promise.all([runBusyWorld(11), runBusyWorld(12)])
  expect(first).toEqual(alone)
  expect(second?.hash).not.toBe(alone.hash)
})

async function orderOfTimers(seed: number): Promise<string> {
  const world = createWorld({ seed })
  const order: string[] = []
  const process = world.machine('host').start('p', ({ scheduler }) => {
    for (const name of ['a', 'b', 'c', 'd']) scheduler.after(10, () => order.push(name))
  })
  await world.run(20)
  expect(process.state).toBe('running')
  return order.join('')
}

test('world: what is due at the same time → in an order that the seed decides', async () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 40; seed += 1) orders.add(await orderOfTimers(seed))
  expect(orders.size).toBeGreaterThan(10)
  expect(await orderOfTimers(5)).toBe(await orderOfTimers(5))
})

test('world: tasks handed to soon → in their order within a process', async () => {
  const world = createWorld({ seed: 9 })
  const order: number[] = []
  world.machine('host').start('p', ({ scheduler }) => {
    for (let index = 0; index < 50; index += 1) scheduler.soon(() => order.push(index))
  })
  await world.run(5)
  expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index))
})

function failing(world: World, main: (effects: Effects) => void): Promise<void> {
  world.machine('host').start('p', main)
  return world.run(() => false, { eventsMax: 1000, forMsMax: 10_000 })
}

test('run: nothing can happen any more → fails with the seed and the command that replays', async () => {
  const world = createWorld({ seed: 42, replay: 'npm test -- --seed 42' })
  await expect(failing(world, () => {})).rejects.toThrow(
    /nothing can happen any more[^]*seed 42[^]*p on host running[^]*replay: npm test -- --seed 42/u,
  )
})

test('run: events without end → fails at the limit', async () => {
  const spin = ({ scheduler }: Effects): void => scheduler.soon(() => spin({ scheduler } as Effects))
  await expect(failing(createWorld({ seed: 1 }), spin)).rejects.toThrow('too many events')
})

test('run: a condition that time alone does not bring → fails at the limit of time', async () => {
  const wait = ({ scheduler }: Effects): void => void scheduler.after(3000, () => wait({ scheduler } as Effects))
  await expect(failing(createWorld({ seed: 1 }), wait)).rejects.toThrow('did not come in time')
})

test('run: code of a process throws or fails to start → fails and keeps the cause', async () => {
  const broken = new Error('broken')
  const throwing = failing(createWorld({ seed: 1 }), ({ scheduler }) => {
    scheduler.after(5, () => {
      throw broken
    })
  })
  await expect(throwing).rejects.toMatchObject({ message: expect.stringContaining('code of p threw'), cause: broken })
  const starting = failing(createWorld({ seed: 1 }), () => {
    throw broken
  })
  await expect(starting).rejects.toMatchObject({ message: expect.stringContaining('failed to start'), cause: broken })
})

test('run: code of a process rejects and nobody handles it → fails and names the command that replays', () => {
  const world = fileURLToPath(new URL('../../src/sim/world.ts', import.meta.url))
  const code = `
    const { createWorld } = await import(${JSON.stringify(world)})
    const world = createWorld({ seed: 8, replay: 'npm test -- --seed 8' })
    world.machine('host').start('p', ({ scheduler }) => {
      scheduler.after(5, () => void Promise.reject(new Error('broken')))
    })
    await world.run(100).catch((error) => console.log(error.message))`
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  expect(status).toBe(0)
  expect(stdout).toMatch(/^code of a process failed: broken\n[^]*replay: npm test -- --seed 8\n$/u)
})

test('start: a failure that the test expects → state and reason', async () => {
  const world = createWorld({ seed: 1 })
  const main = (): Promise<never> => Promise.reject(new Error('port in use'))
  const process = world.machine('host').start('p', main, { mayFail: true })
  await world.run(() => process.state === 'failed')
  expect(process.failure).toMatchObject({ message: 'port in use' })
  expect(process.alive).toBe(false)
})

test('clock: a jump → moves the wall clock of that machine, never the monotonic one', async () => {
  const world = createWorld({ seed: 1, latencies: { clockSkew: [0, 0] }, wallStartMs: 1_000_000 })
  const machine = world.machine('host')
  const { effects } = machine.start('p', () => {})
  await world.run(500)
  machine.jumpClock(-3_600_000)
  expect(effects.clock.nowMs()).toBe(1_000_500 - 3_600_000)
  expect(effects.clock.monotonicMs()).toBe(500)
  expect(world.machine('other').nowMs).toBe(1_000_500)
  expect(world.counters.clockJumps).toBe(1)
})

test('random: integers cover their bound evenly, also beyond 2^32', () => {
  const random = new Prng(7)
  const counts = [0, 0, 0, 0, 0]
  for (let draw = 0; draw < 10_000; draw += 1) {
    const value = random.integer(5)
    counts[value] = (counts[value] ?? 0) + 1
  }
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200)
  for (let draw = 0; draw < 1000; draw += 1) {
    const value = random.integer(Number.MAX_SAFE_INTEGER)
    expect(Number.isSafeInteger(value) && value >= 0).toBe(true)
  }
})
