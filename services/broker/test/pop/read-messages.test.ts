import { expect, test } from '@jest/globals'
import { commitLogOffset, MqError, queueOffset } from '@rocketmq-ts/model'
import type { QueueState } from '../../src/inflight/inflight.ts'
import { type ReadDeps, readMessages } from '../../src/pop/read-messages.ts'
import type { Taken, TakenMessage } from '../../src/pop/take-messages.ts'

const RECORD_BYTES = 100
/** Of a record with IPv4 hosts. */
const RECONSUME_TIMES_AT = 72
const POP_TIME = 7

function queueOf(queueId: number): QueueState {
  return { topic: 'T', group: 'G', queueId } as unknown as QueueState
}

function message(queue: QueueState, offset: number, attempt = 1, isResident = true): TakenMessage {
  const unit = {
    queueOffset: queueOffset(offset),
    commitLogOffset: commitLogOffset(offset * RECORD_BYTES),
    size: RECORD_BYTES,
    tagsCode: 0,
  }
  return { queue, queueOffset: offset, attempt, unit: isResident ? unit : undefined }
}

/** Every record is filled with its offset. `how` says of each whether it comes at once, later, or not at all. */
function setUp(how: (offset: number) => 'hot' | 'cold' | 'damaged' | 'damaged later' | 'no unit' | 'fails later') {
  const unreadable: string[] = []
  const groups = new Set<string | undefined>()
  const deps: ReadDeps = {
    reader: {
      bounds: () => ({ min: queueOffset(0), max: queueOffset(100) }),
      queues: () => [],
      readUnit: () => new Uint8Array(),
      scan(_queue, from, accept) {
        if (how(from) !== 'no unit') accept(message(queueOf(0), from).unit!)
        return { kind: 'scanned', next: queueOffset(from + 1) }
      },
      readUnitInto(_queue, { commitLogOffset: at, size }, { into, start, group }) {
        groups.add(group)
        const offset = at / RECORD_BYTES
        const kind = how(offset)
        const damaged = new MqError('damaged', `record ${offset}`)
        if (kind === 'damaged') throw damaged
        if (kind === 'fails later') return Promise.reject(new Error(`can not read record ${offset}`))
        if (kind === 'damaged later') return Promise.reject(damaged)
        if (kind === 'hot') return void into.fill(offset, start, start + size)
        return new Promise((resolve) => setImmediate(() => resolve(void into.fill(offset, start, start + size))))
      },
    },
    inOrder: false,
    onUnreadable: ({ queueOffset: offset }, popTime, { message: why }) =>
      void unreadable.push(`${offset} ${popTime} ${why}`),
  }
  return { deps, unreadable, groups }
}

function takenOf(...queues: Taken['queues']): Taken {
  return { popTime: POP_TIME, queues, started: false, load: undefined, more: false, full: undefined }
}

/** The first byte of each record of the body. */
function recordsOf(body: Uint8Array): number[] {
  return Array.from({ length: body.length / RECORD_BYTES }, (_, index) => body[index * RECORD_BYTES] ?? -1)
}

test('read messages: hot and cold ones of two queues → one body in the order that they were taken', async () => {
  const { deps, unreadable, groups } = setUp((offset) => (offset % 2 === 0 ? 'hot' : 'cold'))
  const [a, b] = [queueOf(0), queueOf(1)]
  const taken = takenOf(
    { queue: a, messages: [message(a, 3), message(a, 4)] },
    { queue: b, messages: [message(b, 5), message(b, 8, 1, false)] },
  )
  const { body, count, offsets } = await readMessages(deps, taken)
  expect(recordsOf(body)).toEqual([3, 4, 5, 8])
  expect(count).toBe(4)
  expect(offsets).toEqual([
    { queue: a, readable: [3, 4] },
    { queue: b, readable: [5, 8] },
  ])
  expect(unreadable).toEqual([])
  expect([...groups]).toEqual(['G'])
})

test('read messages: some can not be read, at once, later, or without a unit → told one by one, no hole in the body', async () => {
  const kinds = ['damaged', 'hot', 'damaged later', 'cold', 'no unit', 'hot'] as const
  const { deps, unreadable } = setUp((offset) => kinds[offset] ?? 'hot')
  const queue = queueOf(0)
  const messages = kinds.map((kind, offset) => message(queue, offset, 1, kind !== 'no unit'))
  const { body, count, offsets } = await readMessages(deps, takenOf({ queue, messages }))
  expect(recordsOf(body)).toEqual([1, 3, 5])
  expect(body.every((byte, at) => byte === [1, 3, 5][Math.floor(at / RECORD_BYTES)])).toBe(true)
  expect(count).toBe(3)
  expect(offsets).toEqual([{ queue, readable: [1, 3, 5] }])
  expect(unreadable.toSorted()).toEqual([
    `0 ${POP_TIME} record 0`,
    `2 ${POP_TIME} record 2`,
    `4 ${POP_TIME} queue offset 4 has no readable record`,
  ])
})

test('read messages: delivered before, behind one that can not be read → its delivery count is in its own bytes', async () => {
  const { deps } = setUp((offset) => (offset === 1 ? 'damaged' : 'hot'))
  const queue = queueOf(0)
  const { body } = await readMessages(deps, takenOf({ queue, messages: [message(queue, 1), message(queue, 0, 3)] }))
  expect(body).toHaveLength(RECORD_BYTES)
  expect(body[RECONSUME_TIMES_AT + 3]).toBe(2)
})

test.each([
  { inOrder: false, readable: [0, 2, 4] },
  { inOrder: true, readable: [0, 2] },
])('read messages: a read fails, in order $inOrder → the rest of its queue is held back in order only', async (row) => {
  const kinds = ['hot', 'damaged', 'cold', 'fails later', 'hot', 'fails later'] as const
  const { deps, unreadable } = setUp((offset) => kinds[offset] ?? 'hot')
  const [queue, other] = [queueOf(0), queueOf(1)]
  const messages = kinds.map((_, offset) => message(queue, offset))
  const taken = takenOf({ queue, messages }, { queue: other, messages: [message(other, 6)] })
  const { body, count, offsets } = await readMessages({ ...deps, inOrder: row.inOrder }, taken)
  expect(offsets).toEqual([
    { queue, readable: row.readable },
    { queue: other, readable: [6] },
  ])
  expect(recordsOf(body)).toEqual([...row.readable, 6])
  expect(count).toBe(row.readable.length + 1)
  expect(unreadable.map((line) => Number(line[0])).toSorted()).toEqual([1, 3, 5])
})

test('read messages: in order, the unit of one can not be looked up for now → the rest of its queue is held back', async () => {
  const { deps, unreadable } = setUp(() => 'hot')
  const queue = queueOf(0)
  const scan = () => ({ kind: 'cold', load: () => Promise.reject(new Error('can not read units')) }) as const
  const messages = [message(queue, 0), message(queue, 1, 1, false), message(queue, 2)]
  const reader = { ...deps.reader, scan }
  const { offsets } = await readMessages({ ...deps, reader, inOrder: true }, takenOf({ queue, messages }))
  expect(offsets).toEqual([{ queue, readable: [0] }])
  expect(unreadable).toEqual([`1 ${POP_TIME} can not read units`])
})

test('read messages: none of a queue can be read → the queue is not named', async () => {
  const { deps } = setUp(() => 'damaged')
  const queue = queueOf(0)
  const read = await readMessages(deps, takenOf({ queue, messages: [message(queue, 0)] }))
  expect(read).toMatchObject({ count: 0, offsets: [] })
  expect(read.body).toHaveLength(0)
})
