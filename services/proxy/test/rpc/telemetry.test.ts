import { expect, test } from '@jest/globals'
import { GrpcStatus } from '@rocketmq-ts/grpc'
import {
  AddressScheme,
  ClientType,
  Code,
  FilterType,
  Language,
  MessagingService,
  msToDuration,
  Settings,
  type SettingsInit,
} from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import { createHarness, GROUP, TOPIC } from '../harness.ts'

const common: SettingsInit = {
  accessPoint: { scheme: AddressScheme.IPv4, addresses: [{ host: '127.0.0.1', port: 8081 }] },
  requestTimeout: msToDuration(3_000),
  userAgent: { language: Language.JAVA, version: '5.2.1', platform: 'linux', hostname: 'laptop' },
}
const publishing: SettingsInit = {
  ...common,
  clientType: ClientType.PRODUCER,
  publishing: { topics: [TOPIC, { resourceNamespace: 'ns', name: 'Other' }], maxBodySize: 0 },
}
const subscription: SettingsInit = {
  ...common,
  clientType: ClientType.PUSH_CONSUMER,
  subscription: {
    group: { resourceNamespace: 'ns', name: GROUP.name },
    subscriptions: [{ topic: TOPIC, expression: { type: FilterType.TAG, expression: 'a || b' } }],
  },
}

/** As it looks after its way over the wire, without what only decoding adds. */
function plain(settings: Settings | null | undefined): unknown {
  return JSON.parse(JSON.stringify(settings ?? null))
}

test('telemetry: a stream is opened → headers at once, before any message', async () => {
  const { telemetry, time } = await createHarness()
  const stream = telemetry()
  await time.settle()
  expect(stream.headers).toBe(true)
  expect(stream.frames).toHaveLength(0)
})

test('telemetry: a producer → its own settings back, with exponential back-off and limits', async () => {
  const { settle } = await createHarness()
  const { frames, status } = await settle(publishing)
  expect(frames).toHaveLength(1)
  expect(frames[0]?.status?.code).toBe(Code.OK)
  expect(plain(frames[0]?.settings)).toEqual(
    plain(
      Settings.decode(
        Settings.encode({
          ...publishing,
          publishing: { ...publishing.publishing, maxBodySize: 4 * 1024 * 1024, validateMessageType: true },
          backoffPolicy: {
            maxAttempts: 3,
            exponentialBackoff: { initial: msToDuration(10), max: msToDuration(1_000), multiplier: 2 },
          },
          metric: { on: false },
        }),
      ),
    ),
  )
  expect(status).toBeUndefined()
})

test.each<[string, (typeof TOPIC)[]]>([
  ['no topic', []],
  ['one twice', [TOPIC, TOPIC]],
])('telemetry: a producer that names %s → its own settings back, as to any other', async (_name, topics) => {
  const { settle } = await createHarness()
  const { frames, status } = await settle({ ...publishing, publishing: { topics } })
  expect(status).toBeUndefined()
  expect(frames[0]?.settings?.publishing?.topics).toHaveLength(topics.length)
})

test('telemetry: a push consumer of an unknown group → the defaults: 17 attempts, 18 delays, batch 32, poll 20 s', async () => {
  const { settle } = await createHarness()
  const { frames } = await settle(subscription)
  const settings = frames[0]?.settings
  expect(settings?.backoffPolicy).toMatchObject({ maxAttempts: 17, exponentialBackoff: null })
  const delays = settings?.backoffPolicy?.customizedBackoff?.next.map(({ seconds }) => seconds)
  expect(delays).toEqual([1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200])
  expect(settings?.subscription).toMatchObject({
    fifo: false,
    receiveBatchSize: 32,
    longPollingTimeout: { seconds: 20 },
    group: { resourceNamespace: 'ns', name: GROUP.name },
    subscriptions: [{ topic: TOPIC, expression: { type: FilterType.TAG, expression: 'a || b' } }],
  })
  expect(settings?.metric).toMatchObject({ endpoints: null })
})

test('telemetry: a group with settings of its own → these are told', async () => {
  const { settle, upstream } = await createHarness()
  const exponential = { initial: 2_000, max: 60_000, multiplier: 3 }
  upstream.groups.set(GROUP.name, {
    fifo: true,
    retryMax: 4,
    retryPolicy: { type: 'EXPONENTIAL', exponentialRetryPolicy: exponential },
  })
  const { frames } = await settle(subscription)
  expect(frames[0]?.settings).toMatchObject({
    subscription: { fifo: true },
    backoffPolicy: {
      maxAttempts: 5,
      exponentialBackoff: { initial: { seconds: 2 }, max: { seconds: 60 }, multiplier: 3 },
    },
  })
})

