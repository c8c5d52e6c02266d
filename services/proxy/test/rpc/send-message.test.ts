import { expect, jest, test } from '@jest/globals'
import {
  Code,
  Encoding,
  type MessageInit,
  MessagingService,
  MessageType,
  msToDuration,
  msToTimestamp,
} from '@rocketmq-ts/grpc/v2'
import { decodeProperties, MqError } from '@rocketmq-ts/model'
import { AVOID_MS } from '../../src/messaging/broker-health.ts'
import { routeOf } from '../fake-upstream.ts'
import { createHarness, message, TOPIC } from '../harness.ts'

const { SendMessage } = MessagingService

interface Row {
  readonly name: string
  readonly messages: readonly MessageInit[]
  readonly code: Code
  /** What the text of the status names. */
  readonly names: string
}

function system(systemProperties: MessageInit['systemProperties']): MessageInit[] {
  return [message({ systemProperties })]
}
function user(userProperties: Record<string, string>): MessageInit[] {
  return [message({ userProperties })]
}
function body(bytes: number): MessageInit[] {
  return [message({ body: new Uint8Array(bytes) })]
}
function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']))
}
const MIB = 1024 * 1024
// The tag and the keys of `message()` count too.
const OTHER_BYTES = 'TagA'.length + 'order-1'.length + 'order-2'.length
const filling = { k: 'v'.repeat(16_384 - OTHER_BYTES - 1) }
const overflowing = { k: 'v'.repeat(16_384 - OTHER_BYTES) }

const specials = [
  ['FIFO', system({ messageGroup: 'g' }), 'message_group'],
  ['TRANSACTION', system({ messageType: MessageType.TRANSACTION }), 'message_type'],
] as const

const CHANGE = 'leave it out, or change the topic with: rmq topic create Orders --type FIFO --update'

test.each(specials)(
  'send: a %s message to a NORMAL topic → conflict with topic, both types and the remedy',
  async (type, messages, field) => {
    const { call, upstream } = await createHarness()
    const { status } = await call(SendMessage, { messages })
    expect(status?.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE)
    expect(status?.message).toContain(`${field}: makes this a ${type} message, and topic 'Orders' takes NORMAL ones`)
    const change = CHANGE.replace('FIFO', type)
    expect(status?.message).toContain(change)
    expect(upstream.sent).toHaveLength(0)
  },
)

test('send: a NORMAL message to a topic of another type → conflict with the field to set; MIXED takes it', async () => {
  const fields = {
    FIFO: 'set message_group',
    DELAY: 'set delivery_timestamp',
    TRANSACTION: 'set message_type',
    LITE: 'send it to another topic',
  } as const
  for (const [type, remedy] of Object.entries(fields)) {
    const { call, upstream } = await createHarness()
    upstream.types.set('Orders', type as keyof typeof fields)
    const { status } = await call(SendMessage, { messages: [message()] })
    expect(status?.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE)
    expect(status?.message).toContain(`this is a NORMAL message, and topic 'Orders' takes ${type} ones: ${remedy}`)
    upstream.types.set('Orders', 'MIXED')
    expect((await call(SendMessage, { messages: [message()] })).status?.code).toBe(Code.OK)
  }
})

test('send: a delayed message → its time as a property, the handle of the broker in its entry', async () => {
  const { call, upstream, time } = await createHarness({ 'max-delay-time-mills': '10000' })
  upstream.types.set('Orders', 'DELAY')
  upstream.recallHandle = 'handle'
  const inMs = (ms: number) => system({ deliveryTimestamp: msToTimestamp(time.clock.nowMs() + ms) })
  for (const ms of [10_000, 9999, 1, -5000]) {
    const answer = await call(SendMessage, { messages: inMs(ms) })
    expect(answer.entries).toMatchObject([{ status: { code: Code.OK }, recallHandle: 'handle' }])
    const properties = decodeProperties(upstream.sent.at(-1)!.record.properties)
    expect(properties.get('TIMER_DELIVER_MS')).toBe(String(time.clock.nowMs() + ms))
  }
  const { status } = await call(SendMessage, { messages: inMs(10_001) })
  expect(status).toMatchObject({ code: Code.ILLEGAL_DELIVERY_TIME, message: expect.stringContaining('10001 ms') })
})

