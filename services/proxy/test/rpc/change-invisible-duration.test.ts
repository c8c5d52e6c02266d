import { expect, test } from '@jest/globals'
import { Code, MessagingService, msToDuration } from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import { createHarness, GROUP, type Harness, message, TOPIC } from '../harness.ts'

const { AckMessage, ChangeInvisibleDuration, SendMessage } = MessagingService

async function received(harness: Harness): Promise<string> {
  await harness.call(SendMessage, { messages: [message()] })
  return next(harness)
}

async function next({ receive, time }: Harness): Promise<string> {
  const stream = receive()
  await time.settle()
  return stream.frames[1]?.message?.systemProperties?.receiptHandle ?? ''
}

function changeOf(receiptHandle: string, ms: number) {
  return { group: GROUP, topic: TOPIC, messageId: 'MSG-1', receiptHandle, invisibleDuration: msToDuration(ms) }
}

test('change: a live handle → a new handle, which acknowledges the message', async () => {
  const harness = await createHarness()
  const receiptHandle = await received(harness)
  const answer = await harness.call(ChangeInvisibleDuration, changeOf(receiptHandle, 120_000))
  expect(answer.status?.code).toBe(Code.OK)
  expect(answer.receiptHandle).toMatch(/^0 \d{13} 120000 0 0 broker-a 0 0 0$/)
  await harness.time.advance(100_000)
  const entries = [{ receiptHandle: answer.receiptHandle }]
  expect((await harness.call(AckMessage, { group: GROUP, topic: TOPIC, entries })).status?.code).toBe(Code.OK)
  expect(harness.upstream.acks).toHaveLength(1)
})

test('change: to 0 → delivered again at once, as the next attempt', async () => {
  const harness = await createHarness()
  await harness.call(ChangeInvisibleDuration, changeOf(await received(harness), 0))
  const stream = harness.receive()
  await harness.time.settle()
  expect(stream.frames[1]?.message?.systemProperties?.deliveryAttempt).toBe(2)
})

test('change: an expired handle → INVALID_RECEIPT_HANDLE, and the handle comes back', async () => {
  const harness = await createHarness()
  const receiptHandle = await received(harness)
  await harness.time.advance(30_001)
  const answer = await harness.call(ChangeInvisibleDuration, changeOf(receiptHandle, 1_000))
  expect(answer).toMatchObject({ receiptHandle, status: { code: Code.INVALID_RECEIPT_HANDLE } })
})

test('change: the broker fails → its code, and the handle comes back', async () => {
  const harness = await createHarness()
  const receiptHandle = await received(harness)
  harness.upstream.changeFault = () => new MqError('busy', 'full')
  const answer = await harness.call(ChangeInvisibleDuration, changeOf(receiptHandle, 1_000))
  expect(answer).toMatchObject({ receiptHandle, status: { code: Code.TOO_MANY_REQUESTS } })
})

test.each([
  [{ ...changeOf('h', 1), topic: { name: '' } }, Code.ILLEGAL_TOPIC, 'topic'],
  [{ ...changeOf('h', 1), group: null }, Code.ILLEGAL_CONSUMER_GROUP, 'group'],
  [changeOf('h', -1), Code.ILLEGAL_INVISIBLE_TIME, 'invisible_duration'],
  [changeOf('h', 12 * 3_600_000 + 1), Code.ILLEGAL_INVISIBLE_TIME, 'invisible_duration'],
  [changeOf('h', 12 * 3_600_000), Code.INVALID_RECEIPT_HANDLE, 'handle'],
  [{ ...changeOf('h', 1), liteTopic: 'l' }, Code.NOT_IMPLEMENTED, 'lite'],
  [{ ...changeOf('h', 1), suspend: true }, Code.NOT_IMPLEMENTED, 'suspend'],
])(
  'change: a wrong field → its code with the field named, and the handle comes back (%#)',
  async (request, code, names) => {
    const { call } = await createHarness()
    const answer = await call(ChangeInvisibleDuration, request)
    expect(answer).toMatchObject({ receiptHandle: 'h', status: { code, message: expect.stringContaining(names) } })
  },
)

test('change: no client id → CLIENT_ID_REQUIRED, and the handle comes back', async () => {
  const { call } = await createHarness()
  const answer = await call(ChangeInvisibleDuration, changeOf('h', 1), { clientId: null })
  expect(answer).toMatchObject({ receiptHandle: 'h', status: { code: Code.CLIENT_ID_REQUIRED } })
})