test('telemetry: no broker can tell the group → the defaults, so that clients start', async () => {
  const { settle, upstream, events } = await createHarness()
  upstream.groupFault = () => new MqError('timeout', 'no broker answers')
  const { frames } = await settle(subscription)
  expect(frames[0]?.settings?.backoffPolicy?.maxAttempts).toBe(17)
  expect(events).toContainEqual(expect.objectContaining({ event: 'group.lookup-failed' }))
})

test('telemetry: settings again on the same stream → an answer again, in order', async () => {
  const { telemetry, time } = await createHarness()
  const stream = telemetry()
  stream.send({ settings: subscription })
  stream.send({ settings: publishing })
  await time.settle()
  expect(stream.frames.map(({ settings }) => settings?.pubSub)).toEqual(['subscription', 'publishing'])
})

test.each<[string, SettingsInit, string]>([
  ['neither publishing nor subscription', common, 'publishing'],
  ['an illegal topic', { ...publishing, publishing: { topics: [{ name: 'a b' }] } }, 'settings.topics'],
  ['a topic of the system', { ...publishing, publishing: { topics: [{ name: 'TBW102' }] } }, 'TBW102'],
  ['no group', { ...subscription, subscription: { subscriptions: [] } }, 'subscription.group'],
  ['a group of the system', { ...subscription, subscription: { group: { name: 'CID_RMQ_SYS_A' } } }, 'CID_RMQ_SYS_A'],
  [
    'an illegal filter',
    {
      ...subscription,
      subscription: {
        group: GROUP,
        subscriptions: [{ topic: TOPIC, expression: { type: FilterType.SQL, expression: 'a > 1 AND' } }],
      },
    },
    "settings.subscriptions of 'Orders', expression: SQL92 expression, at its end: a property",
  ],
])('telemetry: %s → a status and INVALID_ARGUMENT, both naming it', async (_name, settings, names) => {
  const { settle } = await createHarness()
  const { frames, status, detail } = await settle(settings)
  expect(frames).toMatchObject([{ status: { message: expect.stringContaining(names) }, settings: null }])
  expect(status).toBe(GrpcStatus.INVALID_ARGUMENT)
  expect(detail).toContain(names)
})

test('telemetry: bytes that are no command → INVALID_ARGUMENT', async () => {
  const { telemetry, time } = await createHarness()
  const stream = telemetry()
  stream.sendBytes(Uint8Array.from([0xff, 0xff]))
  await time.settle()
  expect(stream.status).toBe(GrpcStatus.INVALID_ARGUMENT)
})

test('telemetry: no client id → a status in a command, then a normal end', async () => {
  const { settle } = await createHarness()
  const { frames, status } = await settle(publishing, { clientId: null })
  expect(frames).toMatchObject([{ status: { code: Code.CLIENT_ID_REQUIRED }, settings: null }])
  expect(status).toBe(GrpcStatus.OK)
})

test.each([
  [ClientType.LITE_PUSH_CONSUMER, Code.NOT_IMPLEMENTED, 'lite'],
  [ClientType.LITE_SIMPLE_CONSUMER, Code.NOT_IMPLEMENTED, 'lite'],
  [ClientType.PULL_CONSUMER, Code.UNRECOGNIZED_CLIENT_TYPE, 'client_type'],
  [99 as ClientType, Code.UNRECOGNIZED_CLIENT_TYPE, 'client_type'],
])('telemetry: client type %i → status %i in a command, then a normal end', async (clientType, code, names) => {
  const { settle } = await createHarness()
  const { frames, status } = await settle({ ...subscription, clientType })
  expect(frames).toMatchObject([{ status: { code, message: expect.stringContaining(names) }, settings: null }])
  expect(status).toBe(GrpcStatus.OK)
})

test('telemetry: commands that answer nothing → ignored, the stream lives on', async () => {
  const { telemetry, time } = await createHarness()
  const stream = telemetry()
  stream.send({ verifyMessageCommand: { nonce: 'n' }, status: { code: Code.NOT_IMPLEMENTED } })
  stream.send({ threadStackTrace: { nonce: 'n' } })
  stream.send({})
  await time.settle()
  expect(stream).toMatchObject({ frames: [], status: undefined })
})

