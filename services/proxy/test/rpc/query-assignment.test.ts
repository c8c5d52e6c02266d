import { expect, test } from '@jest/globals'
import { Code, MessagingService, Permission } from '@rocketmq-ts/grpc/v2'
import { routeOf } from '../fake-upstream.ts'
import { createHarness, ENDPOINTS, GROUP, TOPIC } from '../harness.ts'

const { QueryAssignment } = MessagingService
const request = { topic: TOPIC, group: GROUP, endpoints: ENDPOINTS }

test('assignment: a normal group → one entry per readable broker, for any queue of it', async () => {
  const { call, upstream } = await createHarness()
  upstream.routes.set(
    TOPIC.name,
    routeOf(
      TOPIC.name,
      { brokerName: 'a' },
      { brokerName: 'b', readable: false },
      { brokerName: 'c', writable: false },
    ),
  )
  const { status, assignments } = await call(QueryAssignment, request)
  expect(status?.code).toBe(Code.OK)
  expect(assignments.map(({ messageQueue }) => messageQueue)).toMatchObject([
    { topic: TOPIC, id: -1, permission: Permission.READ_WRITE, broker: { name: 'a', endpoints: ENDPOINTS } },
    { topic: TOPIC, id: -1, permission: Permission.READ, broker: { name: 'c', endpoints: ENDPOINTS } },
  ])
})

test('assignment: no readable queue → FORBIDDEN', async () => {
  const { call, upstream } = await createHarness()
  upstream.routes.set(TOPIC.name, routeOf(TOPIC.name, { readable: false }))
  const { status } = await call(QueryAssignment, request)
  expect(status).toMatchObject({ code: Code.FORBIDDEN, message: expect.stringContaining('no readable queue') })
})

test.each([
  [{ ...request, topic: { name: 'a b' } }, Code.ILLEGAL_TOPIC, 'topic'],
  [{ ...request, group: null }, Code.ILLEGAL_CONSUMER_GROUP, 'group'],
  [{ ...request, group: { name: 'CID_RMQ_SYS_X' } }, Code.ILLEGAL_CONSUMER_GROUP, 'CID_RMQ_SYS_X'],
  [{ ...request, group: { name: 'g'.repeat(121) } }, Code.ILLEGAL_CONSUMER_GROUP, 'group'],
  [{ ...request, endpoints: null }, Code.ILLEGAL_ACCESS_POINT, 'endpoints'],
  [{ ...request, topic: { name: 'Nowhere' } }, Code.TOPIC_NOT_FOUND, 'Nowhere'],
])('assignment: a wrong field → its code, and the field named (%#)', async (wrong, code, names) => {
  const { call } = await createHarness()
  const { status } = await call(QueryAssignment, wrong)
  expect(status).toMatchObject({ code, message: expect.stringContaining(names) })
})

test('assignment: a group that consumes in order → one per readable queue of each broker', async () => {
  const { call, upstream } = await createHarness()
  upstream.groups.set(GROUP.name, { fifo: true, retryMax: 16, retryPolicy: { type: 'CUSTOMIZED' } })
  const brokers = [
    { brokerName: 'a', readQueues: 2 },
    { brokerName: 'b', readQueues: 1, writable: false },
  ]
  upstream.routes.set(TOPIC.name, routeOf(TOPIC.name, ...brokers))
  const { status, assignments } = await call(QueryAssignment, request)
  expect(status?.code).toBe(Code.OK)
  expect(assignments.map(({ messageQueue }) => messageQueue)).toMatchObject([
    { topic: TOPIC, id: 0, permission: Permission.READ_WRITE, broker: { name: 'a', endpoints: ENDPOINTS } },
    { topic: TOPIC, id: 1, permission: Permission.READ_WRITE, broker: { name: 'a', endpoints: ENDPOINTS } },
    { topic: TOPIC, id: 0, permission: Permission.READ, broker: { name: 'b', endpoints: ENDPOINTS } },
  ])
})