test('send: a delayed message to a NORMAL topic → conflict with the command that changes it', async () => {
  const { call, upstream, time } = await createHarness()
  const messages = system({ deliveryTimestamp: msToTimestamp(time.clock.nowMs() + 1000) })
  const { status } = await call(SendMessage, { messages })
  expect(status?.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE)
  expect(status?.message).toContain('rmq topic create Orders --type DELAY --update')
  expect(upstream.sent).toHaveLength(0)
})

test('send: no bound of the proxy on delays → the broker decides', async () => {
  const { call, upstream, time } = await createHarness({ 'max-delay-time-mills': '0' })
  upstream.types.set('Orders', 'MIXED')
  const messages = system({ deliveryTimestamp: msToTimestamp(time.clock.nowMs() + 1e11) })
  expect((await call(SendMessage, { messages })).status?.code).toBe(Code.OK)
})

test('send: the type of a topic → asked for once in a while, and again before a message is refused', async () => {
  const harness = await createHarness()
  const asked = jest.spyOn(harness.upstream, 'topicFacts')
  for (let round = 0; round < 3; round += 1) await harness.call(SendMessage, { messages: [message()] })
  expect(asked).toHaveBeenCalledTimes(1)
  harness.upstream.types.set('Orders', 'FIFO')
  const fifo = { messages: [message({ systemProperties: { messageGroup: 'g' } })] }
  expect((await harness.call(SendMessage, fifo)).status?.code).toBe(Code.OK)
  expect(asked).toHaveBeenCalledTimes(2)
})

test('send: messages of groups → each in the queue of its group, with the group as its property', async () => {
  const { call, upstream } = await createHarness()
  upstream.types.set('Orders', 'FIFO')
  const groups = ['a', 'group-1', 'order-42', 'fifo', '中文', 'a']
  for (const messageGroup of groups) {
    const { status } = await call(SendMessage, { messages: [message({ systemProperties: { messageGroup } })] })
    expect(status?.code).toBe(Code.OK)
  }
  expect(upstream.sent.map(({ record }) => record.queueId)).toEqual([0, 1, 3, 1, 3, 0])
  expect(upstream.sent.map(({ record }) => decodeProperties(record.properties).get('__SHARDINGKEY'))).toEqual(groups)
  const together = groups.map((messageGroup) => message({ systemProperties: { messageGroup } }))
  const { entries } = await call(SendMessage, { messages: together })
  expect(entries).toHaveLength(groups.length)
  expect(upstream.sent.slice(6).map(({ record }) => record.queueId)).toEqual([0, 1, 3, 1, 3, 0])
})

test('send: the broker of a message group is away → an error; no other broker gets the message', async () => {
  const { call, upstream } = await createHarness()
  upstream.types.set('Orders', 'FIFO')
  upstream.routes.set('Orders', routeOf('Orders', { brokerName: 'a' }, { brokerName: 'b' }))
  const asked: string[] = []
  upstream.sendFault = (brokerName) => {
    asked.push(brokerName)
    return new MqError('unavailable', 'away')
  }
  const { status } = await call(SendMessage, { messages: [message({ systemProperties: { messageGroup: 'group-1' } })] })
  expect(status?.code).not.toBe(Code.OK)
  expect(asked).toEqual(['b'])
})

test.each([
  ['MESSAGE_ID', [{ messageId: 'one' }, { messageId: 'two' }, { messageId: 'one' }], [0, 1, 0]],
  ['KEY', [{ keys: ['order-42'] }, { keys: ['a', 'b'] }, { keys: ['order-42'] }], [3, 2, 3]],
] as const)(
  'send: a topic that knows what it has by %s → equal ones to one queue, whoever sends them',
  async (by, all, queues) => {
    const { call, upstream } = await createHarness()
    upstream.dedup.set('Orders', by)
    for (const systemProperties of all) {
      const { status } = await call(SendMessage, { messages: [message({ systemProperties })] })
      expect(status?.code).toBe(Code.OK)
    }
    expect(upstream.sent.map(({ record }) => record.queueId)).toEqual(queues)
  },
)

