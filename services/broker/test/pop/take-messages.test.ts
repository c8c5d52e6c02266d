// What one pop may look at and take, over queues whose units are partly not in memory.
import { expect, test } from '@jest/globals'
import { parseTagExpression } from '@rocketmq-ts/filter'
import { commitLogOffset, queueOffset, topicConfig } from '@rocketmq-ts/model'
import type { QueueReader, Unit, UnitReader } from '@rocketmq-ts/store'
import { createInflight } from '../../src/inflight/inflight.ts'
import { POP_BYTES_MAX, POP_UNITS_SCANNED_MAX } from '../../src/limits.ts'
import { createMovedDeliveries } from '../../src/pop/moved-deliveries.ts'
import { type PopRequest, takeMessages } from '../../src/pop/take-messages.ts'

const NOW = 1_000_000
/** No removal is under way. */
const fence = { stops: () => false, met() {} }
const moved = { awaitsCopies: () => false }
const MiB = 1024 * 1024

interface FakeQueue {
  readonly units: readonly Omit<Unit, 'queueOffset' | 'commitLogOffset'>[]
  cold?: boolean
}

/** Queues in memory that count the units visited. */
function readerOf(queues: readonly FakeQueue[]) {
  const seen = { visited: 0, loads: 0 }
  const reader: QueueReader & UnitReader = {
    bounds: (_topic, queueId) => ({ min: queueOffset(0), max: queueOffset(queues[queueId]?.units.length ?? 0) }),
    scan({ queueId }, from, accept, { unitsMax }) {
      const queue = queues[queueId]!
      if (queue.cold === true) {
        return {
          kind: 'cold',
          load: async () => {
            seen.loads += 1
            queue.cold = false
          },
        }
      }
      let offset: number = from
      for (const unit of queue.units.slice(from, from + unitsMax)) {
        seen.visited += 1
        const place = { queueOffset: queueOffset(offset), commitLogOffset: commitLogOffset(offset * 100) }
        if (accept({ ...unit, ...place }) === 'stop') break
        offset += 1
      }
      return { kind: 'scanned', next: queueOffset(offset) }
    },
    queues: () => [],
    readUnit: () => new Uint8Array(),
    readUnitInto: () => undefined,
  }
  return { reader, seen }
}

const request = (queues: number, changes: Partial<PopRequest> = {}): PopRequest => ({
  topic: {
    config: topicConfig('T', { readQueueNums: queues, writeQueueNums: queues }),
    incarnation: 0,
    isBuiltIn: false,
  },
  group: 'G',
  queueId: -1,
  max: 32,
  invisibleMs: 60_000,
  filter: parseTagExpression('*'),
  verdicts: new Map(),
  startAt: 'min',
  retries: [],
  retriesFirst: false,
  attemptId: undefined,
  byMessageGroup: undefined,
  ...changes,
})

const many = (count: number, size = 100, tagsCode = 1) => Array.from({ length: count }, () => ({ size, tagsCode }))
const bytesOf = (taken: ReturnType<typeof takeMessages>) =>
  taken.queues.flatMap(({ messages }) => messages).reduce((sum, { unit }) => sum + (unit?.size ?? 0), 0)

test('take: a filter that nothing matches in many queues → looks at a bounded number of units in all, and says so', () => {
  const { reader, seen } = readerOf(Array.from({ length: 16 }, () => ({ units: many(1000) })))
  const inflight = createInflight({ maxAttempts: () => 17 })
  const filter = parseTagExpression('rare')
  const taken = takeMessages({ inflight, reader, fence, moved }, request(16, { filter }), NOW, 0)
  expect(taken).toMatchObject({ queues: [], more: true })
  expect(seen.visited).toBeLessThanOrEqual(POP_UNITS_SCANNED_MAX)
  let unfinished = 1
  while (takeMessages({ inflight, reader, fence, moved }, request(16, { filter }), NOW, unfinished).more)
    unfinished += 1
  expect(unfinished).toBe(3)
  expect([...inflight.all()].every(({ cursor }) => cursor === 1000)).toBe(true)
})

test('take: large messages that were released → the answer stays below the bound and one message', () => {
  const { reader } = readerOf([{ units: many(32, 4 * MiB) }])
  const inflight = createInflight({ maxAttempts: () => 17 })
  for (let round = 0; round < 12; round += 1)
    takeMessages({ inflight, reader, fence, moved }, request(1), NOW + round, 0)
  expect(inflight.queue('T', 'G', 0)?.inFlight).toBeGreaterThan(20)
  inflight.expire(NOW + 100_000, 100)
  const taken = takeMessages({ inflight, reader, fence, moved }, request(1), NOW + 100_000, 0)
  expect(bytesOf(taken)).toBeGreaterThanOrEqual(POP_BYTES_MAX)
  expect(bytesOf(taken)).toBeLessThan(POP_BYTES_MAX + 4 * MiB)
})

test('take: a released message whose unit is not in memory → loaded first, then delivered, with its size counted', async () => {
  const queue: FakeQueue = { units: many(3, 4 * MiB) }
  const { reader, seen } = readerOf([queue])
  const inflight = createInflight({ maxAttempts: () => 17 })
  takeMessages({ inflight, reader, fence, moved }, request(1), NOW, 0)
  inflight.expire(NOW + 100_000, 100)
  queue.cold = true
  const first = takeMessages({ inflight, reader, fence, moved }, request(1), NOW + 100_000, 0)
  expect(first.queues).toStrictEqual([])
  await first.load?.()
  expect(seen.loads).toBe(1)
  const second = takeMessages({ inflight, reader, fence, moved }, request(1), NOW + 100_000, 0)
  expect(bytesOf(second)).toBe(8 * MiB)
})