test('telemetry: the client half-closes → a normal end; the stream stays open for hours otherwise', async () => {
  const { settle, time } = await createHarness()
  const stream = await settle(publishing)
  await time.advance(3_600_000)
  expect(stream.status).toBeUndefined()
  stream.halfClose()
  await time.settle()
  expect(stream.status).toBe(GrpcStatus.OK)
})

test('telemetry: a Node client with two topics → the settings again a little later, in case the first were too early', async () => {
  const { settle, time } = await createHarness()
  const userAgent = { language: Language.NODE_JS }
  const stream = await settle({ ...publishing, userAgent })
  const single = await settle({ ...subscription, userAgent }, { clientId: 'client-2' })
  const java = await settle(publishing, { clientId: 'client-3' })
  await time.advance(50)
  expect(stream.frames).toHaveLength(2)
  await time.advance(10_000)
  expect(stream.frames).toHaveLength(4)
  expect(plain(stream.frames[1]?.settings)).toEqual(plain(stream.frames[0]?.settings))
  expect(single.frames).toHaveLength(1)
  expect(java.frames).toHaveLength(1)
})

test('telemetry: a Node client changes its settings while they are said again → the newest are said', async () => {
  const { settle, time } = await createHarness()
  const userAgent = { language: Language.NODE_JS }
  const stream = await settle({ ...publishing, userAgent })
  stream.send({ settings: { ...publishing, userAgent, requestTimeout: msToDuration(7_000) } })
  await time.advance(10_000)
  const timeouts = stream.frames.map(({ settings }) => settings?.requestTimeout?.seconds)
  expect(timeouts.map(Number)).toEqual([3, 7, 7, 7, 7])
})

test('telemetry: more settings at once than may wait → TOO_MANY_REQUESTS and the end', async () => {
  const { telemetry, time, upstream } = await createHarness()
  upstream.groupSettings = () => new Promise(() => {})
  const stream = telemetry()
  for (let count = 0; count < 17; count += 1) stream.send({ settings: subscription })
  await time.settle()
  expect(stream.frames.at(-1)?.status?.code).toBe(Code.TOO_MANY_REQUESTS)
  expect(stream.status).toBe(GrpcStatus.OK)
})

test('telemetry: a client that does not read its answers → gets no more of them, then TOO_MANY_REQUESTS', async () => {
  const { telemetry, time } = await createHarness()
  const topics = Array.from({ length: 1000 }, (_, at) => ({ name: `${'t'.repeat(100)}-${at}` }))
  const stream = telemetry()
  stream.pause()
  for (let count = 0; count < 100; count += 1) {
    stream.send({ settings: { ...publishing, publishing: { topics } } })
    await time.settle()
  }
  stream.resume()
  await time.settle()
  expect(stream.frames.length).toBeLessThan(10)
  expect(stream.frames.at(-1)?.status?.code).toBe(Code.TOO_MANY_REQUESTS)
  expect(stream.status).toBe(GrpcStatus.OK)
})

test('telemetry: as many clients as allowed → the next one is told to come later; after a goodbye there is room', async () => {
  const { settle, call } = await createHarness({ 'clients-max': '1' })
  await settle(publishing)
  const second = await settle(publishing, { clientId: 'client-2' })
  expect(second.frames).toMatchObject([{ status: { code: Code.TOO_MANY_REQUESTS } }])
  await call(MessagingService.NotifyClientTermination, {})
  const third = await settle(publishing, { clientId: 'client-2' })
  expect(third.frames[0]?.status?.code).toBe(Code.OK)
})

test('stop: open telemetry streams → a normal end, since some clients break on a failure', async () => {
  const { settle, proxy, time } = await createHarness()
  const stream = await settle(publishing)
  const stopped = proxy.stop()
  await time.advance(10_000)
  await stopped
  expect(stream.status).toBe(GrpcStatus.OK)
})

test('telemetry: the proxy stops → clients that can are told to go over to another one; all streams end, new ones too', async () => {
  const { settle, telemetry, time, proxy } = await createHarness()
  const java = await settle(publishing)
  const go = await settle({ ...publishing, userAgent: { language: Language.GOLANG } }, { clientId: 'client-2' })
  const stopping = proxy.stop()
  const late = telemetry({ clientId: 'client-3' })
  late.send({ settings: publishing })
  await time.advance(5_000)
  await stopping
  const reconnects = [java, go].map(({ frames }) => frames.filter((frame) => frame.reconnectEndpointsCommand !== null))
  expect(reconnects.map(({ length }) => length)).toEqual([1, 0])
  expect([java.status, go.status, late.frames]).toEqual([GrpcStatus.OK, GrpcStatus.OK, []])
})