test('send: a broker of a topic with an order is in no route → its groups wait for it, the others stay where they were', async () => {
  const { call, upstream } = await createHarness()
  const groups = ['a', 'group-1', 'order-42', 'fifo', '中文']
  upstream.types.set('Orders', 'FIFO')
  upstream.shardingQueues.set('Orders', [
    { brokerName: 'a', queues: 4 },
    { brokerName: 'b', queues: 4 },
  ])
  const both = routeOf('Orders', { brokerName: 'a' }, { brokerName: 'b' })
  async function placesOf(route: typeof both): Promise<string[]> {
    upstream.routes.set('Orders', route)
    upstream.sent.length = 0
    for (const messageGroup of groups) {
      await call(SendMessage, { messages: [message({ systemProperties: { messageGroup } })] })
    }
    return upstream.sent.map(({ brokerName, record }) => `${brokerName} ${record.queueId}`)
  }
  expect(await placesOf(both)).toEqual(['a 0', 'b 3', 'a 3', 'b 1', 'a 3'])
  expect(await placesOf(routeOf('Orders', { brokerName: 'a' }))).toEqual(['a 0', 'b 3', 'a 3', 'b 1', 'a 3'])
  const drained = routeOf('Orders', { brokerName: 'a' }, { brokerName: 'b', writable: false })
  expect(await placesOf(drained)).toEqual(['a 0', 'a 1', 'a 3', 'a 1', 'a 3'])
})

test('send: a message of a group fails → those of its group behind it are not sent, those of other groups are', async () => {
  const { call, upstream } = await createHarness()
  upstream.types.set('Orders', 'FIFO')
  let asked = 0
  upstream.sendFault = () => ((asked += 1) === 1 ? new MqError('busy', 'for a moment') : undefined)
  const groups = ['group-1', 'group-1', 'a', 'group-1']
  const messages = groups.map((messageGroup) => message({ systemProperties: { messageGroup } }))
  const { entries } = await call(SendMessage, { messages })
  expect(entries?.map(({ status }) => status?.code === Code.OK)).toEqual([false, false, true, false])
  expect(upstream.sent.map(({ record }) => record.queueId)).toEqual([0])
})

test('send: messages of a group take all of the time → those behind them fail without being sent', async () => {
  const { ask, upstream, time } = await createHarness()
  upstream.types.set('Orders', 'FIFO')
  const store = upstream.send.bind(upstream)
  upstream.send = async (...sending) => {
    await new Promise<void>((resolve) => time.scheduler.after(2000, resolve))
    return store(...sending)
  }
  const messages = Array.from({ length: 3 }, () => message({ systemProperties: { messageGroup: 'group-1' } }))
  const answer = ask(SendMessage, { messages })
  await time.advance(6000)
  const { entries } = await answer
  expect(entries?.map(({ status }) => status?.code)).toEqual([Code.OK, Code.OK, Code.PROXY_TIMEOUT])
  expect(entries?.[2]?.status?.message).toContain("group 'group-1'")
  expect(upstream.sent).toHaveLength(2)
})

test('send: a message of a transaction → a half message; its id is answered, and others have none', async () => {
  const { call, upstream } = await createHarness()
  upstream.types.set('Orders', 'TRANSACTION')
  upstream.sendFault = (brokerName) => ({
    queueOffset: 7,
    transactionId: `1.7.5.${brokerName}`,
    recallHandle: '',
    copies: 'kept',
  })
  const half = system({ messageType: MessageType.TRANSACTION })
  const answer = await call(SendMessage, { messages: half })
  expect(answer.entries).toMatchObject([{ messageId: 'MSG-1', transactionId: '1.7.5.broker-a', offset: 7 }])
  upstream.sendFault = undefined
  const recovery = { orphanedTransactionRecoveryDuration: msToDuration(1500) }
  const asking = system({ messageType: MessageType.TRANSACTION, ...recovery })
  for (const messages of [half, asking]) expect((await call(SendMessage, { messages })).status?.code).toBe(Code.OK)
  const sent = upstream.sent.map(({ record }) => ({ record, properties: decodeProperties(record.properties) }))
  expect(sent.map(({ record }) => record.sysFlag)).toEqual([4, 4])
  expect(sent.map(({ properties }) => properties.get('TRAN_MSG'))).toEqual(['true', 'true'])
  expect(sent.map(({ properties }) => properties.get('PGROUP'))).toEqual(['Orders', 'Orders'])
  expect(sent.map(({ properties }) => properties.get('CHECK_IMMUNITY_TIME_IN_SECONDS'))).toEqual([undefined, '2'])
})

