import { expect, test } from '@jest/globals'
import {
  AddressScheme,
  Code,
  type EndpointsInit,
  MessagingService,
  MessageType,
  Permission,
} from '@rocketmq-ts/grpc/v2'
import { routeOf } from '../fake-upstream.ts'
import { createHarness, ENDPOINTS, TOPIC } from '../harness.ts'

const { QueryRoute } = MessagingService

test('route: the endpoints of the request come back for each queue, with the topic as it was asked', async () => {
  const { call } = await createHarness()
  const topic = { resourceNamespace: 'ns', name: TOPIC.name }
  const { status, messageQueues } = await call(QueryRoute, { topic, endpoints: ENDPOINTS })
  expect(status?.code).toBe(Code.OK)
  expect(messageQueues).toHaveLength(4)
  for (const [id, queue] of messageQueues.entries()) {
    expect(queue).toMatchObject({
      id,
      topic,
      permission: Permission.READ_WRITE,
      broker: { name: 'broker-a', endpoints: ENDPOINTS },
      acceptMessageTypes: [MessageType.NORMAL, MessageType.FIFO, MessageType.DELAY, MessageType.TRANSACTION],
    })
    expect(queue.broker?.id).toBe(0)
  }
})

test('route: advertised endpoints are named instead', async () => {
  const { call } = await createHarness({ 'advertised-endpoints': '10.1.1.1:8081;10.1.1.2:8081' })
  const { messageQueues } = await call(QueryRoute, { topic: TOPIC, endpoints: ENDPOINTS })
  expect(messageQueues[0]?.broker?.endpoints).toMatchObject({
    scheme: AddressScheme.IPv4,
    addresses: [
      { host: '10.1.1.1', port: 8081 },
      { host: '10.1.1.2', port: 8081 },
    ],
  })
})

test.each([
  ['a.example:1;b.example:1', 'one domain name'],
  ['10.0.0.1:1;b.example:1', 'all be IPv4'],
  ['10.0.0.1', 'host:port'],
  ['10.0.0.1:0', 'host:port'],
])('route: advertised endpoints %s → the proxy is not created', async (text, names) => {
  await expect(createHarness({ 'advertised-endpoints': text })).rejects.toThrow(names)
})

test('route: read and write queues differ → ids as the broker has them, queue 0 for both', async () => {
  const { call, upstream } = await createHarness()
  upstream.routes.set(
    TOPIC.name,
    routeOf(
      TOPIC.name,
      { brokerName: 'a', readQueues: 3, writeQueues: 1 },
      { brokerName: 'b', readQueues: 1, writeQueues: 2 },
      { brokerName: 'c', readable: false, writable: false },
      { brokerName: 'd', writable: false, readQueues: 1 },
    ),
  )
  const { messageQueues } = await call(QueryRoute, { topic: TOPIC, endpoints: ENDPOINTS })
  expect(messageQueues.map((queue) => [queue.broker?.name, queue.id, queue.permission])).toEqual([
    ['a', 0, Permission.READ_WRITE],
    ['a', 1, Permission.READ],
    ['a', 2, Permission.READ],
    ['b', 0, Permission.READ_WRITE],
    ['b', 1, Permission.WRITE],
    ['d', 0, Permission.READ],
  ])
})

test('route: no usable queue at all → one entry that says so, never an empty list', async () => {
  const { call, upstream } = await createHarness()
  upstream.routes.set(TOPIC.name, routeOf(TOPIC.name, { readable: false, writable: false }))
  const { status, messageQueues } = await call(QueryRoute, { topic: TOPIC, endpoints: ENDPOINTS })
  expect(status?.code).toBe(Code.OK)
  expect(messageQueues).toMatchObject([{ permission: Permission.NONE }])
})

test('route: an unknown topic → TOPIC_NOT_FOUND naming it', async () => {
  const { call, upstream } = await createHarness()
  const { status, messageQueues } = await call(QueryRoute, { topic: { name: 'Nowhere' }, endpoints: ENDPOINTS })
  expect(status).toMatchObject({ code: Code.TOPIC_NOT_FOUND, message: expect.stringContaining('Nowhere') })
  expect(messageQueues).toHaveLength(0)
  expect(status?.message).toContain('rmq topic create Nowhere')
  expect(upstream.created).toHaveLength(0)
})

test('route: an unknown topic of a cluster without brokers → the reason is that, not the topic', async () => {
  const { call, upstream } = await createHarness()
  upstream.brokersMissing = 'no broker is registered at nameserver 10.0.0.9:9876: start one'
  const { status } = await call(QueryRoute, { topic: { name: 'Nowhere' }, endpoints: ENDPOINTS })
  const message = `topic 'Nowhere' does not exist: ${upstream.brokersMissing}`
  expect(status).toMatchObject({ code: Code.TOPIC_NOT_FOUND, message })
})

