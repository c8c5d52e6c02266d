import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createGroupCommit } from '../../src/commit-log/group-commit.ts'

/** A group commit whose syncs end when the test says so. Two may run at once up to `overlapEnd`. */
function createGroup({ overlapEnd = 0 } = {}) {
  const effects = createManualEffects()
  const syncs: { from: number; to: number; end: (error?: Error) => void }[] = []
  const flushed: number[] = []
  const group = createGroupCommit({
    scheduler: effects.scheduler,
    flushed: 0,
    intervalMs: 500,
    unflushedBytesSoft: 10_000,
    sync: (from, to) =>
      new Promise((resolve, reject) => {
        syncs.push({ from, to, end: (error) => (error === undefined ? resolve() : reject(error)) })
      }),
    mayOverlap: (from, to) => from < to && to <= overlapEnd,
    onFlushed: (end) => flushed.push(end),
  })
  return { effects, group, syncs, flushed }
}

/** Tells whether a promise is settled after everything due has run. */
async function isSettled(promise: Promise<unknown>, effects: { settle(): Promise<void> }): Promise<boolean> {
  let settled = false
  promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  await effects.settle()
  return settled
}

test('group commit: waiters of one position → one sync, one promise', async () => {
  const { effects, group, syncs } = createGroup()
  group.written(100)
  const [first, second] = [group.whenFlushed(100), group.whenFlushed(50)]
  expect(first).not.toBe(group.whenFlushed(0))
  expect(syncs).toHaveLength(1)
  expect(await isSettled(first, effects)).toBe(false)
  syncs[0]!.end()
  await Promise.all([first, second])
  expect([syncs.length, group.syncs, group.flushed]).toEqual([1, 1, 100])
})

test('group commit: a sync is running → it serves what was written before it, the rest shares the next one', async () => {
  const { effects, group, syncs } = createGroup()
  group.written(100)
  const before = group.whenFlushed(100)
  group.written(150)
  const after = [group.whenFlushed(150), group.whenFlushed(120)]
  group.written(200)
  const last = group.whenFlushed(200)
  expect(new Set([...after, last]).size).toBe(1)
  syncs[0]!.end()
  await before
  expect(group.flushed).toBe(100)
  expect(await isSettled(last, effects)).toBe(false)
  expect(syncs.map(({ from, to }) => [from, to])).toEqual([
    [0, 100],
    [100, 200],
  ])
  syncs[1]!.end()
  await Promise.all([...after, last])
})

test('group commit: somebody asks for exactly what the running sync covers → it waits for no other', async () => {
  const { group, syncs } = createGroup()
  group.written(100)
  const first = group.whenFlushed(100)
  const second = group.whenFlushed(100)
  syncs[0]!.end()
  await Promise.all([first, second])
  expect(group.syncs).toBe(1)
})

test('group commit: many writers while the disk is slow → two syncs for all of them', async () => {
  const { group, syncs } = createGroup()
  const waiting: Promise<void>[] = []
  for (let end = 1; end <= 100; end += 1) {
    group.written(end)
    waiting.push(group.whenFlushed(end))
  }
  syncs[0]!.end()
  await waiting[0]
  syncs[1]!.end()
  await Promise.all(waiting)
  expect(group.syncs).toBe(2)
})

test('group commit: a position that is not written yet → its sync starts when it is', async () => {
  const { effects, group, syncs } = createGroup()
  const done = group.whenFlushed(10)
  expect(syncs).toHaveLength(0)
  group.written(5)
  expect(syncs).toHaveLength(0)
  group.written(10)
  expect(syncs.map(({ to }) => to)).toEqual([10])
  syncs[0]!.end()
  await done
  expect(await isSettled(group.whenFlushed(3), effects)).toBe(true)
})

test('group commit: nobody waits → a sync by the interval after the first write, none while nothing is dirty', async () => {
  const { effects, group, syncs, flushed } = createGroup()
  group.written(10)
  await effects.advance(300)
  group.written(20)
  await effects.advance(199)
  expect(syncs).toHaveLength(0)
  await effects.advance(1)
  expect(syncs.map(({ to }) => to)).toEqual([20])
  syncs[0]!.end()
  await effects.advance(5000)
  expect([syncs.length, flushed]).toEqual([1, [20]])
})

test('group commit: written while a background sync runs → the next one comes by itself', async () => {
  const { effects, group, syncs } = createGroup()
  group.written(10)
  await effects.advance(500)
  group.written(20)
  syncs[0]!.end()
  await effects.advance(500)
  expect(syncs.map(({ to }) => to)).toEqual([10, 20])
})

test('group commit: the sync fails → present and later waiters get its error, and it is never repeated', async () => {
  const { effects, group, syncs } = createGroup()
  group.written(10)
  const current = group.whenFlushed(10)
  group.written(20)
  const next = group.whenFlushed(20)
  const error = new Error('the disk is gone')
  syncs[0]!.end(error)
  await expect(current).rejects.toBe(error)
  await expect(next).rejects.toBe(error)
  group.written(30)
  await expect(group.whenFlushed(30)).rejects.toBe(error)
  await effects.advance(10_000)
  expect([syncs.length, group.flushed]).toEqual([1, 0])
})