test('send: a recovery duration of one hour → taken; more, or less than nothing → BAD_REQUEST', async () => {
  const codes: (Code | undefined)[] = []
  for (const ms of [3_600_000, 3_600_001, -1]) {
    const { call, upstream } = await createHarness()
    upstream.types.set('Orders', 'TRANSACTION')
    const orphanedTransactionRecoveryDuration = msToDuration(ms)
    const messages = system({ messageType: MessageType.TRANSACTION, orphanedTransactionRecoveryDuration })
    codes.push((await call(SendMessage, { messages })).status?.code)
  }
  expect(codes).toEqual([Code.OK, Code.BAD_REQUEST, Code.BAD_REQUEST])
})

const ofSystemProperties: readonly (readonly [
  name: string,
  properties: MessageInit['systemProperties'],
  code: Code,
  names: string,
])[] = [
  ['a blank group', { messageGroup: ' ' }, Code.ILLEGAL_MESSAGE_GROUP, 'message_group'],
  ['an empty group', { messageGroup: '' }, Code.ILLEGAL_MESSAGE_GROUP, 'message_group'],
  ['a group with a control', { messageGroup: 'a\u0001' }, Code.ILLEGAL_MESSAGE_GROUP, 'message_group'],
  ['a group of 64 bytes', { messageGroup: 'g'.repeat(64) }, Code.ILLEGAL_MESSAGE_GROUP, '64 bytes'],
  ['a group of 22 characters in 66 bytes', { messageGroup: '中'.repeat(22) }, Code.ILLEGAL_MESSAGE_GROUP, '66 bytes'],
  [
    'a group of 63 bytes, to a NORMAL topic',
    { messageGroup: 'g'.repeat(63) },
    Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
    'message_group',
  ],
  ['an empty tag', { tag: '' }, Code.OK, 'OK'],
  ['a blank tag', { tag: ' ' }, Code.ILLEGAL_MESSAGE_TAG, 'tag'],
  ['a tag with |', { tag: 'a|b' }, Code.ILLEGAL_MESSAGE_TAG, 'tag'],
  ['a tag with a control', { tag: 'a\u0085' }, Code.ILLEGAL_MESSAGE_TAG, 'tag'],
  ['a blank key', { keys: ['a', ' '] }, Code.ILLEGAL_MESSAGE_KEY, 'keys'],
  ['a key with a control', { keys: ['a\n'] }, Code.ILLEGAL_MESSAGE_KEY, 'keys'],
  ['a blank id', { messageId: ' ' }, Code.ILLEGAL_MESSAGE_ID, 'message_id'],
  ['an id of 256 characters', { messageId: 'i'.repeat(256) }, Code.ILLEGAL_MESSAGE_ID, 'message_id'],
  ['a host of birth of 256 characters', { bornHost: 'h'.repeat(256) }, Code.MESSAGE_PROPERTIES_TOO_LARGE, 'born_host'],
  ['a host of birth with a separator', { bornHost: 'h\u0002POP_CK\u0001x' }, Code.MESSAGE_CORRUPTED, 'born_host'],
  [
    'a trace context of 1,025 characters',
    { traceContext: 't'.repeat(1025) },
    Code.MESSAGE_PROPERTIES_TOO_LARGE,
    'trace_context',
  ],
  [
    'a transaction with a message group',
    { messageType: MessageType.TRANSACTION, messageGroup: 'g' },
    Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
    'message_group',
  ],
  [
    'a transaction with a delay',
    { messageType: MessageType.TRANSACTION, deliveryTimestamp: msToTimestamp(1_700_000_000_000) },
    Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
    'delivery_timestamp',
  ],
  ['a priority', { priority: 1 }, Code.NOT_IMPLEMENTED, 'priority'],
  ['a lite topic', { liteTopic: 'l' }, Code.NOT_IMPLEMENTED, 'lite'],
  [
    'the noise C++ clients put into the attempt, and hints that mean nothing',
    { deliveryAttempt: -17, queueId: 99, orphanedTransactionRecoveryDuration: msToDuration(1) },
    Code.OK,
    'OK',
  ],
]

