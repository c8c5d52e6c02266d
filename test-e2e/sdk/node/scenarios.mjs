// Runs named scenarios with the official Node client. Arguments: endpoints joined by ',', prefix of topics and groups,
// scenarios (`name@endpoints` where one needs its own). All run side by side and print a JSON line each, {scenario, ok,
// detail} or {scenario, none}; the clients go on until the input ends.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { format } from 'node:util'
import { ConsumeResult, FilterExpression, Producer, PushConsumer, SimpleConsumer } from 'rocketmq-client-nodejs'
import { startSession } from './session.mjs'

const [endpointList, prefix, ...wanted] = process.argv.slice(2)
const endpoints = endpointList.split(',')
const AWAIT_MS = 1_000
/** More than the default of 3 s: the machine may be busy. */
const REQUEST_MS_MAX = 10_000
const INVISIBLE_MS = 30_000
const SHORT_INVISIBLE_MS = 1_000
const SCENARIO_MS_MAX = 60_000
/** FilterType.SQL of the definitions, which the client does not export. */
const SQL = 2
const SESSION_PAUSE_MS = 150
/** Longer than anything that ends what is idle. */
const IDLE_PAUSE_MS = 150_000
/** The client's default. */
const SESSION_REQUEST_MS_MAX = 3_000
/** The operator's command included. */
const TOLD_MS_MAX = 30_000
const POLL_MS = 20
const FEW = 4
const MANY = 60
const CACHED_MAX = 4
const DELAY_MS = 3_000
/** Long enough for a busy machine to recall it before. */
const RECALLED_MS = 10_000
/** Ended by their sender, or when it is asked. */
const TRANSACTIONS = ['commit now', 'rollback now', 'commit when asked', 'rollback when asked']
const COMMITTED = ['commit now', 'commit when asked']
/** Bodies and their keys. */
const DUPLICATES = [
  ['first', 'one'],
  ['second', 'one'],
  ['third', 'other'],
]
const STORED_ONCE = ['first', 'third']
const BODY_BYTES_MAX = 4 * 1024 * 1024
const ROOM_FOR_HEADERS = 64 * 1024

const tell =
  (level) =>
  (...values) =>
    console.error(level, format(...values))
const logger = { debug() {}, info() {}, warn: tell('WARN'), error: tell('ERROR') }

const open = []
let clients = 0

/** Starts a client at the next of the endpoints; it is closed at the end. */
async function start(Client, options) {
  const common = { endpoints: endpoints[clients++ % endpoints.length], logger, requestTimeout: REQUEST_MS_MAX }
  const client = new Client({ ...common, ...options })
  await client.startup()
  open.push(client)
  return client
}

const startProducer = (topic, options = {}) => start(Producer, { topic, ...options })
const startSimple = (topic, consumerGroup, expression = '*', options = {}) =>
  start(SimpleConsumer, {
    consumerGroup,
    awaitDuration: AWAIT_MS,
    subscriptions: new Map([[topic, expression]]),
    ...options,
  })
const startPush = (topic, consumerGroup, consume, options = { maxCacheMessageCount: CACHED_MAX }) =>
  start(PushConsumer, {
    consumerGroup,
    subscriptions: new Map([[topic, '*']]),
    messageListener: { consume },
    ...options,
  })

function expect(holds, otherwise) {
  if (!holds) throw new Error(otherwise)
}

function expectSame(got, wanted, what) {
  const [gotText, wantedText] = [got, wanted].map((value) => JSON.stringify(value))
  expect(gotText === wantedText, `${what}: ${gotText}, not ${wantedText}`)
}

const bodies = (count) => Array.from({ length: count }, (_, index) => `message ${index}`)
const sorted = (items) => items.toSorted()

async function sendAll(producer, topic, texts) {
  const ids = []
  for (const text of texts) ids.push((await producer.send({ topic, body: Buffer.from(text) })).messageId)
  return ids
}

/** Receives and acknowledges until there are so many, and what else comes in one more receive of each endpoint. */
async function receiveAll(consumer, count) {
  const messages = []
  const receive = async () => {
    for (const message of await consumer.receive(32, INVISIBLE_MS)) {
      await consumer.ack(message)
      messages.push(message)
    }
  }
  const endMs = performance.now() + SCENARIO_MS_MAX
  while (messages.length < count && performance.now() < endMs) await receive()
  for (let extra = 0; extra < endpoints.length; extra += 1) await receive()
  return messages
}

