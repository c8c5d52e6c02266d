import { hash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import {
  Code,
  DigestType,
  Encoding,
  FilterType,
  type MessageInit,
  MessagingService,
  MessageType,
  msToDuration,
  type ReceiveMessageRequestInit,
  type ReceiveMessageResponse,
} from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import { routeOf } from '../fake-upstream.ts'
import { createHarness, GROUP, type Harness, message, receiveRequest, TOPIC } from '../harness.ts'

const { SendMessage, AckMessage } = MessagingService
const queue = receiveRequest().messageQueue
const SECOND = 1000

async function sendAll({ call }: Harness, ...messages: readonly MessageInit[]): Promise<void> {
  for (const one of messages) expect((await call(SendMessage, { messages: [one] })).status?.code).toBe(Code.OK)
}

function kinds(frames: readonly ReceiveMessageResponse[]): string {
  return frames.map(({ content }) => content ?? 'nothing').join(' ')
}

function tagged(tag: string, messageId = tag): MessageInit {
  return message({ systemProperties: { messageId, tag } })
}

test('receive: messages → status, one frame each, delivery timestamp, then gRPC OK', async () => {
  const harness = await createHarness()
  await sendAll(harness, tagged('A'), tagged('B'))
  const stream = harness.receive()
  await harness.time.settle()
  expect(kinds(stream.frames)).toBe('status message message deliveryTimestamp')
  expect(stream.frames[0]?.status?.code).toBe(Code.OK)
  expect(stream.status).toBe(0)
})

test('receive: a message → every field that clients rely on', async () => {
  const harness = await createHarness()
  await sendAll(harness, message({ systemProperties: { traceContext: 'trace-1' } }))
  const stream = harness.receive({ messageQueue: { ...queue, topic: { resourceNamespace: 'ns', name: TOPIC.name } } })
  await harness.time.settle()
  const received = stream.frames[1]?.message
  expect(received?.topic).toMatchObject({ resourceNamespace: 'ns', name: TOPIC.name })
  expect({ ...received?.userProperties }).toEqual({ color: 'red' })
  expect(Buffer.from(received!.body).toString()).toBe('hello')
  const system = received?.systemProperties
  expect(system).toMatchObject({
    tag: 'TagA',
    keys: ['order-1', 'order-2'],
    messageId: 'MSG-1',
    bodyDigest: { type: DigestType.MD5, checksum: '5D41402ABC4B2A76B9719D911017C592' },
    bodyEncoding: Encoding.IDENTITY,
    messageType: MessageType.NORMAL,
    bornTimestamp: { seconds: 1_700_000_000, nanos: 5_000_000 },
    bornHost: 'laptop',
    storeHost: '10.0.0.1:10911',
    queueOffset: 0,
    deliveryAttempt: 1,
    traceContext: 'trace-1',
    deliveryTimestamp: null,
    messageGroup: null,
    deadLetterQueue: null,
  })
  // Start, pop time, invisible time, revive queue, topic kind, broker, queue, offset, commit log offset.
  expect(system?.receiptHandle).toMatch(/^0 \d{13} 30000 0 0 broker-a 0 0 0$/)
})

test('receive: a compressed body → GZIP, bytes unchanged, digest of the bytes as they travel', async () => {
  const harness = await createHarness()
  const body = Uint8Array.from([0x78, 0x9c, 1, 2])
  await sendAll(harness, message({ body, systemProperties: { bodyEncoding: Encoding.GZIP } }))
  const stream = harness.receive()
  await harness.time.settle()
  const received = stream.frames[1]?.message
  expect(received?.systemProperties?.bodyEncoding).toBe(Encoding.GZIP)
  expect(received?.systemProperties?.bodyDigest?.checksum).toBe(hash('md5', body, 'hex').toUpperCase())
})

test('receive: nothing within the poll time → MESSAGE_NOT_FOUND not before its end', async () => {
  const harness = await createHarness()
  const stream = harness.receive()
  await harness.time.advance(19_990)
  expect(stream.frames).toHaveLength(0)
  await harness.time.advance(10)
  expect(kinds(stream.frames)).toBe('status deliveryTimestamp')
  expect(stream.frames[0]?.status?.code).toBe(Code.MESSAGE_NOT_FOUND)
  expect(stream.status).toBe(0)
})

test('receive: a message arrives during the poll → delivered at once', async () => {
  const harness = await createHarness()
  const stream = harness.receive()
  await harness.time.advance(7 * SECOND)
  await sendAll(harness, message())
  expect(kinds(stream.frames)).toBe('status message deliveryTimestamp')
  expect(harness.upstream.pops).toHaveLength(1)
})

test.each<[string, ReceiveMessageRequestInit, number | undefined, number]>([
  ['more than allowed', { longPollingTimeout: msToDuration(60_000) }, 63_000, 20_000],
  ['as asked', { longPollingTimeout: msToDuration(7_000) }, 10_000, 7_000],
  ['less than Apache takes', { longPollingTimeout: msToDuration(1_000) }, 4_000, 1_000],
  ['longer than the deadline', { longPollingTimeout: msToDuration(10_000) }, 6_000, 5_900],
  ['nothing asked', { longPollingTimeout: null }, 8_000, 6_500],
  ['nothing asked, no deadline', { longPollingTimeout: null }, undefined, 20_000],
  ['a deadline that passes now', { longPollingTimeout: msToDuration(5_000) }, 50, 0],
])('receive: poll time, %s → held for what fits', async (_name, request, timeoutMs, pollMs) => {
  const harness = await createHarness()
  harness.receive(request, timeoutMs === undefined ? { timeoutMs: 100_000_000 } : { timeoutMs })
  await harness.time.settle()
  expect(harness.upstream.pops[0]?.pollMs).toBe(pollMs)
})

test('receive: the broker answers early → asked again until the poll time is over, at a pace', async () => {
  const harness = await createHarness()
  harness.upstream.popFault = () => ({ kind: 'none' })
  const stream = harness.receive({ longPollingTimeout: msToDuration(1_000) })
  await harness.time.advance(990)
  expect(stream.frames).toHaveLength(0)
  await harness.time.advance(10)
  expect(stream.frames[0]?.status?.code).toBe(Code.MESSAGE_NOT_FOUND)
  expect(harness.upstream.pops.length).toBeLessThanOrEqual(6)
})

interface RefusalRow {
  readonly name: string
  readonly request: ReceiveMessageRequestInit
  readonly code: Code
  readonly names: string
}
const refusals: readonly RefusalRow[] = [
  { name: 'no queue', request: { messageQueue: null }, code: Code.ILLEGAL_TOPIC, names: 'message_queue.topic' },
  {
    name: 'a bad topic',
    request: { messageQueue: { topic: { name: 'a b' } } },
    code: Code.ILLEGAL_TOPIC,
    names: 'message_queue.topic',
  },
  { name: 'no group', request: { group: null }, code: Code.ILLEGAL_CONSUMER_GROUP, names: 'group' },
  { name: 'a batch of 0', request: { batchSize: 0 }, code: Code.BAD_REQUEST, names: 'batch_size' },
  {
    name: 'no invisible time',
    request: { invisibleDuration: null },
    code: Code.ILLEGAL_INVISIBLE_TIME,
    names: 'invisible_duration',
  },
  {
    name: '9999 ms invisible',
    request: { invisibleDuration: msToDuration(9_999) },
    code: Code.ILLEGAL_INVISIBLE_TIME,
    names: 'invisible_duration',
  },
  {
    name: 'more than 12 h invisible',
    request: { invisibleDuration: msToDuration(12 * 3_600_000 + 1) },
    code: Code.ILLEGAL_INVISIBLE_TIME,
    names: 'invisible_duration',
  },
  {
    name: 'a negative poll time',
    request: { longPollingTimeout: msToDuration(-1_000) },
    code: Code.ILLEGAL_POLLING_TIME,
    names: 'long_polling_timeout',
  },
  {
    name: 'a wrong SQL expression',
    request: { filterExpression: { type: FilterType.SQL, expression: 'a != 1' } },
    code: Code.ILLEGAL_FILTER_EXPRESSION,
    names: `filter_expression: SQL92 expression, at character 3, "!= 1": not equal is '<>'`,
  },
  {
    name: 'an empty SQL expression',
    request: { filterExpression: { type: FilterType.SQL, expression: ' ' } },
    code: Code.ILLEGAL_FILTER_EXPRESSION,
    names: 'it is empty',
  },
  {
    name: 'a type of filter that nobody knows',
    request: { filterExpression: { type: 3 as FilterType, expression: 'a > 1' } },
    code: Code.ILLEGAL_FILTER_EXPRESSION,
    names: 'filter_expression.type: 3',
  },
  {
    name: 'a tag expression of separators',
    request: { filterExpression: { type: FilterType.TAG, expression: '||' } },
    code: Code.ILLEGAL_FILTER_EXPRESSION,
    names: 'filter_expression: tag expression',
  },
  {
    name: 'an unknown topic',
    request: { messageQueue: { topic: { name: 'Nowhere' } } },
    code: Code.TOPIC_NOT_FOUND,
    names: 'Nowhere',
  },
]

test.each(refusals)('receive: $name → its code with the field named, held back for 200 ms', async (row) => {
  const harness = await createHarness()
  const stream = harness.receive(row.request)
  await harness.time.advance(199)
  expect(stream.frames).toHaveLength(0)
  await harness.time.advance(1)
  expect(kinds(stream.frames)).toBe('status deliveryTimestamp')
  expect(stream.frames[0]?.status).toMatchObject({ code: row.code, message: expect.stringContaining(row.names) })
  expect(stream.status).toBe(0)
  expect(harness.upstream.pops).toHaveLength(0)
})

test('receive: a group that is switched off → FORBIDDEN with the reason of the broker, held back for 200 ms', async () => {
  const harness = await createHarness()
  harness.upstream.popFault = () => new MqError('no-permission', "group 'g' is switched off (consumeEnable)")
  const stream = harness.receive()
  await harness.time.advance(199)
  expect(stream.frames).toHaveLength(0)
  await harness.time.advance(1)
  expect(kinds(stream.frames)).toBe('status deliveryTimestamp')
  expect(stream.frames[0]?.status).toMatchObject({
    code: Code.FORBIDDEN,
    message: expect.stringContaining('switched off'),
  })
  expect(stream.status).toBe(0)
})

test.each([10_000, 12 * 3_600_000])('receive: %i ms invisible → taken', async (invisibleMs) => {
  const harness = await createHarness()
  harness.receive({ invisibleDuration: msToDuration(invisibleMs) })
  await harness.time.settle()
  expect(harness.upstream.pops[0]?.invisibleMs).toBe(invisibleMs)
})

test('receive: auto_renew → the proxy chooses the invisible time, whatever the client says', async () => {
  const harness = await createHarness()
  harness.receive({ autoRenew: true, invisibleDuration: null })
  harness.receive({ autoRenew: true, invisibleDuration: msToDuration(1) })
  await harness.time.settle()
  expect(harness.upstream.pops.map(({ invisibleMs }) => invisibleMs)).toEqual([60_000, 60_000])
})

test('receive: a batch of 100 → 32 are asked for; no client id → CLIENT_ID_REQUIRED', async () => {
  const harness = await createHarness()
  harness.receive({ batchSize: 100 })
  const stranger = harness.receive({}, { clientId: null })
  await harness.time.advance(200)
  expect(harness.upstream.pops.map(({ batchSize }) => batchSize)).toEqual([32])
  expect(stranger.frames[0]?.status?.code).toBe(Code.CLIENT_ID_REQUIRED)
})

test.each([
  ['broker-a', 'broker-a'],
  ['broker-b', 'broker-b'],
  ['virtual-broker', 'broker-a'],
  ['', 'broker-a'],
  ['unreadable', 'broker-a'],
])('receive: the queue names broker %p → %s is asked', async (named, asked) => {
  const harness = await createHarness()
  const unreadable = { brokerName: 'unreadable', readable: false }
  harness.upstream.routes.set(TOPIC.name, routeOf(TOPIC.name, {}, { brokerName: 'broker-b' }, unreadable))
  harness.receive({ messageQueue: { topic: TOPIC, id: -1, broker: { name: named } } })
  await harness.time.settle()
  expect(harness.upstream.pops[0]?.brokerName).toBe(asked)
})

test('receive: tags of equal hash → only the text that matches is delivered, the twin is acknowledged', async () => {
  const harness = await createHarness()
  await sendAll(harness, tagged('Aa'), tagged('BB'))
  const stream = harness.receive({ filterExpression: { type: FilterType.TAG, expression: ' Aa ' } })
  await harness.time.settle()
  expect(stream.frames.flatMap((frame) => frame.message?.systemProperties?.tag ?? [])).toEqual(['Aa'])
  expect(harness.upstream.acks.map((deliveries) => deliveries.length)).toEqual([1])
  expect(harness.upstream.pops[0]?.filter).toMatchObject({ type: 'TAG', expression: 'Aa' })
})

test('receive: an SQL expression → asked of the broker as it is, and its answer is not filtered again', async () => {
  const harness = await createHarness()
  await sendAll(harness, tagged('A'))
  const expression = " a > 1 OR b = 'x' "
  const stream = harness.receive({ filterExpression: { type: FilterType.SQL, expression } })
  await harness.time.settle()
  expect(harness.upstream.pops[0]?.filter).toMatchObject({ type: 'SQL92', expression })
  expect(stream.frames.flatMap((frame) => frame.message?.systemProperties?.tag ?? [])).toEqual(['A'])
  expect(harness.upstream.acks).toEqual([])
})

test('receive: nothing but twins → polled on, MESSAGE_NOT_FOUND at the end', async () => {
  const harness = await createHarness()
  await sendAll(harness, tagged('BB'))
  const stream = harness.receive({ filterExpression: { type: FilterType.TAG, expression: 'Aa' } })
  await harness.time.advance(20 * SECOND)
  expect(stream.frames[0]?.status?.code).toBe(Code.MESSAGE_NOT_FOUND)
  expect(harness.upstream.pops).toHaveLength(2)
})

test.each([
  ['polling full', () => ({ kind: 'polling-full' }) as const, Code.TOO_MANY_REQUESTS],
  ['busy', () => new MqError('busy', 'busy'), Code.TOO_MANY_REQUESTS],
  ['an unknown group', () => new MqError('group-not-found', 'no such group'), Code.CONSUMER_GROUP_NOT_FOUND],
])('receive: the broker says %s → its code, held back', async (_name, popFault, code) => {
  const harness = await createHarness()
  harness.upstream.popFault = popFault
  const stream = harness.receive()
  await harness.time.advance(200)
  expect(kinds(stream.frames)).toBe('status deliveryTimestamp')
  expect(stream.frames[0]?.status?.code).toBe(code)
})

test('receive: the broker is away → nothing for the time of the poll, no error; when it is back, its messages', async () => {
  for (const failure of ['unavailable', 'closed', 'timeout'] as const) {
    const harness = await createHarness()
    harness.upstream.popFault = () => new MqError(failure, 'gone')
    const patient = harness.receive()
    await harness.time.advance(20 * SECOND)
    expect(patient.frames.map(({ status }) => status?.code)).toEqual([Code.MESSAGE_NOT_FOUND, undefined])
    expect(harness.upstream.pops.length).toBeLessThan(30)
    expect(harness.events.filter(({ event }) => event === 'broker.away')).toHaveLength(1)
    expect(harness.events).toContainEqual(expect.objectContaining({ event: 'pop.unanswered', topic: TOPIC.name }))
    const stream = harness.receive()
    await harness.time.advance(5 * SECOND)
    harness.upstream.popFault = undefined
    await sendAll(harness, message())
    await harness.time.advance(SECOND)
    expect(kinds(stream.frames)).toBe('status message deliveryTimestamp')
  }
})

test('receive: the broker stops, and another one has messages → they come at once; then it is looked at again', async () => {
  const harness = await createHarness()
  const [route, away] = [
    routeOf(TOPIC.name, { brokerName: 'a' }, { brokerName: 'b' }),
    new MqError('unavailable', 'gone'),
  ]
  harness.upstream.routes.set(TOPIC.name, route)
  harness.upstream.popFault = ({ brokerName }) => (brokerName === 'a' ? away : undefined)
  harness.receive({ messageQueue: { ...queue, broker: { ...queue?.broker, name: 'a' } } })
  await harness.time.advance(11 * SECOND)
  const asked = harness.upstream.pops.map(({ brokerName, pollMs }) => [brokerName, Math.round(pollMs)])
  expect(asked.slice(0, 3)).toEqual([
    ['a', 20_000],
    ['b', 5_000],
    ['a', 14_700],
  ])
})

test('receive: a defect → INTERNAL_SERVER_ERROR without its text, which is logged', async () => {
  const harness = await createHarness()
  harness.upstream.popFault = () => new TypeError('secret detail')
  const stream = harness.receive()
  await harness.time.advance(200)
  expect(stream.frames[0]?.status?.code).toBe(Code.INTERNAL_SERVER_ERROR)
  expect(stream.frames[0]?.status?.message).not.toContain('secret')
  expect(harness.events).toContainEqual(
    expect.objectContaining({ event: 'rpc.defect', error: expect.stringContaining('secret detail') }),
  )
})

test.each([false, true])(
  'receive: the client is gone before its message came (renewed: %p) → released soon',
  async (autoRenew) => {
    const harness = await createHarness()
    const stream = harness.receive({ autoRenew })
    await harness.time.advance(SECOND)
    stream.cancel()
    await harness.time.settle()
    await sendAll(harness, message())
    expect(harness.upstream.changes).toMatchObject([{ invisibleMs: 1_000, group: GROUP.name, topic: TOPIC.name }])
    await harness.time.advance(1_100)
    const next = harness.receive()
    await harness.time.settle()
    expect(next.frames[1]?.message?.systemProperties).toMatchObject({ messageId: 'MSG-1', deliveryAttempt: 2 })
  },
)

test.each([false, true])(
  'receive: the client is gone while it reads (renewed: %p) → all of the answer is released',
  async (autoRenew) => {
    const harness = await createHarness()
    const body = new Uint8Array(200 * 1024)
    const messages = ['1', '2', '3', '4'].map((messageId) => message({ body, systemProperties: { messageId } }))
    await sendAll(harness, ...messages)
    const stream = harness.receive({ autoRenew })
    stream.pause()
    await harness.time.settle()
    stream.cancel()
    await harness.time.settle()
    expect(harness.upstream.changes.map(({ invisibleMs }) => invisibleMs)).toEqual([1_000, 1_000, 1_000, 1_000])
    await harness.time.advance(10 * 60 * SECOND)
    expect(harness.upstream.changes).toHaveLength(4)
  },
)

test('receive: a client that reads slowly → gets everything', async () => {
  const harness = await createHarness()
  const body = new Uint8Array(200 * 1024)
  const messages = ['1', '2', '3', '4'].map((messageId) => message({ body, systemProperties: { messageId } }))
  await sendAll(harness, ...messages)
  const stream = harness.receive()
  stream.pause()
  await harness.time.advance(SECOND)
  expect(stream.frames).toHaveLength(0)
  stream.resume()
  await harness.time.settle()
  expect(kinds(stream.frames)).toBe('status message message message message deliveryTimestamp')
})

test('receive: as many receives as allowed → one more is told to come later', async () => {
  const harness = await createHarness({ 'receives-in-flight-max': '2' })
  harness.receive()
  harness.receive()
  await harness.time.settle()
  const third = harness.receive()
  await harness.time.advance(200)
  expect(third.frames[0]?.status).toMatchObject({ code: Code.TOO_MANY_REQUESTS, message: expect.stringContaining('2') })
  await harness.time.advance(20 * SECOND)
  await sendAll(harness, message())
  const fourth = harness.receive()
  await harness.time.settle()
  expect(fourth.frames[0]?.status?.code).toBe(Code.OK)
})

test('receive: requests that wait are larger than allowed together → one more is told to come later', async () => {
  const harness = await createHarness({ 'memory-budget': '64MiB' })
  const group = { ...GROUP, resourceNamespace: 'x'.repeat(3 * 1024 * 1024) }
  const large = Array.from({ length: 3 }, () => harness.receive({ group }))
  await harness.time.advance(200)
  expect(large.map(({ frames }) => frames[0]?.status?.code)).toEqual([undefined, undefined, Code.TOO_MANY_REQUESTS])
  await harness.time.advance(20 * SECOND)
  const next = harness.receive({ group })
  await sendAll(harness, message())
  expect(next.frames[0]?.status?.code).toBe(Code.OK)
})

test('receive: as many held messages as allowed → nothing is popped until some are acknowledged', async () => {
  const harness = await createHarness({ 'held-messages-max': '32' })
  await sendAll(harness, message())
  const first = harness.receive({ autoRenew: true })
  await harness.time.settle()
  const receiptHandle = first.frames[1]?.message?.systemProperties?.receiptHandle
  const second = harness.receive({ autoRenew: true })
  await harness.time.advance(200)
  expect(second.frames[0]?.status?.code).toBe(Code.TOO_MANY_REQUESTS)
  expect(harness.upstream.pops).toHaveLength(1)
  await harness.call(AckMessage, { group: GROUP, topic: TOPIC, entries: [{ receiptHandle }] })
  harness.receive({ autoRenew: true })
  await harness.time.settle()
  expect(harness.upstream.pops).toHaveLength(2)
})

test('receive: more polls wait than messages may be held → the messages of the last one are given back', async () => {
  const harness = await createHarness({ 'held-messages-max': '2' })
  const polls = Array.from({ length: 3 }, () => harness.receive({ batchSize: 1, autoRenew: true }))
  await harness.time.settle()
  await sendAll(harness, message(), message(), message())
  await harness.time.advance(200)
  expect(polls.map(({ frames }) => frames[0]?.status?.code).toSorted()).toEqual([
    Code.OK,
    Code.OK,
    Code.TOO_MANY_REQUESTS,
  ])
  expect(harness.upstream.changes).toMatchObject([{ invisibleMs: SECOND }])
})

test('receive: a group that consumes in order → the broker is told, with the name of the attempt', async () => {
  const harness = await createHarness()
  harness.upstream.groups.set(GROUP.name, { fifo: true, retryMax: 16, retryPolicy: { type: 'CUSTOMIZED' } })
  harness.receive({ attemptId: 'try-1' })
  await harness.time.settle()
  expect(harness.upstream.pops).toMatchObject([{ inOrder: true, attemptId: 'try-1' }])
})

test.each([
  [254, undefined],
  [255, undefined],
  [256, Code.BAD_REQUEST],
])('receive: an attempt_id of %d bytes → %s', async (bytes, code) => {
  const harness = await createHarness()
  const stream = harness.receive({ attemptId: 'a'.repeat(bytes) })
  await harness.time.advance(200)
  expect(stream.frames[0]?.status?.code).toBe(code)
  if (code !== undefined) expect(stream.frames[0]?.status?.message).toContain('attempt_id')
})
