import { expect, test } from '@jest/globals'
import { type AckMessageRequestInit, Code, MessagingService } from '@rocketmq-ts/grpc/v2'
import { MqError, parseReceiptHandle } from '@rocketmq-ts/model'
import { createHarness, GROUP, type Harness, message, TOPIC } from '../harness.ts'

const { AckMessage, SendMessage } = MessagingService

/** Receipt handles of so many fresh messages. */
async function handles({ call, receive, time }: Harness, count: number): Promise<string[]> {
  for (let index = 0; index < count; index += 1) {
    await call(SendMessage, { messages: [message({ systemProperties: { messageId: `M${index}` } })] })
  }
  const stream = receive()
  await time.settle()
  return stream.frames.flatMap((frame) => frame.message?.systemProperties?.receiptHandle ?? [])
}

function ackOf(...receiptHandles: string[]): AckMessageRequestInit {
  return {
    group: GROUP,
    topic: TOPIC,
    entries: receiptHandles.map((receiptHandle, index) => ({ messageId: `M${index}`, receiptHandle })),
  }
}

test('ack: live handles of one broker → one request for all, an entry each, never delivered again', async () => {
  const harness = await createHarness()
  const receiptHandles = await handles(harness, 3)
  const { status, entries } = await harness.call(AckMessage, ackOf(...receiptHandles))
  expect(status?.code).toBe(Code.OK)
  expect(entries).toMatchObject(
    receiptHandles.map((receiptHandle, index) => ({
      messageId: `M${index}`,
      receiptHandle,
      status: { code: Code.OK },
    })),
  )
  expect(harness.upstream.acks.map((deliveries) => deliveries.length)).toEqual([3])
  await harness.time.advance(60_000)
  const again = harness.receive()
  await harness.time.advance(20_000)
  expect(again.frames[0]?.status?.code).toBe(Code.MESSAGE_NOT_FOUND)
})

test('ack: the broker refuses one of three handles → that entry is invalid, the others are OK', async () => {
  const harness = await createHarness()
  const receiptHandles = await handles(harness, 3)
  const refused = parseReceiptHandle(receiptHandles[1]!)
  harness.upstream.ackFault = ({ handle }) =>
    handle.queueId === refused.queueId && handle.queueOffset === refused.queueOffset
      ? new MqError('handle-invalid', 'outside of its queue')
      : undefined
  const { status, entries } = await harness.call(AckMessage, ackOf(...receiptHandles))
  expect(status?.code).toBe(Code.MULTIPLE_RESULTS)
  expect(entries.map((entry) => entry.status?.code)).toEqual([Code.OK, Code.INVALID_RECEIPT_HANDLE, Code.OK])
  harness.upstream.ackFault = undefined
  await harness.time.advance(60_000)
  const again = harness.receive()
  await harness.time.settle()
  expect(again.frames.flatMap((frame) => frame.message?.systemProperties?.messageId ?? [])).toEqual(['M1'])
})

test('ack: twice → OK both times', async () => {
  const harness = await createHarness()
  const receiptHandles = await handles(harness, 1)
  for (const _time of [1, 2]) {
    expect((await harness.call(AckMessage, ackOf(...receiptHandles))).status?.code).toBe(Code.OK)
  }
})

test.each([-3_600_000, 3_600_000])(
  'ack: the clock of the broker is %i ms ahead → handles live as long as they say, and the log tells once',
  async (clockAheadMs) => {
    const harness = await createHarness()
    harness.upstream.clockAheadMs = clockAheadMs
    const [first, second] = [...(await handles(harness, 1)), ...(await handles(harness, 1))]
    expect((await harness.call(AckMessage, ackOf(first!))).status?.code).toBe(Code.OK)
    await harness.time.advance(60_000)
    expect((await harness.call(AckMessage, ackOf(second!))).status?.code).toBe(Code.INVALID_RECEIPT_HANDLE)
    const told = harness.events.filter(({ event }) => event === 'broker.clock-differs')
    expect(told).toMatchObject([
      { brokerName: 'broker-a', aheadMs: clockAheadMs, remedy: expect.stringContaining('NTP') },
    ])
  },
)

test('ack: entries of two brokers, one of them down → asked apart, entries differ, MULTIPLE_RESULTS', async () => {
  const harness = await createHarness()
  const [live] = await handles(harness, 1)
  const other = live!.replace('broker-a', 'broker-b')
  harness.upstream.ackFault = ({ handle }) =>
    handle.brokerName === 'broker-b' ? new MqError('timeout', 'no answer') : undefined
  const { status, entries } = await harness.call(AckMessage, ackOf(other, live!))
  expect(status?.code).toBe(Code.MULTIPLE_RESULTS)
  expect(entries.map((entry) => [entry.receiptHandle, entry.status?.code])).toEqual([
    [other, Code.PROXY_TIMEOUT],
    [live, Code.OK],
  ])
})

test('ack: after the invisible time → INVALID_RECEIPT_HANDLE in entry and status, no broker asked', async () => {
  const harness = await createHarness()
  const receiptHandles = await handles(harness, 1)
  await harness.time.advance(30_001)
  const { status, entries } = await harness.call(AckMessage, ackOf(...receiptHandles))
  expect(status).toMatchObject({ code: Code.INVALID_RECEIPT_HANDLE, message: expect.stringContaining('expired') })
  expect(entries).toMatchObject([{ status: { code: Code.INVALID_RECEIPT_HANDLE } }])
  expect(harness.upstream.acks).toHaveLength(0)
})

test.each(['', 'x', '1 2 3', '0 1 1 0 9 b 0 0', '0 1 1 0 0  0 0', '-1 1 1 0 0 b 0 0', 'x'.repeat(2000)])(
  'ack: the handle %p → INVALID_RECEIPT_HANDLE, so that clients stop to retry',
  async (receiptHandle) => {
    const { call } = await createHarness()
    const { status, entries } = await call(AckMessage, ackOf(receiptHandle))
    expect(status?.code).toBe(Code.INVALID_RECEIPT_HANDLE)
    expect(entries).toHaveLength(1)
  },
)

test.each([
  [{ ...ackOf('h'), topic: null }, Code.ILLEGAL_TOPIC, 'topic'],
  [{ ...ackOf('h'), group: { name: 'a b' } }, Code.ILLEGAL_CONSUMER_GROUP, 'group'],
  [ackOf(), Code.BAD_REQUEST, 'entries'],
  [ackOf(...Array.from({ length: 1025 }, () => 'h')), Code.BAD_REQUEST, 'entries'],
  [{ ...ackOf(), entries: [{ receiptHandle: 'h', liteTopic: 'l' }] }, Code.NOT_IMPLEMENTED, 'lite'],
])('ack: a wrong field → its code, and the field named (%#)', async (request, code, names) => {
  const { call } = await createHarness()
  const { status } = await call(AckMessage, request)
  expect(status).toMatchObject({ code, message: expect.stringContaining(names) })
})
