// Renewals seen from outside: a push consumer that takes its time, on a whole proxy.
import { expect, test } from '@jest/globals'
import { ClientType, Code, MessagingService, msToDuration } from '@rocketmq-ts/grpc/v2'
import { commitLogOffset, MqError, queueOffset } from '@rocketmq-ts/model'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createRenewals } from '../../src/messaging/renewals.ts'
import type { MessageReceiver } from '../../src/upstream/upstream.ts'
import { createHarness, GROUP, type Harness, message, TOPIC } from '../harness.ts'

const { AckMessage, ChangeInvisibleDuration, Heartbeat, NotifyClientTermination, SendMessage } = MessagingService
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** A message in the hands of a push consumer; its first handle. */
async function hold(harness: Harness): Promise<string> {
  await harness.call(SendMessage, { messages: [message()] })
  const stream = harness.receive({ autoRenew: true })
  await harness.time.settle()
  return stream.frames[1]?.message?.systemProperties?.receiptHandle ?? ''
}

/** Time passes for a client that says every minute that it lives. */
async function passAlive({ call, time }: Harness, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += MINUTE) {
    await call(Heartbeat, { clientType: ClientType.PUSH_CONSUMER, group: GROUP })
    await time.advance(Math.min(MINUTE, ms - passed))
  }
}

function ackOf(receiptHandle: string) {
  return { group: GROUP, topic: TOPIC, entries: [{ messageId: 'MSG-1', receiptHandle }] }
}

test('renewal: ten seconds before the end, in growing steps, the last repeats', async () => {
  const harness = await createHarness()
  await hold(harness)
  const { changes } = harness.upstream
  await harness.time.advance(49 * SECOND)
  expect(changes).toHaveLength(0)
  await harness.time.advance(2 * SECOND)
  expect(changes).toHaveLength(1)
  await passAlive(harness, 3 * HOUR - MINUTE)
  const minutes = changes.map(({ invisibleMs }) => invisibleMs / MINUTE)
  expect(minutes).toEqual([1, 3, 5, 10, 30, 60, 60, 60])
})

test('renewal: three renewals later the first handle still acknowledges, and renewing ends', async () => {
  const harness = await createHarness()
  const first = await hold(harness)
  await passAlive(harness, 6 * MINUTE)
  const { changes, acks } = harness.upstream
  expect(changes).toHaveLength(3)
  const { status, entries } = await harness.call(AckMessage, ackOf(first))
  expect(status?.code).toBe(Code.OK)
  expect(entries).toMatchObject([{ receiptHandle: first, status: { code: Code.OK } }])
  expect(acks).toMatchObject([[{ handle: { invisibleMs: 5 * MINUTE } }]])
  await passAlive(harness, HOUR)
  expect(changes).toHaveLength(3)
  const again = harness.receive()
  await harness.time.advance(20 * SECOND)
  expect(again.frames[0]?.status?.code).toBe(Code.MESSAGE_NOT_FOUND)
})

test('renewal: the client asks for another time with the first handle → its own time counts', async () => {
  const harness = await createHarness()
  const receiptHandle = await hold(harness)
  await passAlive(harness, 2 * MINUTE)
  const request = { group: GROUP, topic: TOPIC, receiptHandle, invisibleDuration: msToDuration(5 * SECOND) }
  const answer = await harness.call(ChangeInvisibleDuration, request)
  expect(answer.status?.code).toBe(Code.OK)
  await harness.time.advance(5 * SECOND)
  const again = harness.receive()
  await harness.time.settle()
  expect(again.frames[1]?.message?.systemProperties?.deliveryAttempt).toBe(2)
  expect(harness.upstream.changes.map(({ invisibleMs }) => invisibleMs)).toEqual([MINUTE, 3 * MINUTE, 5 * SECOND])
})

test('renewal: an ack while a renewal is under way → waits for it and uses its handle', async () => {
  const harness = await createHarness()
  const first = await hold(harness)
  let renewed = () => {}
  harness.upstream.changeFault = () => new Promise<void>((resolve) => (renewed = resolve))
  await harness.time.advance(51 * SECOND)
  const acking = harness.ask(AckMessage, ackOf(first))
  await harness.time.settle()
  expect(harness.upstream.acks).toHaveLength(0)
  renewed()
  await harness.time.settle()
  expect((await acking).status?.code).toBe(Code.OK)
  expect(harness.upstream.acks).toMatchObject([[{ handle: { invisibleMs: MINUTE } }]])
  await harness.time.advance(2 * MINUTE)
  const again = harness.receive()
  await harness.time.advance(20 * SECOND)
  expect(again.frames[0]?.status?.code).toBe(Code.MESSAGE_NOT_FOUND)
})

test('renewal: an ack that the broker did not take → renewed on, and the next ack succeeds', async () => {
  const harness = await createHarness()
  const first = await hold(harness)
  harness.upstream.ackFault = () => new MqError('timeout', 'no answer')
  expect((await harness.call(AckMessage, ackOf(first))).status?.code).toBe(Code.PROXY_TIMEOUT)
  harness.upstream.ackFault = undefined
  await passAlive(harness, 2 * MINUTE)
  expect(harness.upstream.changes.length).toBeGreaterThan(0)
  expect((await harness.call(AckMessage, ackOf(first))).status?.code).toBe(Code.OK)
})