/** A listener that collects what it is given, and a promise for the moment when there is enough. */
function collector(count, resultOf = () => ConsumeResult.SUCCESS) {
  const messages = []
  const enough = Promise.withResolvers()
  const consume = (message) => {
    messages.push(message)
    if (messages.length >= count) enough.resolve()
    return resultOf(message)
  }
  return { messages, enough: enough.promise, consume }
}

const idsOf = (messages) => sorted(messages.map(({ messageId }) => messageId))

/** Sends messages with the client's options and receives them. */
async function roundTrip(topic, options = {}) {
  const producer = await startProducer(topic, options)
  const ids = await sendAll(producer, topic, bodies(FEW))
  const consumer = await startSimple(topic, topic, '*', options)
  expectSame(idsOf(await receiveAll(consumer, FEW)), sorted(ids), 'received')
}

async function filter(topic, expression, wantedTags) {
  const producer = await startProducer(topic)
  for (const [index, tag] of ['A', 'B', 'C', undefined, 'A'].entries()) {
    await producer.send({ topic, tag, properties: new Map([['number', `${index + 1}`]]), body: Buffer.from('x') })
  }
  const consumer = await startSimple(topic, topic, expression)
  const messages = await receiveAll(consumer, wantedTags.length)
  expectSame(sorted(messages.map(({ tag }) => tag || '-')), wantedTags, `tags for ${expression}`)
}

/** The first deliveries fail; returns the attempts that the listener saw. */
async function failing(topic, attempts, isFailure) {
  const producer = await startProducer(topic)
  const [id] = await sendAll(producer, topic, bodies(1))
  const { messages, enough, consume } = collector(attempts, (message) =>
    isFailure(message.deliveryAttempt) ? ConsumeResult.FAILURE : ConsumeResult.SUCCESS,
  )
  await startPush(topic, topic, consume)
  await enough
  const seen = messages.map(({ messageId, deliveryAttempt }) => `${messageId} ${deliveryAttempt}`)
  expectSame(
    seen,
    Array.from({ length: attempts }, (_, index) => `${id} ${index + 1}`),
    'deliveries',
  )
  return id
}

const MESSAGE_GROUPS = ['a', 'b']
const ORDERED_EACH = 6

/** So many messages of each group in turn. */
async function sendInOrder(topic) {
  const producer = await startProducer(topic)
  for (let number = 0; number < ORDERED_EACH; number += 1) {
    for (const messageGroup of MESSAGE_GROUPS) {
      await producer.send({ topic, messageGroup, body: Buffer.from(`${messageGroup} ${number}`) })
    }
  }
}

/** Bodies of each group in the order in which they came; one of them twice where it failed. */
function expectInOrder(messages, failing = '') {
  const texts = messages.map(({ body }) => body.toString())
  for (const group of MESSAGE_GROUPS) {
    const wanted = Array.from({ length: ORDERED_EACH }, (_, number) => `${group} ${number}`)
    const came = texts.filter((text) => text.startsWith(group))
    expectSame(
      came,
      wanted.flatMap((text) => (text === failing ? [text, text] : [text])),
      `group ${group}`,
    )
  }
}

async function pushInOrder(topic, failing = '') {
  await sendInOrder(topic)
  const isFailure = ({ body, deliveryAttempt }) => body.toString() === failing && deliveryAttempt === 1
  const count = MESSAGE_GROUPS.length * ORDERED_EACH + (failing === '' ? 0 : 1)
  const { messages, enough, consume } = collector(count, (message) =>
    isFailure(message) ? ConsumeResult.FAILURE : ConsumeResult.SUCCESS,
  )
  await startPush(topic, topic, consume)
  await enough
  expectInOrder(messages, failing)
}

async function expectBodies(topic, sent) {
  const producer = await startProducer(topic)
  for (const body of sent) await producer.send({ topic, body })
  const consumer = await startSimple(topic, topic)
  const got = (await receiveAll(consumer, sent.length)).map(({ body }) => body.toString('hex'))
  const same = JSON.stringify(sorted(got)) === JSON.stringify(sorted(sent.map((body) => body.toString('hex'))))
  expect(same, `bodies differ: ${got.map((hex) => `${hex.length / 2} bytes ${hex.slice(0, 40)}`).join(', ')}`)
}

