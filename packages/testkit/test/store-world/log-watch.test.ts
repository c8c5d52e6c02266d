import { expect, test } from '@jest/globals'
import { LogWatch } from '../../src/store-world/log-watch.ts'

const FIRST = '/store/commitlog/00000000000000000000'
const SECOND = '/store/commitlog/00000000000000001000'
const bytes = (position: number, length: number) => ({ position, length, isZero: false })

function watched(): LogWatch {
  const log = new LogWatch('/store/commitlog')
  log.after('write', FIRST, bytes(0, 100))
  return log
}

test('log watch: written, not synced → nothing is safe', () => {
  expect([watched().written, watched().flushed]).toEqual([100, 0])
})

test('log watch: written while a sync runs → only what was there before is safe', () => {
  const log = watched()
  const sync = bytes(0, 0)
  log.before('sync', FIRST, sync)
  log.after('write', FIRST, bytes(100, 50))
  log.after('sync', FIRST, sync)
  expect([log.written, log.flushed]).toEqual([150, 100])
})

test('log watch: two syncs at once → each makes safe what was there when it began, once all older ones have ended', () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const log = watched()
    const syncs = [bytes(0, 0), bytes(0, 0)]
    log.before('sync', FIRST, syncs[0])
    log.after('write', FIRST, bytes(100, 50))
    log.before('sync', FIRST, syncs[1])
    log.after('write', FIRST, bytes(150, 50))
    const flushed = order.map((index) => {
      log.after('sync', FIRST, syncs[index])
      return log.flushed
    })
    expect(flushed).toEqual(order[0] === 0 ? [100, 150] : [0, 150])
  }
})

test('log watch: a sync failed, one that began beside it ends well → nothing more is safe until a start has looked', () => {
  const log = watched()
  log.before('sync', FIRST, bytes(0, 0))
  log.after('write', FIRST, bytes(100, 50))
  const second = bytes(0, 0)
  log.before('sync', FIRST, second)
  log.after('sync', FIRST, second)
  expect([log.written, log.flushed]).toEqual([150, 0])
  log.endAt(100)
  expect(log.flushed).toBe(100)
})

test('log watch: a sync failed that had nothing to make safe → the next one counts', () => {
  const log = new LogWatch('/store/commitlog')
  log.before('sync', FIRST, bytes(0, 0))
  log.after('write', FIRST, bytes(0, 100))
  const second = bytes(0, 0)
  log.before('sync', FIRST, second)
  log.after('sync', FIRST, second)
  expect(log.flushed).toBe(100)
})

test('log watch: the second segment synced before the first → nothing behind the first is safe', () => {
  const log = watched()
  log.after('write', SECOND, bytes(0, 10))
  const sync = bytes(0, 0)
  log.before('sync', SECOND, sync)
  log.after('sync', SECOND, sync)
  expect([log.written, log.flushed]).toEqual([1010, 0])
})

test('log watch: zeros in front of the log → are not written log', () => {
  const log = watched()
  log.after('write', FIRST, { position: 512, length: 400, isZero: true })
  expect(log.written).toBe(100)
})

test('log watch: an empty next segment synced → the log is not longer for it', () => {
  const log = watched()
  const sync = bytes(0, 0)
  log.before('sync', SECOND, sync)
  log.after('sync', SECOND, sync)
  expect(log.flushed).toBe(0)
})

test('log watch: a start cuts the log and puts back what it has cut → the log is not longer for it, until its end is known', () => {
  const log = watched()
  log.starts()
  log.after('truncate', FIRST, { position: 100, length: 0, isZero: true })
  log.after('write', FIRST, bytes(100, 50))
  expect(log.written).toBe(100)
  log.after('write', FIRST, bytes(60, 60))
  expect(log.written).toBe(120)
  log.endAt(100)
  log.after('write', FIRST, bytes(100, 50))
  expect(log.written).toBe(150)
})

test('log watch: files are cut while it runs → what is written behind is log', () => {
  const log = watched()
  log.starts()
  log.endAt(100)
  log.after('truncate', FIRST, { position: 100, length: 0, isZero: true })
  log.after('write', FIRST, bytes(100, 50))
  expect(log.written).toBe(150)
})