test('renewal: three failures in a row → given up and logged; a success in between counts anew', async () => {
  const harness = await createHarness()
  await hold(harness)
  const { upstream, events } = harness
  let calls = 0
  upstream.changeFault = () => ((calls += 1) % 3 === 0 ? undefined : new MqError('timeout', 'no answer'))
  await passAlive(harness, 2 * MINUTE)
  expect(events).not.toContainEqual(expect.objectContaining({ event: 'renewal.lost' }))
  upstream.changeFault = () => new MqError('timeout', 'no answer')
  await passAlive(harness, 10 * MINUTE)
  expect(events).toContainEqual(expect.objectContaining({ event: 'renewal.lost', topic: TOPIC.name }))
  const tried = upstream.changes.length
  await passAlive(harness, HOUR)
  expect(upstream.changes).toHaveLength(tried)
})

test('renewal: the broker knows the delivery no more → given up at once', async () => {
  const harness = await createHarness()
  await hold(harness)
  harness.upstream.changeFault = () => new MqError('handle-invalid', 'not live')
  await passAlive(harness, 10 * MINUTE)
  expect(harness.upstream.changes).toHaveLength(1)
})

test('renewal: after three hours → given back after the delay of the next attempt', async () => {
  const harness = await createHarness()
  await hold(harness)
  await passAlive(harness, 4 * HOUR)
  expect(harness.upstream.changes.at(-1)?.invisibleMs).toBe(SECOND)
  const count = harness.upstream.changes.length
  await passAlive(harness, 2 * HOUR)
  expect(harness.upstream.changes).toHaveLength(count)
})

test('renewal: the client says goodbye → what it holds becomes visible in a second', async () => {
  const harness = await createHarness()
  await hold(harness)
  await harness.call(NotifyClientTermination, { group: GROUP })
  expect(harness.upstream.changes).toMatchObject([{ invisibleMs: SECOND }])
  await harness.time.advance(1_100)
  const next = harness.receive({ autoRenew: true }, { clientId: 'client-2' })
  await harness.time.settle()
  expect(next.frames[1]?.message?.systemProperties?.deliveryAttempt).toBe(2)
})

test('renewal: a message comes after the goodbye of its client → released, not held', async () => {
  const harness = await createHarness()
  const stream = harness.receive({ autoRenew: true })
  await harness.time.settle()
  await harness.call(NotifyClientTermination, { group: GROUP })
  await harness.call(SendMessage, { messages: [message()] })
  expect(stream.frames[0]?.status?.code).toBe(Code.MESSAGE_NOT_FOUND)
  await harness.time.advance(5 * MINUTE)
  expect(harness.upstream.changes.map(({ invisibleMs }) => invisibleMs)).toEqual([SECOND])
})

test('renewal: the client is silent for two minutes → what it holds becomes visible in a second', async () => {
  const harness = await createHarness()
  await hold(harness)
  await harness.time.advance(122 * SECOND)
  expect(harness.upstream.changes.map(({ invisibleMs }) => invisibleMs)).toEqual([MINUTE, 3 * MINUTE, SECOND])
})

test('renewal: the proxy stops → everything held becomes visible in a second', async () => {
  const harness = await createHarness()
  await hold(harness)
  const stopped = harness.proxy.stop()
  await harness.time.advance(5 * SECOND)
  await stopped
  expect(harness.upstream.changes).toMatchObject([{ invisibleMs: SECOND }])
  expect(harness.proxy.readiness()).toMatchObject({ ready: false })
})

test('renewal: a simple consumer → the proxy renews nothing', async () => {
  const harness = await createHarness()
  await harness.call(SendMessage, { messages: [message()] })
  harness.receive()
  await passAlive(harness, 5 * MINUTE)
  expect(harness.upstream.changes).toHaveLength(0)
})

/** Renewals of one client that holds messages of two brokers, of which the first never answers. */
function holdAtTwoBrokers() {
  const effects = createManualEffects()
  const asked: string[] = []
  const receiver: Pick<MessageReceiver, 'changeInvisible'> = {
    changeInvisible({ handle }) {
      asked.push(handle.brokerName)
      return handle.brokerName === 'hangs' ? new Promise(() => {}) : Promise.resolve(handle)
    },
  }
  const renewals = createRenewals({
    ...effects,
    receiver,
    groups: { groupSettings: () => Promise.resolve(undefined) },
    limits: {
      heldMax: 1000,
      firstInvisibleMs: MINUTE,
      renewAheadMs: 10 * SECOND,
      renewMaxMs: HOUR,
      failuresMax: 3,
      releaseMs: SECOND,
    },
    onLost() {},
  })
  const popped = { popTimeMs: 0, invisibleMs: MINUTE, reviveQueueId: 0, topicKind: 'normal', queueId: 0 } as const
  for (let number = 0; number < 200; number += 1) {
    const brokerName = number % 20 === 0 ? 'answers' : 'hangs'
    const offsets = { startOffset: queueOffset(0), commitLogOffset: commitLogOffset(number) }
    const handle = { ...popped, ...offsets, brokerName, queueOffset: queueOffset(number) }
    renewals.hold('client-1', { group: 'G', topic: 'T', handle }, 1)
  }
  return { effects, renewals, timesAsked: (brokerName: string) => asked.filter((name) => name === brokerName).length }
}

test('renewal: a broker hangs with more than may be under way → those of another broker are renewed', async () => {
  const { effects, timesAsked } = holdAtTwoBrokers()
  await effects.advance(51 * SECOND)
  expect(timesAsked('answers')).toBe(10)
  expect(timesAsked('hangs')).toBe(64)
})

test('renewal: a broker hangs while its client goes → what the client held of another broker is released', async () => {
  const { effects, renewals, timesAsked } = holdAtTwoBrokers()
  void renewals.releaseClient('client-1')
  await effects.settle()
  expect(timesAsked('answers')).toBe(10)
  expect(timesAsked('hangs')).toBe(64)
})
