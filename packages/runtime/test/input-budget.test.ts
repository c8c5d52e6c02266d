import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createInputBudget, INPUT_FREE_BYTES, type InputAccount, type InputConnection } from '../src/index.ts'

const KIB = 1024
/** From here on large ones wait, which is half of the bound. */
const WAIT_BYTES = 1024 * KIB
const REQUEST_BYTES_MAX = 256 * KIB
const PATIENCE_MS = 5_000
/** It looks again not more often than this. */
const LOOK_MS = 50

/** Time that a test moves; tasks run when their moment comes. */
function createTime() {
  let nowMs = 0
  const tasks = new Map<object, { readonly atMs: number; readonly task: () => void }>()
  return {
    clock: { monotonicMs: () => nowMs },
    scheduler: {
      after(delayMs: number, task: () => void) {
        const key = {}
        tasks.set(key, { atMs: nowMs + delayMs, task })
        return { cancel: () => void tasks.delete(key) }
      },
    },
    advance(ms: number) {
      const endMs = nowMs + ms
      for (;;) {
        const [next] = [...tasks].filter(([, { atMs }]) => atMs <= endMs).sort(([, a], [, b]) => a.atMs - b.atMs)
        if (next === undefined) break
        const [key, { atMs, task }] = next
        nowMs = atMs
        tasks.delete(key)
        task()
      }
      nowMs = endMs
    },
    get pending() {
      return tasks.size
    },
  }
}

/** A client that sends one request after another, as far as it is read. */
class Client {
  readonly account: InputAccount
  held = 0
  paused = false
  dropped: string | undefined

  constructor(connection: InputConnection) {
    this.account = connection.open({
      pause: () => {
        expect(this.paused).toBe(false)
        this.paused = true
      },
      resume: () => {
        expect(this.paused).toBe(true)
        this.paused = false
      },
      drop: (reason) => {
        expect(this.dropped).toBe(undefined)
        this.dropped = reason
        this.held = 0
      },
    })
  }

  /** So many bytes more of its request, unless nobody reads them. */
  send(bytes: number): void {
    if (this.paused || this.dropped !== undefined) return
    this.held = Math.min(REQUEST_BYTES_MAX, this.held + bytes)
    this.account.hold(this.held)
  }

  /** The rest of its request. */
  finish(): void {
    if (this.paused || this.dropped !== undefined) return
    this.held = 0
    this.account.hold(0)
  }
}

function createWorld(waitBytes = WAIT_BYTES) {
  const time = createTime()
  const budget = createInputBudget({
    bytesMax: 2 * waitBytes,
    requestBytesMax: REQUEST_BYTES_MAX,
    patienceMs: PATIENCE_MS,
    clock: time.clock,
    scheduler: time.scheduler,
  })
  return { time, budget, client: () => new Client(budget.connection()) }
}

/** Clients that fill half of the budget with halves of requests: everybody who comes with more must wait. */
function fill(world: ReturnType<typeof createWorld>): Client[] {
  return Array.from({ length: WAIT_BYTES / (REQUEST_BYTES_MAX / 2) }, () => {
    const client = world.client()
    client.send(REQUEST_BYTES_MAX / 2)
    return client
  })
}

test('input budget: below the bound → nobody waits, nobody is given up, no timer runs', () => {
  const world = createWorld()
  const clients = fill(world)
  world.time.advance(PATIENCE_MS * 10)
  expect(clients.every(({ paused, dropped }) => !paused && dropped === undefined)).toBe(true)
  expect(world.time.pending).toBe(0)
  for (const client of clients) client.finish()
  expect(world.budget.heldBytes).toBe(0)
})

test('input budget: a large request at the bound → it waits, and goes on when another is whole', () => {
  const world = createWorld()
  const clients = fill(world)
  const late = world.client()
  late.send(64 * KIB)
  expect(late.paused).toBe(true)
  clients[3]?.finish()
  expect(late.paused).toBe(false)
  expect(world.budget.waiting).toBe(0)
})

test('input budget: small requests at the bound → they pass', () => {
  const world = createWorld()
  fill(world)
  const small = world.client()
  small.send(INPUT_FREE_BYTES)
  expect(small.paused).toBe(false)
  small.finish()
  expect(world.budget.heldBytes).toBe(WAIT_BYTES)
})

test('input budget: the free bytes are those of a connection, not of each of its streams', () => {
  const world = createWorld()
  fill(world)
  const connection = world.budget.connection()
  const streams = Array.from({ length: 3 }, () => new Client(connection))
  for (const stream of streams) stream.send(INPUT_FREE_BYTES / 2)
  expect(streams.map(({ paused }) => paused)).toEqual([false, false, true])
})

test('input budget: clients that never go on, while others wait → given up after the patience, until there is room', () => {
  const world = createWorld()
  const silent = fill(world)
  const late = world.client()
  late.send(64 * KIB)
  world.time.advance(PATIENCE_MS - 1)
  expect(silent.some(({ dropped }) => dropped !== undefined)).toBe(false)
  world.time.advance(LOOK_MS)
  expect(silent.map(({ dropped }) => dropped !== undefined).indexOf(false)).toBe(1)
  expect(silent[0]?.dropped).toMatch('131072 bytes of a request that is not whole: not within 5000 ms')
  expect(late.paused).toBe(false)
})