const rows: readonly Row[] = [
  ...ofSystemProperties.map(([name, properties, code, names]) => ({ name, messages: system(properties), code, names })),
  { name: 'a plain message', messages: [message()], code: Code.OK, names: 'OK' },
  { name: 'no message', messages: [], code: Code.MESSAGE_CORRUPTED, names: 'messages' },
  {
    name: 'messages of two topics',
    messages: [message(), message({ topic: { name: 'Other' } })],
    code: Code.MESSAGE_CORRUPTED,
    names: 'messages',
  },
  { name: 'no topic', messages: [message({ topic: null })], code: Code.ILLEGAL_TOPIC, names: 'topic' },
  { name: 'a blank topic', messages: [message({ topic: { name: ' ' } })], code: Code.ILLEGAL_TOPIC, names: 'topic' },
  {
    name: 'a topic of 128 characters',
    messages: [message({ topic: { name: 't'.repeat(128) } })],
    code: Code.ILLEGAL_TOPIC,
    names: 'topic',
  },
  {
    name: 'a topic of 127 characters',
    messages: [message({ topic: { name: 't'.repeat(127) } })],
    code: Code.TOPIC_NOT_FOUND,
    names: 'ttt',
  },
  {
    name: 'a topic with a dot',
    messages: [message({ topic: { name: 'a.b' } })],
    code: Code.ILLEGAL_TOPIC,
    names: 'topic',
  },
  {
    name: 'a topic of the system',
    messages: [message({ topic: { name: 'rmq_sys_X' } })],
    code: Code.ILLEGAL_TOPIC,
    names: 'rmq_sys_X',
  },
  { name: 'an empty body', messages: body(0), code: Code.MESSAGE_BODY_EMPTY, names: 'body' },
  { name: 'a body of 4 MiB', messages: body(4 * MIB), code: Code.OK, names: 'OK' },
  { name: 'a body beyond 4 MiB', messages: body(4 * MIB + 1), code: Code.MESSAGE_BODY_TOO_LARGE, names: 'body' },
  { name: '128 user properties', messages: user(many(128)), code: Code.OK, names: 'OK' },
  {
    name: '129 user properties',
    messages: user(many(129)),
    code: Code.MESSAGE_PROPERTIES_TOO_LARGE,
    names: 'user_properties',
  },
  { name: '16384 bytes of properties', messages: user(filling), code: Code.OK, names: 'OK' },
  {
    name: '16385 bytes of properties',
    messages: user(overflowing),
    code: Code.MESSAGE_PROPERTIES_TOO_LARGE,
    names: 'user_properties',
  },
  {
    name: 'a reserved property',
    messages: user({ UNIQ_KEY: 'x' }),
    code: Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    names: 'UNIQ_KEY',
  },
  {
    name: 'a control character in a value',
    messages: user({ a: 'b\u0002' }),
    code: Code.ILLEGAL_MESSAGE_PROPERTY_KEY,
    names: 'user_properties',
  },
  {
    name: 'a property that would make it FIFO',
    messages: user({ __SHARDINGKEY: 'x' }),
    code: Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
    names: '__SHARDINGKEY',
  },
]

test.each(rows)('send: $name → its code, and the field named', async ({ messages, code, names }) => {
  const harness = await createHarness()
  const answer = await harness.call(SendMessage, { messages })
  expect(answer.status?.code).toBe(code)
  expect(answer.status?.message).toContain(names)
  expect(harness.upstream.sent).toHaveLength(code === Code.OK ? 1 : 0)
})

test('send: a message → stored with its system properties as properties, body untouched', async () => {
  const { call, upstream } = await createHarness()
  const answer = await call(SendMessage, { messages: [message({ systemProperties: { traceContext: 'trace-7' } })] })
  expect(answer.entries).toHaveLength(1)
  expect(answer.entries[0]).toMatchObject({ messageId: 'MSG-1', offset: 0, status: { code: Code.OK } })
  const record = upstream.sent[0]!.record
  expect(record).toMatchObject({
    topic: TOPIC.name,
    producerGroup: TOPIC.name,
    sysFlag: 0,
    bornTimestampMs: 1_700_000_000_005,
  })
  expect(Buffer.from(record.body).toString()).toBe('hello')
  expect(Object.fromEntries(decodeProperties(record.properties))).toEqual({
    color: 'red',
    TAGS: 'TagA',
    KEYS: 'order-1 order-2',
    UNIQ_KEY: 'MSG-1',
    TRACE_CONTEXT: 'trace-7',
    __BORNHOST: 'laptop',
    BORN_TIMESTAMP: '1700000000005',
    PGROUP: TOPIC.name,
  })
})

