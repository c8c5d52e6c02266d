// Commands for clients on their way through a broker: who is asked, what comes back, and how long it may take.
import { expect, test } from '@jest/globals'
import {
  type ArrivedRequest,
  ConsumeMessageDirectly,
  encodeClientNews,
  GetConsumerRunningInfo,
  type Peer,
  ReconnectClient,
  ResponseCode,
  SettingsChanged,
  SyncClients,
} from '@rocketmq-ts/remoting'
import { CLIENT_COMMANDS_IN_WORK_MAX, CLIENT_COMMAND_WAIT_MS } from '../../src/limits.ts'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { entryOf } from './client-harness.ts'

const SECOND_MS = 1000
const HEADER = { consumerGroup: 'G', clientId: 'c' }
const STACK = { ...HEADER, jstackEnable: true }

/** A proxy with one client, 'c'; `answer` is what it does with what the broker asks. */
async function connectProxy(
  broker: BrokerHarness,
  answer: (request: ArrivedRequest) => void = () => {},
): Promise<Peer> {
  const peer = broker.broker.connectLocal(answer)
  const body = encodeClientNews({ clients: [entryOf('c', { group: 'G' })], gone: [] })
  const header = { proxyId: 'p', port: 8081, isFirst: true }
  await broker.settled(peer.request(SyncClients, header, { timeoutMs: SECOND_MS, body }))
  return peer
}

/** On its way while the test does other things. */
function reconnect(broker: BrokerHarness) {
  return broker.peer.request(ReconnectClient, { clientId: 'c' }, { timeoutMs: 60 * SECOND_MS })
}

test('command: the proxy answers → its answer as it is, code, remark and bytes', async () => {
  const broker = await startBroker()
  await connectProxy(broker, (request) => {
    expect(request.as(GetConsumerRunningInfo).header).toEqual(STACK)
    request.respond({ code: ResponseCode.SUCCESS, header: {}, body: Buffer.from('{"jstack":"main"}') })
  })
  const answer = await broker.ask(GetConsumerRunningInfo, STACK)
  expect([answer.code, Buffer.from(answer.body ?? []).toString()]).toEqual([ResponseCode.SUCCESS, '{"jstack":"main"}'])
})

test('command: the proxy refuses → its code and remark', async () => {
  const broker = await startBroker()
  await connectProxy(broker, (request) => request.respond({ code: ResponseCode.CONSUME_MSG_TIMEOUT, remark: 'silent' }))
  for (const [request, header] of [
    [GetConsumerRunningInfo, STACK],
    [ReconnectClient, { clientId: 'c' }],
  ] as const) {
    expect(await broker.ask(request as typeof ReconnectClient, header)).toMatchObject({
      code: ResponseCode.CONSUME_MSG_TIMEOUT,
      remark: 'silent',
    })
  }
})

test('command: the proxy is silent → an answer in time; its connection ends → at once', async () => {
  const broker = await startBroker()
  const peer = await connectProxy(broker)
  const startedMs = broker.world.nowMs
  const silent = await broker.ask(ReconnectClient, { clientId: 'c' })
  expect(silent).toMatchObject({
    code: ResponseCode.CONSUME_MSG_TIMEOUT,
    remark: expect.stringContaining("client 'c'"),
  })
  expect(broker.world.nowMs - startedMs).toBeGreaterThanOrEqual(CLIENT_COMMAND_WAIT_MS)
  expect(broker.world.nowMs - startedMs).toBeLessThan(CLIENT_COMMAND_WAIT_MS + SECOND_MS)
  const asked = reconnect(broker)
  await broker.advance(10)
  peer.close()
  expect((await broker.settled(asked)).code).toBe(ResponseCode.CONSUMER_NOT_ONLINE)
  expect(broker.world.nowMs - startedMs).toBeLessThan(CLIENT_COMMAND_WAIT_MS + 2 * SECOND_MS)
  expect((await broker.ask(ReconnectClient, { clientId: 'c' })).code).toBe(ResponseCode.CONSUMER_NOT_ONLINE)
})

test.each([
  ['at the bound', 0, ResponseCode.CONSUME_MSG_TIMEOUT],
  ['one more', 1, ResponseCode.SYSTEM_BUSY],
])('command: as many at once as may be, %s → answered by its code', async (_name, more, code) => {
  const broker = await startBroker()
  await connectProxy(broker)
  const count = CLIENT_COMMANDS_IN_WORK_MAX + more
  const asked = Array.from({ length: count }, () => reconnect(broker))
  const answers = await broker.settled(Promise.all(asked))
  expect(answers.at(-1)?.code).toBe(code)
  expect((await broker.ask(ReconnectClient, { clientId: 'x' })).code).toBe(ResponseCode.CONSUMER_NOT_ONLINE)
})

test.each<[string, object, number, string]>([
  ['no client id', { consumerGroup: 'G', msgId: 'x' }, ResponseCode.INVALID_PARAMETER, 'clientId'],
  ['no message id', HEADER, ResponseCode.INVALID_PARAMETER, 'msgId'],
  ['an id that names no place', { ...HEADER, msgId: 'ID-1' }, ResponseCode.INVALID_PARAMETER, 'msgId'],
  ['a place without a message', { ...HEADER, msgId: `${'0'.repeat(28)}03E8` }, ResponseCode.QUERY_NOT_FOUND, '1000'],
])('CONSUME_MESSAGE_DIRECTLY: %s → answered by its code, naming it', async (_name, header, code, names) => {
  const broker = await startBroker()
  await connectProxy(broker, () => {
    throw new Error('the client is not to be asked')
  })
  const answer = await broker.ask(ConsumeMessageDirectly, header as typeof HEADER)
  expect(answer).toMatchObject({ code, remark: expect.stringContaining(names) })
})

test('SETTINGS_CHANGED: a topic or group changes → every proxy hears of it when it holds; the same again → nobody', async () => {
  const broker = await startBroker()
  const heard: object[] = []
  await connectProxy(broker, (request) => void heard.push(request.as(SettingsChanged).header))
  await broker.setRetries('G', 3)
  await broker.setRetries('G', 3)
  await broker.send('T', 'one')
  await broker.deleteTopic('T')
  expect(heard).toEqual([
    { kind: 'group', name: 'G' },
    { kind: 'topic', name: 'T' },
    { kind: 'topic', name: 'T' },
  ])
})