test('input budget: a stream that is never without a cut request, but each is whole in time → it is not given up', () => {
  const world = createWorld()
  const clients = fill(world)
  const late = world.client()
  late.send(64 * KIB)
  world.time.advance(PATIENCE_MS / 2)
  clients[0]?.account.hold(REQUEST_BYTES_MAX / 2, true)
  world.time.advance(PATIENCE_MS / 2 + LOOK_MS)
  expect(clients.map(({ dropped }) => dropped !== undefined).indexOf(true)).toBe(1)
  expect(clients[0]?.dropped).toBe(undefined)
})

test('input budget: a request that waits and becomes whole by what had been read before → its stream is read again', () => {
  const world = createWorld()
  fill(world)
  const late = world.client()
  late.send(64 * KIB)
  late.account.hold(0)
  expect(late.paused).toBe(false)
})

test('input budget: all wait but one that is silent → all but the last are given up as they get old, and it is read', () => {
  const world = createWorld(64 * KIB)
  const [first, second, third] = [world.client(), world.client(), world.client()]
  first.send(100 * KIB)
  second.send(100 * KIB)
  third.send(100 * KIB)
  expect([first.paused, second.paused, third.paused]).toEqual([false, true, true])
  first.send(100 * KIB)
  expect(first.paused).toBe(false)
  world.time.advance(PATIENCE_MS + LOOK_MS)
  expect([first.dropped, second.dropped]).toEqual([expect.anything(), expect.anything()])
  expect(third.dropped).toBe(undefined)
  expect(third.paused).toBe(false)
})

test('input budget: so many at once that waiting does not help → the one that is too much is given up at once', () => {
  const world = createWorld()
  const clients = Array.from({ length: 200 }, () => world.client())
  for (const client of clients) client.send(64 * KIB)
  expect(clients.filter(({ dropped }) => dropped !== undefined).length).toBeGreaterThan(0)
  expect(world.budget.heldBytes).toBeLessThanOrEqual(2 * WAIT_BYTES)
})

test('input budget: a stream that waits and is read by others all the same → it waits anew, and is given up at the bound', () => {
  const world = createWorld()
  fill(world)
  const late = world.client()
  late.send(64 * KIB)
  late.paused = false
  late.send(64 * KIB)
  expect([late.paused, late.dropped]).toEqual([true, undefined])
  const connection = world.budget.connection()
  const heedless = Array.from({ length: 20 }, () => new Client(connection))
  for (const stream of heedless) {
    for (let part = 0; part < 4; part += 1) {
      stream.paused = false
      stream.send(64 * KIB)
    }
  }
  expect(heedless.filter(({ dropped }) => dropped !== undefined).length).toBeGreaterThan(0)
  expect(world.budget.heldBytes).toBeLessThanOrEqual(2 * WAIT_BYTES)
})

test('input budget: a stream that waits is closed → the others go on, and the account takes nothing more', () => {
  const world = createWorld()
  const clients = fill(world)
  const late = world.client()
  late.send(64 * KIB)
  clients[0]?.account.close()
  late.account.close()
  late.account.close()
  late.account.hold(5)
  expect(world.budget.heldBytes).toBe(WAIT_BYTES - REQUEST_BYTES_MAX / 2)
  expect(world.time.pending).toBe(0)
})

const step = fc.record({
  client: fc.nat({ max: 11 }),
  act: fc.constantFrom('send', 'send', 'send', 'finish', 'close', 'advance'),
  bytes: fc.integer({ min: 1, max: 64 * KIB }),
})

test('input budget: any steps → what is held is bounded and counted, and who waits is read in the end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const world = createWorld(256 * KIB)
      const clients = Array.from({ length: 12 }, () => world.client())
      for (const { client: index, act, bytes } of steps) {
        const client = clients[index] as Client
        if (act === 'send') client.send(bytes)
        else if (act === 'finish') client.finish()
        else if (act === 'advance') world.time.advance(1_000)
        else {
          client.account.close()
          clients[index] = world.client()
        }
        const held = clients.reduce((sum, one) => sum + one.held, 0)
        expect(world.budget.heldBytes).toBe(held)
        expect(held).toBeLessThanOrEqual(512 * KIB + REQUEST_BYTES_MAX + 12 * INPUT_FREE_BYTES)
        expect(world.budget.waiting).toBe(
          clients.filter(({ paused, dropped }) => paused && dropped === undefined).length,
        )
        if (world.budget.waiting > 0) expect(world.time.pending).toBe(1)
      }
      // Nobody sends any more: after one patience, all are read again or given up.
      world.time.advance(PATIENCE_MS + 12 * LOOK_MS)
      expect(world.budget.waiting).toBe(0)
      expect(world.time.pending).toBe(0)
    }),
  )
})