test('take: one queue is not in memory, another is → takes from that one, and asks to load the first all the same', () => {
  const { reader } = readerOf([{ units: many(5), cold: true }, { units: many(5) }])
  const inflight = createInflight({ maxAttempts: () => 17 })
  const taken = takeMessages({ inflight, reader, fence, moved }, request(2), NOW, 0)
  expect(taken.queues.map(({ queue }) => queue.queueId)).toStrictEqual([1])
  expect(taken.load).toBeDefined()
})

test('take: the bound of messages in flight is reached → takes none, names the bound; released ones are still taken', () => {
  const { reader } = readerOf([{ units: many(100) }])
  const limits = { entriesPerQueue: 2, entriesPerBroker: 100, splitReserve: 10 }
  const inflight = createInflight({ limits, maxAttempts: () => 17 })
  const one = request(1, { max: 1 })
  expect(takeMessages({ inflight, reader, fence, moved }, one, NOW, 0).full).toBeUndefined()
  takeMessages({ inflight, reader, fence, moved }, one, NOW, 0)
  expect(takeMessages({ inflight, reader, fence, moved }, one, NOW, 0)).toMatchObject({
    queues: [],
    full: 'queue-entries',
  })
  inflight.expire(NOW + 100_000, 1)
  expect(takeMessages({ inflight, reader, fence, moved }, one, NOW + 100_000, 0)).toMatchObject({
    queues: [{ messages: [{ queueOffset: 0 }] }],
    full: undefined,
  })
})

test('take: retention is about to take records → those are not given, neither new nor released; both queues say so', () => {
  const { reader } = readerOf([{ units: many(3) }, { units: many(3) }])
  const inflight = createInflight({ maxAttempts: () => 17 })
  takeMessages({ inflight, reader, fence, moved }, request(1, { max: 2 }), NOW, 0)
  inflight.expire(NOW + 60_000, 10)
  const met: number[] = []
  const stops = (_queue: unknown, unit: Unit) => unit.commitLogOffset < 300
  const raised = { stops, met: ({ queueId }: { queueId: number }) => void met.push(queueId) }
  expect(takeMessages({ inflight, reader, fence: raised, moved }, request(2), NOW + 60_000, 0).queues).toStrictEqual([])
  expect(new Set(met)).toStrictEqual(new Set([0, 1]))
  const taken = takeMessages({ inflight, reader, fence, moved }, request(2), NOW + 60_001, 0)
  expect(taken.queues.map(({ messages }) => messages.length)).toStrictEqual([3, 3])
})

test('take: in order, the first message can not be given again yet → none behind it is given', () => {
  const { reader } = readerOf([{ units: many(3) }])
  const inflight = createInflight({ maxAttempts: () => 17 })
  const inOrder = (attemptId: string) => request(1, { max: 1, attemptId })
  takeMessages({ inflight, reader, fence, moved }, inOrder('a'), NOW, 0)
  inflight.expire(NOW + 100_000, 100)
  const held = { stops: (_queue: unknown, unit: Unit) => unit.queueOffset === queueOffset(0), met() {} }
  const whileHeld = takeMessages({ inflight, reader, fence: held, moved }, inOrder('b'), NOW + 100_000, 0)
  expect(whileHeld.queues).toStrictEqual([])
  const afterwards = takeMessages({ inflight, reader, fence, moved }, inOrder('c'), NOW + 100_000, 0)
  expect(afterwards.queues).toMatchObject([{ messages: [{ queueOffset: 0, attempt: 2 }] }])
})

test('take: in order, retention has made a copy that nobody can read yet → nothing behind it is given before', () => {
  const visible: Record<string, number> = { T: 2, R: 0 }
  const { reader: units } = readerOf([{ units: many(2) }])
  const reader: typeof units = {
    ...units,
    bounds: (topic) => ({ min: queueOffset(0), max: queueOffset(visible[topic]!) }),
    scan: (queue, from, accept) => units.scan(queue, from, accept, { unitsMax: visible[queue.topic]! - from }),
  }
  const inflight = createInflight({ maxAttempts: () => 17 })
  const copies = createMovedDeliveries({ inflight, store: reader })
  const retry = { config: topicConfig('R', { readQueueNums: 1, writeQueueNums: 1 }), incarnation: 0, isBuiltIn: false }
  const inOrder = request(1, { retries: [retry], attemptId: '' })
  const take = () =>
    takeMessages({ inflight, reader, fence, moved: copies }, inOrder, NOW, 0).queues.map(({ queue }) => queue.topic)
  copies.claim({ topic: 'R', incarnation: 0, group: 'G', queueId: 0, offset: 0, popTime: 0, deadlineMs: undefined })
  expect(take()).toStrictEqual([])
  visible['R'] = 1
  expect(take()).toStrictEqual(['R'])
  expect(take()).toStrictEqual([])
  inflight.ack(inflight.queue('R', 'G', 0)!, 0, NOW)
  expect(take()).toStrictEqual(['T'])
})