test('send: no born host → the address of the client; a compressed body → the flag, bytes as they came', async () => {
  const { call, upstream } = await createHarness()
  const zlib = Uint8Array.from([0x78, 0x9c, 1, 2, 3])
  const systemProperties = { bornHost: '', bodyEncoding: Encoding.GZIP }
  await call(SendMessage, { messages: [message({ body: zlib, systemProperties })] })
  const record = upstream.sent[0]!.record
  expect(decodeProperties(record.properties).get('__BORNHOST')).toBe('127.0.0.1')
  expect(record.sysFlag).toBe(1)
  expect([...record.body]).toEqual([...zlib])
})

test('send: eight requests → each writable queue in turn, never one beyond the write queues', async () => {
  const { call, upstream } = await createHarness()
  upstream.routes.set(
    TOPIC.name,
    routeOf(
      TOPIC.name,
      { brokerName: 'a', writeQueues: 2, readQueues: 8 },
      { brokerName: 'b', writable: false },
      { brokerName: 'c', writeQueues: 2 },
    ),
  )
  for (let count = 0; count < 8; count += 1) await call(SendMessage, { messages: [message()] })
  const places = upstream.sent.map(({ brokerName, record }) => `${brokerName}${record.queueId}`)
  expect(places.join(' ')).toBe('a0 a1 c0 c1 a0 a1 c0 c1')
})

test('send: no writable queue → FORBIDDEN', async () => {
  const { call, upstream } = await createHarness()
  upstream.routes.set(TOPIC.name, routeOf(TOPIC.name, { writable: false }))
  const answer = await call(SendMessage, { messages: [message()] })
  expect(answer.status).toMatchObject({ code: Code.FORBIDDEN, message: expect.stringContaining('no writable queue') })
})

test.each([
  ['can not be reached', 'unavailable'],
  ['has a full disk', 'disk-full'],
  ['has a broken disk', 'store-refused'],
] as const)('send: a broker that %s → the next broker takes the message', async (_, failure) => {
  const { call, upstream } = await createHarness()
  upstream.routes.set(TOPIC.name, routeOf(TOPIC.name, { brokerName: 'dead' }, { brokerName: 'well' }))
  upstream.sendFault = (brokerName) => (brokerName === 'dead' ? new MqError(failure, 'refused') : undefined)
  const answer = await call(SendMessage, { messages: [message()] })
  expect(answer.status?.code).toBe(Code.OK)
  expect(upstream.sent.map(({ brokerName }) => brokerName)).toEqual(['well'])
})

test('send: a broker stops answering → others take all, it is left out for a while, then tried again', async () => {
  const { call, upstream, time, events } = await createHarness()
  upstream.routes.set(TOPIC.name, routeOf(TOPIC.name, { brokerName: 'dead' }, { brokerName: 'well' }))
  let tries = 0
  upstream.sendFault = (brokerName) => {
    if (brokerName !== 'dead') return undefined
    tries += 1
    return new MqError(tries === 1 ? 'unavailable' : 'closed', 'gone')
  }
  const send = async (): Promise<void> => {
    expect((await call(SendMessage, { messages: [message()] })).status?.code).toBe(Code.OK)
  }
  for (let count = 0; count < 16; count += 1) await send()
  expect(tries).toBe(1)
  await time.advance(AVOID_MS)
  for (let count = 0; count < 16; count += 1) await send()
  expect(tries).toBe(2)
  upstream.sendFault = undefined
  await time.advance(AVOID_MS)
  for (let count = 0; count < 16; count += 1) await send()
  expect(upstream.sent.filter(({ brokerName }) => brokerName === 'dead').length).toBeGreaterThan(0)
  expect(events.filter(({ event }) => event === 'broker.away')).toHaveLength(1)
})

