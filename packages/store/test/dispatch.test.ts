import { expect, test } from '@jest/globals'
import { commitLogOffset, queueOffset } from '@rocketmq-ts/model'
import { ChunkCache } from '../src/consume-queue/chunk-cache.ts'
import { ConsumeQueue } from '../src/consume-queue/consume-queue.ts'
import { createDispatcher } from '../src/dispatch.ts'

const RECORD_BYTES = 100

function setUp() {
  const queue = new ConsumeQueue({ topic: 'orders', queueId: 0 }, 0, 0, new ChunkCache(1024 * 1024 * 1024))
  const batches: number[] = []
  let units = 0
  const dispatcher = createDispatcher(
    () => (units += 1),
    () => {
      batches.push(units)
      units = 0
    },
  )
  const seen: number[] = []
  let appended = 0
  dispatcher.onVisible((record) => seen.push(record.queueOffset))

  function append(count: number, into: ConsumeQueue | 'none' = queue): void {
    for (let at = 0; at < count; at += 1, appended += 1) {
      const record = {
        topic: 'orders',
        queueId: 0,
        queueOffset: queueOffset(appended),
        commitLogOffset: commitLogOffset(appended * RECORD_BYTES),
        size: RECORD_BYTES,
        tagsCode: 0,
        storeTimestampMs: 0,
      }
      dispatcher.appended(record, into === 'none' ? undefined : into)
    }
  }

  return { queue, dispatcher, seen, batches, append }
}

test('dispatch: more records are under way than ever before, in the middle of others → all are told of, once and in order', () => {
  const { queue, dispatcher, seen, append } = setUp()
  let confirmed = 0
  let count = 0
  // The end runs ahead of the confirmed one by more and more, through every size that a list grows to, and back.
  for (const [more, lag] of [
    [700, 300],
    [2000, 1500],
    [5000, 4000],
    [70_000, 66_000],
    [100, 0],
    [3000, 1],
    [1024, 1024],
    [1, 0],
  ] as const) {
    append(more)
    count += more
    dispatcher.written(count * RECORD_BYTES)
    expect(queue.max).toBe(count)
    confirmed = count - lag
    dispatcher.confirmed(confirmed * RECORD_BYTES)
    expect(seen).toHaveLength(confirmed)
    expect(queue.visible).toBe(confirmed)
  }
  expect(seen.every((offset, at) => offset === at)).toBe(true)
})

test('dispatch: the end that consumers may see runs ahead of what is written → nobody is told of a record without a unit', () => {
  const { queue, dispatcher, seen, append } = setUp()
  append(2)
  dispatcher.written(RECORD_BYTES)
  dispatcher.confirmed(2 * RECORD_BYTES)
  expect([seen, queue.max, queue.visible]).toEqual([[0], 1, 1])
  dispatcher.written(2 * RECORD_BYTES)
  dispatcher.confirmed(2 * RECORD_BYTES)
  expect([seen, queue.max, queue.visible]).toEqual([[0, 1], 2, 2])
})

test('dispatch: a record without a queue, and those of one that ended → they pass, and what is behind them comes', () => {
  const { queue, dispatcher, seen, batches, append } = setUp()
  const ended = new ConsumeQueue({ topic: 'gone', queueId: 0 }, 0, 0, new ChunkCache(1024))
  append(1, 'none')
  append(1, ended)
  append(1)
  ended.end()
  dispatcher.written(3 * RECORD_BYTES)
  expect([batches, ended.max, queue.max]).toEqual([[1], 0, 1])
  append(1)
  dispatcher.written(4 * RECORD_BYTES)
  queue.end()
  dispatcher.confirmed(4 * RECORD_BYTES)
  expect([seen, queue.visible]).toEqual([[], 0])
})

test('dispatch: a record ends behind what was written or confirmed → it waits', () => {
  const { queue, dispatcher, seen, append } = setUp()
  append(2)
  dispatcher.written(2 * RECORD_BYTES - 1)
  expect(queue.max).toBe(1)
  dispatcher.written(2 * RECORD_BYTES)
  dispatcher.confirmed(RECORD_BYTES - 1)
  expect(seen).toEqual([])
  dispatcher.confirmed(RECORD_BYTES)
  expect(seen).toEqual([0])
})

test('dispatch: a batch is written → it is told of once, when all of its units are there; without units not at all', () => {
  const { queue, dispatcher, batches, append } = setUp()
  append(5)
  dispatcher.written(3 * RECORD_BYTES)
  expect([batches, queue.max]).toEqual([[3], 3])
  dispatcher.written(3 * RECORD_BYTES)
  dispatcher.written(5 * RECORD_BYTES)
  expect([batches, queue.max]).toEqual([[3, 2], 5])
})
