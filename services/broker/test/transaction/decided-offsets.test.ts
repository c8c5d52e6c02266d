// When decided offsets are written, and what becomes of them where they can not be.
import { expect, test } from '@jest/globals'
import { MqError } from '@rocketmq-ts/model'
import type { NewRecord } from '@rocketmq-ts/store'
import { createDecidedOffsets } from '../../src/transaction/decided-offsets.ts'

/** A writer whose time is over when the test says so. */
function setUp() {
  const timers: (() => void)[] = []
  const written: string[] = []
  const broker = { isBusy: false, isFull: false }
  const decided = createDecidedOffsets({
    store: {
      append(record: NewRecord) {
        if (broker.isFull) throw new MqError('disk-full', 'no space is left')
        written.push(Buffer.from(record.body).toString())
        return {} as never
      },
    },
    turns: {
      enter(job) {
        if (!broker.isBusy) job()
        return !broker.isBusy
      },
    },
    scheduler: {
      soon: () => undefined,
      after(_delayMs, callback) {
        timers.push(callback)
        return { cancel: () => undefined }
      },
    },
    clock: { nowMs: () => 1, monotonicMs: () => 1 },
    storeHost: () => ({ host: '127.0.0.1', port: 1 }),
    ensureTopic: () => undefined as never,
    lowMark: () => 0,
  })
  const timeIsOver = () => timers.shift()!()
  return { decided, broker, timers, timeIsOver, written }
}

test('decided offsets: the broker has no time for them → written with the next one, after its time', () => {
  const { decided, broker, timers, timeIsOver, written } = setUp()
  decided.note(1)
  broker.isBusy = true
  timeIsOver()
  broker.isBusy = false
  decided.note(2)
  expect(timers).toHaveLength(1)
  timeIsOver()
  expect(written).toEqual(['1,2,'])
})

test('decided offsets: the log refuses them → they are given up, and later ones are written', () => {
  const { decided, broker, timeIsOver, written } = setUp()
  broker.isFull = true
  decided.note(1)
  timeIsOver()
  broker.isFull = false
  decided.note(2)
  timeIsOver()
  expect(written).toEqual(['2,'])
})

test('decided offsets: many in a short time → written before it is over', () => {
  const { decided, written } = setUp()
  for (let offset = 0; offset < 2048; offset += 1) decided.note(offset)
  expect(written.map((text) => text.split(',').length - 1)).toEqual([2048])
})