/** It goes on until the input ends. */
async function session(name, topic, ownEndpoints, pauseMs) {
  const options = { requestTimeout: SESSION_REQUEST_MS_MAX, ...(ownEndpoints && { endpoints: ownEndpoints }) }
  await startSession({
    name,
    topic,
    pauseMs,
    producer: await startProducer(topic, options),
    simple: await startSimple(topic, `${topic}-simple`, '*', options),
    startPush: (consume) => startPush(topic, `${topic}-push`, consume, options),
    hasEnded: () => hasEnded,
  })
}

const ONLY_PROMISES = { none: 'every call returns a promise' }

const SCENARIOS = {
  'send-sync': () => ONLY_PROMISES,
  async 'send-async'(topic) {
    const producer = await startProducer(topic)
    const receipts = await Promise.all(bodies(FEW).map((text) => producer.send({ topic, body: Buffer.from(text) })))
    const consumer = await startSimple(topic, topic)
    expectSame(idsOf(await receiveAll(consumer, FEW)), idsOf(receipts), 'received')
  },
  'send-batch': () => ({ none: 'a request has one message' }),
  'receive-sync': () => ONLY_PROMISES,
  'receive-async': (topic) => roundTrip(topic),
  async 'change-invisible'(topic) {
    const producer = await startProducer(topic)
    const [id] = await sendAll(producer, topic, bodies(1))
    const consumer = await startSimple(topic, topic)
    const seen = []
    const endMs = performance.now() + INVISIBLE_MS
    while (seen.length < 2 && performance.now() < endMs) {
      for (const message of await consumer.receive(1, INVISIBLE_MS)) {
        seen.push(`${message.messageId} ${message.deliveryAttempt}`)
        await consumer.changeInvisibleDuration(message, seen.length === 1 ? SHORT_INVISIBLE_MS : INVISIBLE_MS)
        if (seen.length === 2) await consumer.ack(message)
      }
    }
    expectSame(seen, [`${id} 1`, `${id} 2`], 'deliveries')
  },
  async push(topic) {
    const producer = await startProducer(topic)
    const ids = await sendAll(producer, topic, bodies(FEW))
    const { messages, enough, consume } = collector(FEW)
    await startPush(topic, topic, consume)
    await enough
    expectSame(idsOf(messages), sorted(ids), 'pushed')
    expect(
      messages.every(({ deliveryAttempt }) => deliveryAttempt === 1),
      'an attempt is not 1',
    )
  },
  async 'push-retry'(topic) {
    await failing(topic, 3, (attempt) => attempt < 3)
  },
  async 'push-groups'(topic) {
    const producer = await startProducer(topic)
    const ids = await sendAll(producer, topic, bodies(FEW))
    for (const group of [`${topic}-1`, `${topic}-2`, `${topic}-3`]) {
      const { messages, enough, consume } = collector(FEW)
      await startPush(topic, group, consume)
      await enough
      expectSame(idsOf(messages), sorted(ids), `pushed to ${group}`)
    }
  },
  async 'group-reset'(topic) {
    const producer = await startProducer(topic)
    const ids = sorted(await sendAll(producer, topic, bodies(FEW)))
    const consumer = await startSimple(topic, topic)
    const other = await startSimple(topic, `${topic}-other`)
    expectSame(idsOf(await receiveAll(consumer, FEW)), ids, 'received')
    expectSame(idsOf(await receiveAll(other, FEW)), ids, 'received by the other group')
    console.log(JSON.stringify({ asks: 'group-reset' }))
    const again = await receiveAll(consumer, FEW)
    expectSame(idsOf(again), ids, 'received again')
    expect(
      again.every(({ deliveryAttempt }) => deliveryAttempt === 1),
      'an attempt is not 1',
    )
    expectSame(idsOf(await receiveAll(other, 0)), [], 'received again by the other group')
  },
  async 'settings-pushed'(topic) {
    const producer = await startProducer(topic)
    await sendAll(producer, topic, bodies(1))
    const { enough, consume } = collector(1)
    const settings = (await startPush(topic, topic, consume)).getPushConsumerSettings()
    await enough
    expect(!settings.isFifo(), 'the group is in order already')
    console.log(JSON.stringify({ asks: 'settings-pushed' }))
    const endMs = performance.now() + TOLD_MS_MAX
    while (!settings.isFifo() && performance.now() < endMs) await sleep(POLL_MS)
    expect(settings.isFifo(), `not told within ${TOLD_MS_MAX} ms`)
  },
  async 'group-disabled'(topic) {
    const producer = await startProducer(topic)
    await sendAll(producer, topic, bodies(1))
    const consumer = await startSimple(topic, topic)
    try {
      await consumer.receive(1, INVISIBLE_MS)
    } catch (error) {
      expect(error.message.includes('40300') && error.message.includes('switched off'), String(error))
      return
    }
    throw new Error('it was answered')
  },
  async 'push-shared'(topic) {
    // No listener returns before each consumer has got a message, and none may hold all of them meanwhile.
    const consumers = 3
    const everybodyHasOne = Promise.withResolvers()
    const all = Promise.withResolvers()
    const messages = []
    const busy = new Set()
    for (let number = 0; number < consumers; number += 1) {
      await startPush(topic, topic, async (message) => {
        busy.add(number)
        messages.push(message)
        if (busy.size === consumers) everybodyHasOne.resolve()
        if (messages.length >= MANY) all.resolve()
        await everybodyHasOne.promise
        return ConsumeResult.SUCCESS
      })
    }
    const producer = await startProducer(topic)
    const ids = await sendAll(producer, topic, bodies(MANY))
    await all.promise
    expectSame(idsOf(messages), sorted(ids), 'pushed')
  },
  'tag-one': (topic) => filter(topic, 'A', ['A', 'A']),
  'tag-either': (topic) => filter(topic, 'A || B', ['A', 'A', 'B']),
  'tag-any': (topic) => filter(topic, '*', ['-', 'A', 'A', 'B', 'C']),
  'sql-filter': (topic) =>
    filter(topic, new FilterExpression("number > 1 AND (TAGS = 'A' OR TAGS IS NULL)", SQL), ['-', 'A']),
  async 'dead-letter'(topic) {
    return { detail: await failing(topic, 2, () => true) }
  },
  async 'fifo-simple'(topic) {
    await sendInOrder(topic)
    expectInOrder(await receiveAll(await startSimple(topic, topic), MESSAGE_GROUPS.length * ORDERED_EACH))
  },
  'fifo-push': (topic) => pushInOrder(topic),
  'fifo-retry': () => ({ none: 'a failure in order goes to the dead-letter topic at once' }),
  async transaction(topic) {
    // TransactionResolution of the definitions, which the client does not export: COMMIT 1, ROLLBACK 2.
    const check = async ({ body }) => (body.toString().startsWith('commit') ? 1 : 2)
    const producer = await startProducer(topic, { checker: { check } })
    for (const text of TRANSACTIONS) {
      const transaction = producer.beginTransaction()
      await producer.send({ topic, body: Buffer.from(text) }, transaction)
      if (text === 'commit now') await transaction.commit()
      if (text === 'rollback now') await transaction.rollback()
    }
    const messages = await receiveAll(await startSimple(topic, topic), COMMITTED.length)
    expectSame(sorted(messages.map(({ body }) => body.toString())), COMMITTED, 'received')
  },
  async delay(topic) {
    const producer = await startProducer(topic)
    const dueMs = Date.now() + DELAY_MS
    await producer.send({ topic, body: Buffer.from('delayed'), deliveryTimestamp: new Date(dueMs) })
    const messages = await receiveAll(await startSimple(topic, topic), 1)
    expectSame(
      messages.map(({ body }) => body.toString()),
      ['delayed'],
      'received',
    )
    expect(Date.now() >= dueMs, 'it came early')
  },
  async recall(topic) {
    const producer = await startProducer(topic)
    const deliveryTimestamp = new Date(Date.now() + RECALLED_MS)
    const { recallHandle } = await producer.send({ topic, body: Buffer.from('recalled'), deliveryTimestamp })
    await producer.send({ topic, body: Buffer.from('kept'), deliveryTimestamp })
    await producer.recallMessage(topic, recallHandle)
    const messages = await receiveAll(await startSimple(topic, topic), 1)
    expectSame(
      messages.map(({ body }) => body.toString()),
      ['kept'],
      'received',
    )
  },
  async dedup(topic) {
    const producer = await startProducer(topic)
    for (const [body, key] of DUPLICATES) await producer.send({ topic, keys: [key], body: Buffer.from(body) })
    const messages = await receiveAll(await startSimple(topic, topic), STORED_ONCE.length)
    expectSame(sorted(messages.map(({ body }) => body.toString())), STORED_ONCE, 'received')
  },
  async attributes(topic) {
    const producer = await startProducer(topic)
    const sent = {
      topic,
      tag: 'färbe',
      keys: ['order-1', 'ключ'],
      properties: new Map([
        ['colour', 'grün'],
        ['空', '✓ 値'],
      ]),
      body: Buffer.from('attributes'),
    }
    const { messageId } = await producer.send(sent)
    const consumer = await startSimple(topic, topic)
    const [message] = await receiveAll(consumer, 1)
    const shown = (it) => [it.topic, it.tag, it.keys, sorted([...it.properties]), it.body.toString()]
    expectSame(shown(message), shown(sent), 'message')
    expectSame([message.messageId, message.deliveryAttempt], [messageId, 1], 'message id and attempt')
    const ageMs = Date.now() - message.bornTimestamp.getTime()
    expect(message.bornHost !== '' && Math.abs(ageMs) < SCENARIO_MS_MAX, `born ${ageMs} ms ago at ${message.bornHost}`)
  },
  bodies: (topic) =>
    expectBodies(topic, [
      Buffer.from('Grüße, 世界 🚀'),
      Buffer.from(Array.from({ length: 256 }, (_, index) => index)),
      Buffer.from([0]),
      Buffer.from(' '),
    ]),
  'body-large': (topic) => expectBodies(topic, [Buffer.alloc(BODY_BYTES_MAX - ROOM_FOR_HEADERS, 'large')]),
  async 'body-largest'(topic) {
    try {
      await expectBodies(topic, [Buffer.alloc(BODY_BYTES_MAX, 'largest')])
    } catch (error) {
      if (!error.message.includes('RESOURCE_EXHAUSTED: Received message larger than max')) throw error
      return { none: 'grpc-js takes 4 MiB per message, headers included, and the client has no setting for it' }
    }
  },
  async 'topic-created'(topic) {
    await roundTrip(topic)
  },
  async 'topic-refused'(topic, strictEndpoints) {
    const producer = await start(Producer, { endpoints: strictEndpoints })
    try {
      await producer.send({ topic, body: Buffer.from('x') })
    } catch (error) {
      expect(error.message.includes('40402') && error.message.includes(topic), String(error))
      return
    }
    throw new Error('it was sent')
  },
  plaintext: (topic) => roundTrip(topic, { sslEnabled: false }),
  tls: (topic) => roundTrip(topic, { sslEnabled: true }),
  session: (topic, own) => session('session', topic, own, SESSION_PAUSE_MS),
  'idle-session': (topic, own) => session('idle-session', topic, own, IDLE_PAUSE_MS),
}

const inputEnded = once(process.stdin.resume(), 'end')
let hasEnded = false

async function run(name) {
  const [scenario, ownEndpoints] = name.split('@')
  const late = Promise.withResolvers()
  const timer = setTimeout(() => late.reject(new Error(`not done after ${SCENARIO_MS_MAX} ms`)), SCENARIO_MS_MAX)
  try {
    const work = SCENARIOS[scenario]?.(`${prefix}-${scenario}`, ownEndpoints) ?? { none: 'unknown to this program' }
    const { none, detail = '' } = (await Promise.race([work, late.promise])) ?? {}
    console.log(JSON.stringify(none === undefined ? { scenario, ok: true, detail } : { scenario, none }))
  } catch (error) {
    console.log(JSON.stringify({ scenario, ok: false, detail: String(error) }))
  } finally {
    clearTimeout(timer)
  }
}

await Promise.all(wanted.map(run))
await inputEnded
hasEnded = true
const ends = await Promise.allSettled(open.map((client) => client.shutdown()))
const failures = ends.filter(({ status }) => status === 'rejected')
for (const { reason } of failures) console.error('ERROR closing:', reason)
process.exit(failures.length === 0 ? 0 : 1)
