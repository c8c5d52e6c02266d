// Self-contained segments: what is written again when the log moves on, in which order, and in records that fit.
import { expect, test } from '@jest/globals'
import { commitLogOffset, topicConfig } from '@rocketmq-ts/model'
import { ResponseCode } from '@rocketmq-ts/remoting'
import { type ReleaseCallback, silentLogger } from '@rocketmq-ts/runtime'
import type { QueueEnd } from '@rocketmq-ts/store'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createKeptEntries } from '../src/foreign/kept-entries.ts'
import { createGroupTable } from '../src/groups/group-table.ts'
import { createInflight } from '../src/inflight/inflight.ts'
import { queueEndsIn } from '../src/journal/queue-ends.ts'
import { createStateRoll } from '../src/state-roll.ts'
import { createTopicTable } from '../src/topics/topic-table.ts'
import { startBroker } from './broker-harness.ts'

/** The roll above a core, with a Turn per job; `records` are the journal's bodies. */
function setUp(topicCount = 0, recordBytesSoft = 1024 * 1024) {
  const effects = createManualEffects()
  const inflight = createInflight({ maxAttempts: () => 17 })
  const topics = createTopicTable([topicConfig('built-in')])
  for (let index = 0; index < topicCount; index += 1) topics.put(topicConfig(`T${index}`), 100 + index, 1)
  const events: unknown[] = []
  const records: Uint8Array[] = []
  const releases: ReleaseCallback[] = []
  const ends: QueueEnd[] = []
  let isFull = false
  let failure: Error | undefined
  const roll = createStateRoll({
    inflight,
    topics,
    groups: createGroupTable(),
    kept: createKeptEntries(),
    scheduler: effects.scheduler,
    logger: { ...silentLogger, info: (event) => void events.push(event) },
    recordBytesSoft,
    store: { appended: 5000, queueEnds: () => ends },
    statesCompleteFrom: -1,
    turns: {
      release: (_, callback) => void releases.push(callback),
      enter(job) {
        if (isFull) return false
        job()
        const body = inflight.takeChanges({ provenFlushed: 0 })
        if (body !== undefined) records.push(body)
        for (const callback of releases.splice(0)) callback(failure)
        return true
      },
    },
  })
  function replayed() {
    const core = createInflight({ maxAttempts: () => 17 })
    return records.map((body, index) => core.replay(body, 1000 + index))
  }
  const full = (value: boolean): void => void (isFull = value)
  const fail = (error: Error): void => void (failure = error)
  return { effects, inflight, roll, events, records, ends, replayed, full, fail }
}

test('state roll: settings first, then states, then the marker; built-in topics have no settings to repeat', async () => {
  const { effects, inflight, roll, replayed } = setUp(3)
  inflight.start({ topic: 'T0', incarnation: 100, group: 'G', queueId: 0 }, 5)
  roll.rolled(commitLogOffset(65_536))
  await effects.advance(100)
  const found = replayed()
  expect(found.flatMap(({ settings }) => settings.map(({ kind, name }) => `${kind} ${name}`))).toStrictEqual([
    'topic-state T0',
    'topic-state T1',
    'topic-state T2',
  ])
  expect(found.flatMap(({ statesComplete }) => statesComplete)).toStrictEqual([65_536])
  expect(found.at(-1)).toMatchObject({ statesComplete: [65_536], applied: 1 })
})

test('state roll: where queues end → behind the settings, of every queue, in front of the marker', async () => {
  const { effects, roll, ends, replayed } = setUp(1)
  for (let queueId = 0; queueId < 300; queueId += 1) ends.push({ topic: 'T0', queueId, end: 7 + queueId })
  roll.rolled(commitLogOffset(65_536))
  await effects.advance(100)
  const found = replayed()
  const settings = found.flatMap((each) => each.settings)
  expect(settings[0]).toMatchObject({ kind: 'topic-state' })
  expect(queueEndsIn(settings)).toStrictEqual(ends)
  expect(found.at(-1)!.statesComplete).toStrictEqual([65_536])
})

test('state roll: more settings than one record should hold → several Turns, none left out', async () => {
  const { effects, roll, records, replayed } = setUp(1000)
  roll.rolled(commitLogOffset(0))
  await effects.advance(1000)
  expect(records.length).toBeGreaterThan(3)
  expect(new Set(replayed().flatMap(({ settings }) => settings.map(({ name }) => name))).size).toBe(1000)
})