test('send: two of three brokers stop at once → the third one takes the message', async () => {
  const { call, upstream } = await createHarness()
  const route = routeOf(TOPIC.name, { brokerName: 'a' }, { brokerName: 'b' }, { brokerName: 'c' })
  upstream.routes.set(TOPIC.name, route)
  upstream.sendFault = (brokerName) => (brokerName === 'c' ? undefined : new MqError('unavailable', 'gone'))
  expect((await call(SendMessage, { messages: [message()] })).status?.code).toBe(Code.OK)
  expect(upstream.sent.map(({ brokerName }) => brokerName)).toEqual(['c'])
})

test.each([
  ['timeout', Code.PROXY_TIMEOUT],
  ['busy', Code.TOO_MANY_REQUESTS],
  ['closed', Code.PROXY_TIMEOUT],
  ['unavailable', Code.PROXY_TIMEOUT],
  ['disk-full', Code.INTERNAL_SERVER_ERROR],
  ['store-refused', Code.INTERNAL_SERVER_ERROR],
  ['not-implemented', Code.NOT_IMPLEMENTED],
] as const)('send: the broker fails with %s → code %i, and no second attempt', async (failure, code) => {
  const { call, upstream } = await createHarness()
  let attempts = 0
  upstream.sendFault = () => {
    attempts += 1
    return new MqError(failure, 'because')
  }
  const answer = await call(SendMessage, { messages: [message()] })
  expect(answer.status?.code).toBe(code)
  expect(answer.entries).toMatchObject([{ messageId: 'MSG-1', status: { code } }])
  expect(attempts).toBe(1)
})

test.each([
  ['flush-timeout', Code.MASTER_PERSISTENCE_TIMEOUT],
  ['replica-timeout', Code.SLAVE_PERSISTENCE_TIMEOUT],
  ['replica-missing', Code.HA_NOT_AVAILABLE],
] as const)('send: stored, but %s → entry with id, offset and code %i', async (copies, code) => {
  const { call, upstream } = await createHarness()
  upstream.sendFault = () => ({ queueOffset: 41, transactionId: '', recallHandle: '', copies })
  const answer = await call(SendMessage, { messages: [message()] })
  expect(answer.status?.code).toBe(code)
  expect(answer.entries).toMatchObject([{ messageId: 'MSG-1', offset: 41, status: { code } }])
})

test('send: several messages → one entry each in order; different codes → MULTIPLE_RESULTS', async () => {
  const { call, upstream } = await createHarness()
  const messages = ['A', 'B', 'C'].map((messageId) => message({ systemProperties: { messageId } }))
  const first = await call(SendMessage, { messages })
  expect(first.status?.code).toBe(Code.OK)
  expect(first.entries.map(({ messageId, offset }) => [messageId, offset])).toEqual([
    ['A', 0],
    ['B', 1],
    ['C', 2],
  ])
  let calls = 0
  upstream.sendFault = () => ((calls += 1) === 2 ? new MqError('busy', 'full') : undefined)
  const second = await call(SendMessage, { messages })
  expect(second.status?.code).toBe(Code.MULTIPLE_RESULTS)
  expect(second.entries.map(({ status }) => status?.code)).toEqual([Code.OK, Code.TOO_MANY_REQUESTS, Code.OK])
})

const good = message()
const badTag = message({ systemProperties: { tag: 'a|b' } })
const badBody = message({ body: Buffer.alloc(0) })
const inGroup = (messageGroup: string, tag = '') => message({ systemProperties: { messageGroup, tag } })
const { OK, MULTIPLE_RESULTS, ILLEGAL_MESSAGE_TAG, MESSAGE_BODY_EMPTY, MESSAGE_PROPERTY_CONFLICT_WITH_TYPE } = Code

interface BatchRow {
  readonly name: string
  readonly messages: readonly MessageInit[]
  readonly code: Code
  /** Codes of the entries; none: the request as a whole is refused. */
  readonly entries: readonly Code[]
  readonly type?: 'FIFO' | 'MIXED'
}