test('group commit: refused from outside while a sync runs → its success changes nothing', async () => {
  const { effects, group, syncs, flushed } = createGroup()
  group.written(10)
  const done = group.whenFlushed(10)
  group.fail(new Error('a write failed'))
  await expect(done).rejects.toThrow('a write failed')
  syncs[0]!.end()
  await effects.settle()
  expect([group.flushed, flushed]).toEqual([0, []])
})

test('group commit: stopped → no background sync', async () => {
  const { effects, group, syncs } = createGroup()
  group.written(10)
  group.stop()
  group.written(20)
  await effects.advance(1000)
  expect(syncs).toHaveLength(0)
})

test('group commit: many bytes that nobody waits for → synced at once, fewer with the interval', async () => {
  const { effects, group, syncs } = createGroup()
  group.written(9_999)
  expect(syncs).toHaveLength(0)
  group.written(10_000)
  expect(syncs).toHaveLength(1)
  syncs[0]!.end()
  await effects.settle()
  group.written(10_001)
  expect(syncs).toHaveLength(1)
  await effects.advance(500)
  expect(syncs).toHaveLength(2)
})

test('group commit: written while a sync runs → a second one at once for what the first does not cover, no third', async () => {
  const { effects, group, syncs, flushed } = createGroup({ overlapEnd: 1000 })
  group.written(100)
  const first = group.whenFlushed(100)
  group.written(200)
  const second = [group.whenFlushed(200), group.whenFlushed(101)]
  expect(new Set(second).size).toBe(1)
  group.written(300)
  const third = group.whenFlushed(300)
  const ranges = () => syncs.map(({ from, to }) => [from, to])
  expect(ranges()).toEqual([
    [0, 100],
    [100, 200],
  ])
  syncs[0]!.end()
  await first
  expect([flushed, ranges()[2]]).toEqual([[100], [200, 300]])
  expect(await isSettled(second[0]!, effects)).toBe(false)
  syncs[1]!.end()
  await Promise.all(second)
  syncs[2]!.end()
  await third
  expect([flushed, group.syncs]).toEqual([[100, 200, 300], 3])
})

test('group commit: the second of two syncs ends first → nothing of it counts before the first has ended', async () => {
  const { effects, group, syncs, flushed } = createGroup({ overlapEnd: 1000 })
  group.written(100)
  const first = group.whenFlushed(100)
  group.written(200)
  const second = group.whenFlushed(200)
  syncs[1]!.end()
  expect(await isSettled(Promise.race([first, second]), effects)).toBe(false)
  group.written(300)
  const third = group.whenFlushed(300)
  expect([group.flushed, flushed, syncs.length]).toEqual([0, [], 2])
  syncs[0]!.end()
  await Promise.all([first, second])
  expect([flushed, syncs.length]).toEqual([[100, 200], 3])
  expect(await isSettled(third, effects)).toBe(false)
})

for (const [failing, other] of [
  [0, 1],
  [1, 0],
] as const) {
  test(`group commit: of two syncs number ${failing} fails → all who wait are refused, whatever the other one says`, async () => {
    const { effects, group, syncs, flushed } = createGroup({ overlapEnd: 1000 })
    group.written(100)
    const first = group.whenFlushed(100)
    group.written(200)
    const second = group.whenFlushed(200)
    group.written(300)
    const third = group.whenFlushed(300)
    const error = new Error('the disk is gone')
    syncs[failing]!.end(error)
    for (const waiting of [first, second, third]) await expect(waiting).rejects.toBe(error)
    syncs[other]!.end()
    await effects.advance(10_000)
    expect([group.flushed, flushed, syncs.length]).toEqual([0, [], 2])
  })
}

test('group commit: the first of two syncs fails after the second has ended → neither counts', async () => {
  const { effects, group, syncs, flushed } = createGroup({ overlapEnd: 1000 })
  group.written(100)
  const first = group.whenFlushed(100)
  group.written(200)
  const second = group.whenFlushed(200)
  syncs[1]!.end()
  await effects.settle()
  const error = new Error('the disk is gone')
  syncs[0]!.end(error)
  await expect(first).rejects.toBe(error)
  await expect(second).rejects.toBe(error)
  expect([group.flushed, flushed]).toEqual([0, []])
})

test('group commit: in another file than the sync that runs → its own begins when that has ended', async () => {
  const { group, syncs } = createGroup({ overlapEnd: 150 })
  group.written(100)
  const first = group.whenFlushed(100)
  group.written(200)
  const second = group.whenFlushed(200)
  expect(syncs).toHaveLength(1)
  syncs[0]!.end()
  await first
  expect(syncs.map(({ to }) => to)).toEqual([100, 200])
  syncs[1]!.end()
  await second
})

test('group commit: nobody waits for what is written while a sync runs → no second one, the interval has it', async () => {
  const { effects, group, syncs } = createGroup({ overlapEnd: 100_000 })
  group.written(100)
  const first = group.whenFlushed(100)
  group.written(50_000)
  await effects.advance(1000)
  expect(syncs).toHaveLength(1)
  syncs[0]!.end()
  await first
  await effects.advance(500)
  expect(syncs).toHaveLength(2)
})