test('route: an unknown topic with auto-creation → created once with four queues, then answered', async () => {
  const { ask, time, upstream } = await createHarness({ 'auto-create-topic': 'true' })
  const request = { topic: { name: 'Fresh' }, endpoints: ENDPOINTS }
  const asked = [ask(QueryRoute, request), ask(QueryRoute, request)]
  await time.settle()
  const answers = await Promise.all(asked)
  for (const { status, messageQueues } of answers) {
    expect(status?.code).toBe(Code.OK)
    expect(messageQueues).toHaveLength(4)
  }
  expect(upstream.created).toEqual(['Fresh'])
})

test('route: a created topic that nameservers list broker by broker → answered when all brokers are in it', async () => {
  const { ask, time, upstream } = await createHarness({ 'auto-create-topic': 'true' })
  const names = ['a', 'b', 'c']
  let listed = 0
  upstream.createTopic = async () => names
  upstream.route = async (topic) => {
    const brokers = names.slice(0, listed).map((brokerName) => ({ brokerName }))
    if (listed > 0) listed = Math.min(listed + 1, names.length)
    return brokers.length === 0 ? undefined : routeOf(topic, ...brokers)
  }
  const answer = ask(QueryRoute, { topic: { name: 'Fresh' }, endpoints: ENDPOINTS })
  await time.advance(100)
  listed = 1
  await time.advance(1000)
  expect((await answer).messageQueues).toHaveLength(12)
})

test('route: a created topic that one broker never registers → answered without it, and fetched anew soon', async () => {
  const { ask, time, upstream } = await createHarness({ 'auto-create-topic': 'true' })
  let asked = 0
  upstream.createTopic = async () => ['a', 'b']
  upstream.route = async (topic) => ((asked += 1) === 1 ? undefined : routeOf(topic, { brokerName: 'a' }))
  const answer = ask(QueryRoute, { topic: { name: 'Fresh' }, endpoints: ENDPOINTS })
  await time.advance(2500)
  expect((await answer).messageQueues).toHaveLength(4)
  expect(upstream.refreshed).toEqual(['Fresh'])
})

test.each(['rmq_sys_X', 'TBW102', 'a b', ''])(
  'route: auto-creation and the name %p → refused, not created',
  async (name) => {
    const { call, upstream } = await createHarness({ 'auto-create-topic': 'true' })
    const { status } = await call(QueryRoute, { topic: { name }, endpoints: ENDPOINTS })
    expect(status).toMatchObject({ code: Code.ILLEGAL_TOPIC, message: expect.stringContaining('topic') })
    expect(upstream.created).toHaveLength(0)
  },
)

test('route: auto-creation and a topic derived from a group → left to the broker', async () => {
  const { call, upstream } = await createHarness({ 'auto-create-topic': 'true' })
  for (const name of ['%RETRY%billing', '%DLQ%billing']) {
    const { status } = await call(QueryRoute, { topic: { name }, endpoints: ENDPOINTS })
    expect(status?.code).toBe(Code.TOPIC_NOT_FOUND)
  }
  expect(upstream.created).toHaveLength(0)
})

const HOST = { host: 'h', port: 1 }
test.each<[string, EndpointsInit | null, string]>([
  ['none', null, 'endpoints'],
  ['no address', { scheme: AddressScheme.IPv4, addresses: [] }, 'endpoints'],
  ['no scheme', { addresses: [HOST] }, 'endpoints.scheme'],
  ['65 addresses', { scheme: AddressScheme.IPv4, addresses: Array.from({ length: 65 }, () => HOST) }, 'addresses'],
  ['a long host', { scheme: AddressScheme.IPv4, addresses: [{ host: 'h'.repeat(256), port: 1 }] }, 'addresses'],
])('route: endpoints with %s → ILLEGAL_ACCESS_POINT naming the field', async (_name, endpoints, field) => {
  const { call } = await createHarness()
  const { status } = await call(QueryRoute, { topic: TOPIC, endpoints })
  expect(status).toMatchObject({ code: Code.ILLEGAL_ACCESS_POINT, message: expect.stringContaining(field) })
})

test('route: no client id → CLIENT_ID_REQUIRED in the body', async () => {
  const { call } = await createHarness()
  const request = { topic: TOPIC, endpoints: ENDPOINTS }
  for (const clientId of [null, ' ']) {
    const { status } = await call(QueryRoute, request, { clientId })
    expect(status).toMatchObject({ code: Code.CLIENT_ID_REQUIRED, message: expect.stringContaining('x-mq-client-id') })
  }
})