test('state roll: small segments → no record grows far beyond their share', async () => {
  const { effects, inflight, roll, records, replayed } = setUp(300, 4096)
  for (let queueId = 0; queueId < 500; queueId += 1)
    inflight.start({ topic: 'T0', incarnation: 100, group: 'G', queueId }, 5)
  inflight.takeChanges({ provenFlushed: 0 })
  roll.rolled(commitLogOffset(0))
  await effects.advance(1000)
  expect(Math.max(...records.map(({ length }) => length))).toBeLessThan(3 * 4096)
  expect(replayed().flatMap(({ statesComplete }) => statesComplete)).toStrictEqual([0])
})

test('state roll: the next segment begins before it is done → goes on to its end, and the segment after has its own', async () => {
  const { effects, inflight, roll, replayed } = setUp(1000)
  inflight.start({ topic: 'T0', incarnation: 100, group: 'G', queueId: 0 }, 5)
  roll.rolled(commitLogOffset(65_536))
  await effects.advance(2)
  roll.rolled(commitLogOffset(131_072))
  await effects.advance(1000)
  const complete = () => replayed().flatMap(({ statesComplete }) => statesComplete)
  expect(complete()).toStrictEqual([65_536])
  roll.rolled(commitLogOffset(196_608))
  await effects.advance(1000)
  expect(complete()).toStrictEqual([65_536, 196_608])
})

test('state roll: the Turns are full → tried again, nothing is left out', async () => {
  const { effects, roll, replayed, full } = setUp(3)
  full(true)
  roll.rolled(commitLogOffset(0))
  await effects.advance(50)
  full(false)
  await effects.advance(50)
  expect(replayed().flatMap(({ statesComplete }) => statesComplete)).toStrictEqual([0])
})

test('state roll: stopped → no step comes any more', async () => {
  const { effects, roll, records } = setUp(1000)
  roll.rolled(commitLogOffset(0))
  await effects.advance(2)
  const before = records.length
  roll.stop()
  await effects.advance(1000)
  expect(records.length).toBe(before)
})

test('state roll: asked for what an earlier one has written → done at once; else it begins, and ends when it is written', async () => {
  const { effects, roll, replayed } = setUp(3)
  roll.rolled(commitLogOffset(1000))
  await effects.advance(100)
  await roll.completeFrom(commitLogOffset(1000))
  expect(replayed().flatMap(({ statesComplete }) => statesComplete)).toStrictEqual([1000])
  const asked = roll.completeFrom(commitLogOffset(4096))
  await effects.advance(100)
  await asked
  expect(replayed().flatMap(({ statesComplete }) => statesComplete)).toStrictEqual([1000, 5000])
})

test('state roll: asked for more than the one that runs will give → another one follows it', async () => {
  const { effects, roll, replayed } = setUp(1000)
  roll.rolled(commitLogOffset(1000))
  await effects.advance(2)
  const asked = roll.completeFrom(commitLogOffset(4096))
  await effects.advance(1000)
  await asked
  expect(replayed().flatMap(({ statesComplete }) => statesComplete)).toStrictEqual([1000, 5000])
})

test('state roll: asked for, and the log refuses or the broker stops → it rejects', async () => {
  const { effects, roll, fail } = setUp(3)
  fail(new Error('refused'))
  const refused = expect(roll.completeFrom(commitLogOffset(4096))).rejects.toThrow('refused')
  await effects.advance(100)
  await refused
  const stopped = expect(roll.completeFrom(commitLogOffset(4096))).rejects.toMatchObject({ code: 'closed' })
  roll.stop()
  await stopped
  await expect(roll.completeFrom(commitLogOffset(4096))).rejects.toMatchObject({ code: 'closed' })
})

test('segment roll: more states than a small segment holds → written in records that fit, sending goes on', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 64 * 1024 })
  await broker.send('T', 'first')
  for (let group = 0; group < 300; group += 1) await broker.pop('T', `group-${group}`)
  for (let index = 0; index < 12; index += 1) {
    expect((await broker.send('T', 'x'.repeat(20_000))).code).toBe(ResponseCode.SUCCESS)
    await broker.advance(100)
  }
  expect(broker.events.map(({ event }) => event)).toContain('states.complete')
  const before = broker.broker.ledger()
  broker.crash({ powerLoss: false })
  await broker.restart()
  expect(broker.broker.ledger()).toStrictEqual(before)
})