const batches: readonly BatchRow[] = [
  { name: 'all are good', messages: [good, good, good], code: OK, entries: [OK, OK, OK] },
  { name: 'the first is bad', messages: [badTag, good], code: MULTIPLE_RESULTS, entries: [ILLEGAL_MESSAGE_TAG, OK] },
  { name: 'the last is bad', messages: [good, badTag], code: MULTIPLE_RESULTS, entries: [OK, ILLEGAL_MESSAGE_TAG] },
  {
    name: 'all are bad in the same way',
    messages: [badTag, badTag],
    code: ILLEGAL_MESSAGE_TAG,
    entries: [ILLEGAL_MESSAGE_TAG, ILLEGAL_MESSAGE_TAG],
  },
  {
    name: 'all are bad, each in its own way',
    messages: [badTag, badBody],
    code: MULTIPLE_RESULTS,
    entries: [ILLEGAL_MESSAGE_TAG, MESSAGE_BODY_EMPTY],
  },
  { name: 'a single one is bad', messages: [badTag], code: ILLEGAL_MESSAGE_TAG, entries: [] },
  {
    name: 'one is of another type than the topic',
    messages: [good, inGroup('g'), good],
    code: MULTIPLE_RESULTS,
    entries: [OK, MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, OK],
  },
  {
    name: 'one is bad, one of another type',
    messages: [inGroup('g'), badTag, good],
    code: MULTIPLE_RESULTS,
    entries: [MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, ILLEGAL_MESSAGE_TAG, OK],
  },
  {
    name: 'one of a group is bad: those of its group behind it wait for it, no others',
    messages: [inGroup('a'), inGroup('b'), inGroup('a', 'a|b'), inGroup('a'), inGroup('b')],
    code: MULTIPLE_RESULTS,
    entries: [OK, OK, ILLEGAL_MESSAGE_TAG, ILLEGAL_MESSAGE_TAG, OK],
    type: 'FIFO',
  },
  {
    name: 'of two topics',
    messages: [good, message({ topic: { name: 'Other' } })],
    code: Code.MESSAGE_CORRUPTED,
    entries: [],
  },
  { name: 'none', messages: [], code: Code.MESSAGE_CORRUPTED, entries: [] },
]

test.each(batches.map((row) => [row.name, row] as const))(
  'send: several, %s → an entry each, and only what is good is stored',
  async (_name, row) => {
    const { call, upstream } = await createHarness()
    if (row.type !== undefined) upstream.types.set(TOPIC.name, row.type)
    const messages = row.messages.map((each, index) => ({
      ...each,
      systemProperties: { ...each.systemProperties, messageId: `ID-${index}` },
    }))
    const { status, entries } = await call(SendMessage, { messages })
    expect(status?.code).toBe(row.code)
    expect(entries.map((entry) => entry.status?.code)).toEqual(row.entries)
    expect(entries.map(({ messageId }) => messageId)).toEqual(row.entries.map((_, index) => `ID-${index}`))
    const stored = row.entries.flatMap((code, index) => (code === OK ? [`ID-${index}`] : []))
    expect(upstream.sent.map(({ record }) => decodeProperties(record.properties).get('UNIQ_KEY'))).toEqual(stored)
  },
)

test.each([
  [-1, OK],
  [0, OK],
  [1, Code.MESSAGE_CORRUPTED],
])('send: as many messages as one request may have, %i → its code, and all or none are stored', async (more, code) => {
  const { call, upstream } = await createHarness({ 'messages-per-send-max': '8' })
  const messages = Array.from({ length: 8 + more }, () => good)
  const { status, entries } = await call(SendMessage, { messages })
  const stored = code === OK ? 8 + more : 0
  expect([status?.code, entries.length, upstream.sent.length]).toEqual([code, stored, stored])
})

test('send: several of one topic → all in the same queue, in their order', async () => {
  const { call, upstream } = await createHarness()
  const messages = Array.from({ length: 5 }, (_, index) => message({ body: Buffer.from(`${index}`) }))
  const { entries } = await call(SendMessage, { messages })
  expect(new Set(upstream.sent.map(({ record }) => record.queueId)).size).toBe(1)
  expect(upstream.sent.map(({ record }) => Buffer.from(record.body).toString())).toEqual(['0', '1', '2', '3', '4'])
  expect(entries.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4])
})

test('send: a request that is no protobuf → INVALID_ARGUMENT, and the next one is answered', async () => {
  const { client, call, time } = await createHarness()
  const metadata = new Map([['x-mq-client-id', 'c']])
  const answering = client.unary(SendMessage.path, Uint8Array.from([0xff, 0xff]), { metadata })
  await time.settle()
  expect((await answering).status).toBe(3)
  expect((await call(SendMessage, { messages: [message()] })).status?.code).toBe(Code.OK)
})
