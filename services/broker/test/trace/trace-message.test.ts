import { expect, test } from '@jest/globals'
import {
  commitLogOffset,
  encodeRecord,
  queueOffset,
  recordSize,
  stringifyJavaJson,
  subscriptionGroupConfig,
  SystemGroup,
  SystemTopic,
} from '@rocketmq-ts/model'
import {
  decodeMessageTrace,
  InvokeBrokerToResetOffset,
  PopMessage,
  ResponseCode,
  TraceMessage,
  UpdateAndCreateSubscriptionGroup,
} from '@rocketmq-ts/remoting'
import { createInflight } from '../../src/inflight/inflight.ts'
import { createTraceMessage, type TraceDeps } from '../../src/trace/trace-message.ts'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { end, sendHalf } from '../transaction/transaction-harness.ts'

const SECOND_MS = 1000
const EMPTY_RECORD = {
  queueId: 0,
  flag: 0,
  sysFlag: 0,
  bornTimestampMs: 0,
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  properties: new Uint8Array(0),
}
const MiB = 1024 * 1024

async function trace(broker: BrokerHarness, place: { topic?: string; queueId?: number; queueOffset?: number } = {}) {
  const header = { topic: 'T', queueId: 0, queueOffset: 0, storedMs: 0, ...place }
  const { code, body, header: answer } = await broker.ask(TraceMessage, header)
  expect([code, answer?.cursor]).toEqual([ResponseCode.SUCCESS, -1])
  return decodeMessageTrace(body!)
}

async function kinds(broker: BrokerHarness, place = {}) {
  const { events } = await trace(broker, place)
  return events.map(({ kind, group }) => `${group} ${kind}`)
}

test('trace: given out, its time over, given out again, acknowledged → all of it with times, also after a crash', async () => {
  const broker = await startBroker()
  await broker.send('T', 'm', { queueId: 0 })
  await broker.pop('T', 'g', { invisibleMs: SECOND_MS })
  await broker.advance(2 * SECOND_MS)
  const [again] = await broker.pop('T', 'g', { invisibleMs: 10 * SECOND_MS })
  const held = await trace(broker)
  expect(held.states).toEqual([
    {
      group: 'g',
      state: 'in-flight',
      attempts: 2,
      deliveredMs: again!.popTimeMs,
      untilMs: again!.popTimeMs + 10 * SECOND_MS,
    },
  ])
  await broker.advance(SECOND_MS)
  await broker.ack('T', 'g', again!)
  broker.crash({ powerLoss: false })
  await broker.restart()
  const { states, events } = await trace(broker)
  expect(states).toEqual([{ group: 'g', state: 'settled', attempts: 0 }])
  expect(events.map(({ kind }) => kind)).toEqual(['delivered', 'released', 'delivered', 'acknowledged'])
  const [first, released, second, acknowledged] = events
  expect(first).toMatchObject({ group: 'g', untilMs: first!.atMs + SECOND_MS })
  expect(released!.atMs).toBeGreaterThanOrEqual(first!.untilMs!)
  expect(second).toMatchObject({ atMs: again!.popTimeMs, untilMs: again!.popTimeMs + 10 * SECOND_MS })
  expect(acknowledged!.atMs).toBeGreaterThanOrEqual(second!.atMs + SECOND_MS)
})

test('trace: several groups and messages → each its own, nothing of its neighbours', async () => {
  const broker = await startBroker()
  for (const body of ['zero', 'one', 'two']) await broker.send('T', body, { queueId: 0 })
  await broker.send('T2', 'other', { queueId: 0 })
  const popped = await broker.pop('T', 'g', { max: 2 })
  await broker.ack('T', 'g', popped[1]!)
  await broker.pop('T', 'h', { max: 1, invisibleMs: 60 * SECOND_MS })
  await broker.pop('T2', 'g')
  expect(await kinds(broker, { queueOffset: 0 })).toEqual(['g delivered', 'h delivered'])
  expect(await kinds(broker, { queueOffset: 1 })).toEqual(['g delivered', 'g acknowledged'])
  expect(await kinds(broker, { queueOffset: 2 })).toEqual([])
  expect((await trace(broker, { queueOffset: 2 })).states.map(({ group, state }) => `${group} ${state}`)).toEqual([
    'g waiting',
    'h waiting',
  ])
  expect(await kinds(broker, { topic: 'T2' })).toEqual(['g delivered'])
})

test('trace: another invisible time, given back, given up → prolonged, released, dead', async () => {
  const broker = await startBroker()
  await broker.setRetries('g', 1)
  await broker.send('T', 'm', { queueId: 0 })
  const [first] = await broker.pop('T', 'g', { invisibleMs: SECOND_MS })
  await broker.changeInvisible('T', 'g', first!, 5 * SECOND_MS)
  expect(await kinds(broker)).toEqual(['g delivered', 'g prolonged'])
  await broker.advance(6 * SECOND_MS)
  await broker.pop('T', 'g', { invisibleMs: SECOND_MS })
  await broker.advance(6 * SECOND_MS)
  expect(await kinds(broker)).toEqual(['g delivered', 'g prolonged', 'g released', 'g delivered', 'g dead'])
  expect((await trace(broker)).states).toMatchObject([{ state: 'settled' }])
})

