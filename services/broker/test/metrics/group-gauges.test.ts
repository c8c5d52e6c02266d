import { expect, test } from '@jest/globals'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import { commitLogOffset, queueOffset } from '@rocketmq-ts/model'
import { createInflight } from '../../src/inflight/inflight.ts'
import { registerGroupGauges } from '../../src/metrics/group-gauges.ts'
import { AGE_READS_MAX, createMessageAges } from '../../src/metrics/message-ages.ts'

const WRITTEN = 10
const LAG = 'rocketmq_consumer_lag_messages'
const AGE = 'rocketmq_consumer_lag_latency_milliseconds'

/** Queues of ten messages each; message n was stored at n seconds. Counts what is read. */
function world(groups: number) {
  const inflight = createInflight({ maxAttempts: () => 17 })
  const state = { nowMs: 60_000, reads: 0, readable: true }
  for (let index = 0; index < groups; index += 1) {
    inflight.start({ topic: `T${index}`, incarnation: 1, group: 'G', queueId: 0 }, 0)
  }
  const reader = {
    bounds: () => ({ min: queueOffset(0), max: queueOffset(WRITTEN) }),
    scan(_queue: unknown, from: number, accept: (unit: never) => unknown) {
      accept({ queueOffset: from, commitLogOffset: commitLogOffset(from), size: 100, tagsCode: 0 } as never)
      return { kind: 'scanned' as const, next: queueOffset(from + 1) }
    },
    storedMs(at: number) {
      state.reads += 1
      if (!state.readable) throw new Error('the disk does not answer')
      return at * 1000
    },
  }
  const registry = createMetricsRegistry()
  registerGroupGauges(registry, { inflight, reader, ages: createMessageAges(reader), nowMs: () => state.nowMs })
  async function scrape(name: string): Promise<Map<string, number>> {
    state.reads = 0
    const lines = (await registry.expose()).split('\n').filter((line) => line.startsWith(`${name}{`))
    return new Map(lines.map((line) => [/topic="(\w+)"/.exec(line)?.[1] ?? '', Number(line.split(' ').at(-1))]))
  }
  return { inflight, state, scrape }
}

test('ages: the same message is the oldest at the next scrape → older, and nothing is read again', async () => {
  const { state, scrape } = world(3)
  expect([...(await scrape(AGE)).values()]).toEqual([60_000, 60_000, 60_000])
  expect(state.reads).toBe(3)
  state.nowMs += 5_000
  expect([...(await scrape(AGE)).values()]).toEqual([65_000, 65_000, 65_000])
  expect(state.reads).toBe(0)
})

test('ages: more queues than one scrape reads → the others at the next one, and none is shown with a wrong age', async () => {
  const groups = AGE_READS_MAX + 200
  const { state, scrape } = world(groups)
  expect((await scrape(AGE)).size).toBe(AGE_READS_MAX)
  expect(state.reads).toBe(AGE_READS_MAX)
  expect((await scrape(AGE)).size).toBe(groups)
  expect(state.reads).toBe(200)
  expect((await scrape(LAG)).size).toBe(groups)
})

test('ages: all queues go on between scrapes → each is read in its turn, the others keep the age found last', async () => {
  const groups = AGE_READS_MAX + 200
  const { inflight, state, scrape } = world(groups)
  await scrape(AGE)
  await scrape(AGE)
  const goOn = (offset: number) => {
    for (const queue of inflight.all()) {
      const popTime = inflight.nextPopTime(state.nowMs)
      inflight.popNext(queue, { popTime, invisibleMs: 1000, to: offset + 1, taken: [offset] })
      inflight.ack(queue, offset, popTime)
    }
  }
  const counts = async () => {
    const ages = [...(await scrape(AGE)).values()]
    return Object.fromEntries([60_000, 59_000, 58_000].map((age) => [age, ages.filter((each) => each === age).length]))
  }
  goOn(0)
  expect(await counts()).toEqual({ 60_000: 200, 59_000: AGE_READS_MAX, 58_000: 0 })
  goOn(1)
  // Where the last scrape ended, this one begins: the last queues are not forgotten for the sake of the first.
  expect(await counts()).toEqual({ 60_000: 0, 59_000: AGE_READS_MAX - 1, 58_000: 201 })
})

test('ages: a record that can not be read → lag in messages all the same, and no age instead of a wrong one', async () => {
  const { state, scrape } = world(2)
  state.readable = false
  expect((await scrape(AGE)).size).toBe(0)
  expect([...(await scrape(LAG)).values()]).toEqual([WRITTEN, WRITTEN])
  expect(state.reads).toBe(0)
})

test('gauges: groups come and go → each has its series while it is there', async () => {
  const { inflight, scrape } = world(3)
  expect([...(await scrape(LAG)).keys()]).toEqual(['T0', 'T1', 'T2'])
  inflight.recordSetting({ kind: 'topic-deleted', name: 'T1', incarnation: 1, payload: '' })
  inflight.start({ topic: 'T9', incarnation: 2, group: 'G', queueId: 0 }, 0)
  expect([...(await scrape(LAG)).keys()].sort()).toEqual(['T0', 'T2', 'T9'])
  expect([...(await scrape(AGE)).keys()].sort()).toEqual(['T0', 'T2', 'T9'])
})

test('gauges: a topic is deleted and made anew between two scrapes → it has its series, also afterwards', async () => {
  const { inflight, scrape } = world(2)
  await scrape(LAG)
  inflight.recordSetting({ kind: 'topic-deleted', name: 'T1', incarnation: 1, payload: '' })
  inflight.start({ topic: 'T1', incarnation: 2, group: 'G', queueId: 0 }, 4)
  for (const name of [LAG, AGE, LAG, AGE]) expect([...(await scrape(name)).keys()].sort()).toEqual(['T0', 'T1'])
  expect((await scrape(LAG)).get('T1')).toBe(WRITTEN - 4)
})
