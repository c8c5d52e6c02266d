import { expect, test } from '@jest/globals'
import { ClientType, Code, type HeartbeatRequestInit, MessagingService } from '@rocketmq-ts/grpc/v2'
import { createHarness, GROUP } from '../harness.ts'

const { Heartbeat, NotifyClientTermination } = MessagingService

test.each<[string, HeartbeatRequestInit]>([
  ['a producer', { clientType: ClientType.PRODUCER }],
  ['a push consumer', { clientType: ClientType.PUSH_CONSUMER, group: GROUP }],
  ['a simple consumer', { clientType: ClientType.SIMPLE_CONSUMER, group: GROUP }],
])('heartbeat: %s this proxy has not met → taken in', async (_name, request) => {
  const { call } = await createHarness()
  expect((await call(Heartbeat, request)).status?.code).toBe(Code.OK)
})

test.each<[HeartbeatRequestInit, Code, string]>([
  [{}, Code.UNRECOGNIZED_CLIENT_TYPE, 'client_type'],
  [{ clientType: ClientType.PULL_CONSUMER, group: GROUP }, Code.UNRECOGNIZED_CLIENT_TYPE, 'client_type'],
  [{ clientType: ClientType.PUSH_CONSUMER }, Code.ILLEGAL_CONSUMER_GROUP, 'group'],
  [{ clientType: ClientType.SIMPLE_CONSUMER, group: { name: 'a b' } }, Code.ILLEGAL_CONSUMER_GROUP, 'group'],
  [{ clientType: ClientType.LITE_PUSH_CONSUMER, group: GROUP }, Code.NOT_IMPLEMENTED, 'lite'],
])('heartbeat: a wrong field → its code, and the field named (%#)', async (request, code, names) => {
  const { call } = await createHarness()
  const { status } = await call(Heartbeat, request)
  expect(status).toMatchObject({ code, message: expect.stringContaining(names) })
})

test('heartbeat: without any metadata, as one client sends it → CLIENT_ID_REQUIRED in the body', async () => {
  const { call } = await createHarness()
  const { status } = await call(Heartbeat, { clientType: ClientType.PRODUCER }, { clientId: null })
  expect(status?.code).toBe(Code.CLIENT_ID_REQUIRED)
})

test('heartbeat: as many clients as allowed → one more is told to come later, known ones go on', async () => {
  const { call } = await createHarness({ 'clients-max': '1' })
  const request = { clientType: ClientType.PRODUCER }
  await call(Heartbeat, request)
  expect((await call(Heartbeat, request, { clientId: 'another' })).status?.code).toBe(Code.TOO_MANY_REQUESTS)
  expect((await call(Heartbeat, request)).status?.code).toBe(Code.OK)
})

test('heartbeat: a client that is silent for two minutes → forgotten, its place is free', async () => {
  const { call, time, events } = await createHarness({ 'clients-max': '1' })
  const request = { clientType: ClientType.PRODUCER }
  await call(Heartbeat, request)
  await time.advance(60_000)
  await call(Heartbeat, request)
  await time.advance(119_000)
  expect((await call(Heartbeat, request, { clientId: 'another' })).status?.code).toBe(Code.TOO_MANY_REQUESTS)
  await time.advance(2_000)
  expect((await call(Heartbeat, request, { clientId: 'another' })).status?.code).toBe(Code.OK)
  expect(events).toContainEqual(expect.objectContaining({ event: 'client.expired', clientId: 'client-1' }))
})

test.each([{}, { group: GROUP }, { group: { name: '' } }])('termination: %j → always OK', async (request) => {
  const { call } = await createHarness()
  expect((await call(NotifyClientTermination, request)).status?.code).toBe(Code.OK)
})