test('trace: a filter that does not want it, a group that began behind it → said so', async () => {
  const broker = await startBroker()
  await broker.send('T', 'm', { queueId: 0, properties: 'TAGS\u0001a\u0002' })
  await broker.send('T', 'n', { queueId: 0, properties: 'TAGS\u0001b\u0002' })
  await broker.pop('T', 'g', { expression: 'b', max: 2 })
  expect(await kinds(broker)).toEqual(['g filtered'])
})

test('trace: an attempt in order asks again → given again to it, and no further attempt; then its time is prolonged', async () => {
  const broker = await startBroker()
  await broker.setOrder('g')
  await broker.send('T', 'm', { queueId: 0 })
  await broker.pop('T', 'g', { attemptId: 'a', invisibleMs: SECOND_MS })
  const [again] = await broker.pop('T', 'g', { attemptId: 'a', invisibleMs: 5 * SECOND_MS })
  await broker.changeInvisible('T', 'g', again!, 9 * SECOND_MS)
  const { states, events } = await trace(broker)
  expect(events.map(({ kind }) => kind)).toEqual(['delivered', 'repeated', 'prolonged'])
  expect(events[1]).toMatchObject({ untilMs: again!.popTimeMs + 5 * SECOND_MS, client: broker.peer.remoteAddress })
  expect(states).toMatchObject([{ state: 'in-flight', attempts: 1 }])
})

test('trace: a half message → it waits for its producer, until that commits or rolls back', async () => {
  const broker = await startBroker()
  const committed = await sendHalf(broker, 'T', 'one')
  const rolledBack = await sendHalf(broker, 'T', 'two')
  await sendHalf(broker, 'T', 'three')
  const of = (queueOffset: number) => ({ topic: SystemTopic.HALF, queueId: 0, queueOffset })
  await end(broker, committed, 'commit')
  await end(broker, rolledBack, 'rollback')
  broker.crash({ powerLoss: false })
  await broker.restart()
  const group = SystemGroup.TRANSACTION
  expect(await kinds(broker, of(0))).toEqual([`${group} delivered`, `${group} acknowledged`])
  expect(await kinds(broker, of(1))).toEqual([`${group} delivered`, `${group} rolled-back`])
  expect(await kinds(broker, of(2))).toEqual([`${group} delivered`])
  expect((await trace(broker, of(2))).states).toMatchObject([{ group, state: 'in-flight' }])
})

test('trace: the group is set behind it, and back → skipped, and to be had again', async () => {
  const broker = await startBroker()
  for (const body of ['zero', 'one']) await broker.send('T', body, { queueId: 0 })
  await broker.pop('T', 'g', { max: 1 })
  const reset = (offset: number) =>
    broker.ask(InvokeBrokerToResetOffset, {
      topic: 'T',
      group: 'g',
      queueId: 0,
      timestampMs: -1,
      offset,
      isForce: true,
    })
  await reset(2)
  expect(await kinds(broker, { queueOffset: 0 })).toEqual(['g delivered', 'g skipped'])
  expect(await kinds(broker, { queueOffset: 1 })).toEqual(['g skipped'])
  await reset(0)
  await broker.pop('T', 'g', { max: 1 })
  expect(await kinds(broker, { queueOffset: 0 })).toEqual(['g delivered', 'g skipped', 'g set-back', 'g delivered'])
})

test('trace: who got it → the client that a proxy names, else the address of who asked; cut where it is too long', async () => {
  const broker = await startBroker()
  const pop = (clientId?: string) =>
    broker.ask(PopMessage, {
      topic: 'T',
      consumerGroup: 'g',
      queueId: 0,
      maxMsgNums: 1,
      invisibleTimeMs: 60 * SECOND_MS,
      pollTimeMs: 0,
      bornTimeMs: 0,
      initMode: 0,
      ...(clientId !== undefined && { clientId }),
    })
  for (const body of ['zero', 'one', 'two', 'three']) await broker.send('T', body, { queueId: 0 })
  await pop('host@7@1')
  await pop('host@7@1')
  await pop()
  await pop('ü'.repeat(200))
  const clientOf = async (queueOffset: number) => (await trace(broker, { queueOffset })).events[0]?.client
  expect(await clientOf(0)).toBe('host@7@1')
  expect(await clientOf(1)).toBe('host@7@1')
  expect(await clientOf(2)).toBe(broker.peer.remoteAddress)
  expect(await clientOf(3)).toBe('ü'.repeat(127))
})

test('trace: pops that take nothing → nothing is written for them', async () => {
  const broker = await startBroker()
  await broker.send('T', 'm', { queueId: 0 })
  await broker.pop('T', 'g', { invisibleMs: 600 * SECOND_MS })
  const journal = { topic: SystemTopic.INFLIGHT_LOG, queueId: 0, queueOffset: 0, storedMs: 0 }
  const before = (await broker.ask(TraceMessage, journal)).header?.readBytes
  for (let again = 0; again < 3; again += 1) await broker.pop('T', 'g')
  expect((await broker.ask(TraceMessage, journal)).header?.readBytes).toBe(before)
})

test('trace: more journal than one answer reads → it says where to go on, and nothing is missed', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: 64 * MiB, autoCreateTopicEnable: true })
  await broker.send('T', 'm', { queueId: 0 })
  await broker.pop('T', 'g', { invisibleMs: SECOND_MS })
  // Settings lie in the journal, too.
  for (let index = 0; index < 400; index += 1) {
    const attributes = new Map([['filler', `${index}`.padStart(12 * 1024)]])
    const config = { ...subscriptionGroupConfig('h'), attributes }
    const { code } = await broker.ask(UpdateAndCreateSubscriptionGroup, {}, Buffer.from(stringifyJavaJson(config)))
    expect(code).toBe(ResponseCode.SUCCESS)
  }
  await broker.advance(2 * SECOND_MS)
  const events: string[] = []
  const cursors: number[] = []
  while (cursors.at(-1) !== -1) {
    const header = { topic: 'T', queueId: 0, queueOffset: 0, storedMs: 0 }
    const answer = await broker.ask(TraceMessage, { ...header, ...(cursors.length > 0 && { cursor: cursors.at(-1)! }) })
    events.push(...decodeMessageTrace(answer.body!).events.map(({ kind }) => kind))
    cursors.push(answer.header!.cursor)
  }
  expect(cursors.length).toBeGreaterThan(1)
  expect(events).toEqual(['delivered', 'released'])
})

test('trace: a place that can not be → refused with the field', async () => {
  const broker = await startBroker()
  for (const [field, place] of [
    ['queueId', { queueId: -1 }],
    ['queueOffset', { queueOffset: -1 }],
  ] as const) {
    const { code, remark } = await broker.ask(TraceMessage, {
      topic: 'T',
      queueId: 0,
      queueOffset: 0,
      storedMs: 0,
      ...place,
    })
    expect([code, remark]).toEqual([ResponseCode.INVALID_PARAMETER, expect.stringContaining(field)])
  }
})

test('trace: a disk that is slow → the answer comes in time, with where to go on', async () => {
  const core = createInflight({ maxAttempts: () => 16, onFree() {} })
  const queue = core.start({ topic: 'T', incarnation: 0, group: 'g', queueId: 0 }, 0)
  let nowMs = 0
  const bodies = Array.from({ length: 5 }, (_, index) => {
    core.popNext(queue, { popTime: index + 1, invisibleMs: 10, to: index + 1, taken: [index] })
    return core.takeChanges({ provenFlushed: 0 })!
  })
  const record = (index: number): Uint8Array => {
    const host = { host: '127.0.0.1', port: 1 }
    const fields = {
      ...EMPTY_RECORD,
      topic: SystemTopic.INFLIGHT_LOG,
      body: bodies[index]!,
      bornHost: host,
      storeHost: host,
    }
    const bytes = new Uint8Array(recordSize(fields))
    const place = { queueOffset: queueOffset(index), commitLogOffset: commitLogOffset(index), storeTimestampMs: index }
    encodeRecord(fields, place, bytes, 0)
    return bytes
  }
  const store = {
    bounds: () => ({ min: 0, max: bodies.length }),
    scan(_: object, from: number, accept: (unit: object) => string) {
      for (let index = from; index < bodies.length; index += 1)
        accept({ queueOffset: index, commitLogOffset: index, size: 1 })
      return { kind: 'scanned', next: bodies.length }
    },
    readUnit(_: object, { queueOffset: index }: { queueOffset: number }) {
      nowMs += 600
      return record(index)
    },
    flushBeforeRelease: false,
  } as unknown as TraceDeps['store']
  const scheduler = { soon: (job: () => void) => job() } as unknown as TraceDeps['scheduler']
  const trace = createTraceMessage({ inflight: core, store, scheduler, clock: { monotonicMs: () => nowMs } })
  const answers: { cursor: number; events: number }[] = []
  for (let cursor = 0; cursor >= 0; cursor = answers.at(-1)!.cursor) {
    const header = { topic: 'T', queueId: 0, queueOffset: 4, storedMs: 0, cursor }
    await trace({
      header,
      respond: ({ header: told, body }: { header: { cursor: number }; body: Uint8Array }) =>
        void answers.push({ cursor: told.cursor, events: decodeMessageTrace(body).events.length }),
    } as unknown as Parameters<typeof trace>[0])
  }
  expect(answers).toEqual([
    { cursor: 2, events: 0 },
    { cursor: 4, events: 0 },
    { cursor: -1, events: 1 },
  ])
})
