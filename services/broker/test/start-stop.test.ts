// Starting and stopping: what a failed or interrupted start leaves behind, and what a stop waits for and what not.
import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { defaultConfig } from '@rocketmq-ts/config'
import { type Peer, PopMessage, ResponseCode, SendMessageV2, connectPeer } from '@rocketmq-ts/remoting'
import { silentLogger } from '@rocketmq-ts/runtime'
import { type BrokerDeps, type BrokerSettings, brokerConfig, createBroker } from '../src/index.ts'

import { type BrokerHarness, MINUTE_MS, startBroker } from './broker-harness.ts'

const addresses = ['here']
const reached = async (): Promise<void> => {}
const never = () => new Promise<never>(() => {})

/** Another broker on the machine of the harness; not started yet. */
function another(harness: BrokerHarness, settings: Partial<BrokerSettings>, deps: Partial<BrokerDeps> = {}) {
  const { effects } = harness.machine.start('another', () => undefined)
  const events: { event: string; cleanStop?: boolean }[] = []
  const remember = (event: { event: string }): void => void events.push(event)
  const broker = createBroker(
    {
      ...defaultConfig(brokerConfig),
      listenHost: harness.machine.host,
      listenPort: 0,
      storePathRootDir: '/another',
      mappedFileSizeCommitLog: 1024 * 1024,
      ...settings,
    },
    {
      ...effects,
      logger: { ...silentLogger, info: remember, warn: remember, error: remember },
      nameServers: { addresses, register: reached, unregister: async () => {} },
      onDefect(error) {
        throw error
      },
      ...deps,
    },
  )
  return { broker, events }
}

function clientOf({ world, broker }: BrokerHarness): Promise<Peer> {
  const { effects } = world.machine('client').start('client', () => undefined)
  const { host, port } = broker.address
  return connectPeer(effects.network, `${host}:${port}`, effects)
}

const sendHeader = {
  producerGroup: 'p',
  topic: 'T',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: 0,
  sysFlag: 0,
  bornTimestampMs: 1,
  flag: 0,
}

const popHeader = (pollTimeMs: number) => ({
  consumerGroup: 'G',
  topic: 'T',
  queueId: -1,
  maxMsgNums: 1,
  invisibleTimeMs: MINUTE_MS,
  pollTimeMs,
  bornTimeMs: 0,
  initMode: 1,
})

test('start: the port is taken → rejects with its address, and the folder is free for the next start', async () => {
  const harness = await startBroker()
  const taken = another(harness, { listenPort: harness.broker.address.port })
  await expect(harness.settled(taken.broker.start())).rejects.toThrow(String(harness.broker.address.port))
  const { broker } = another(harness, {})
  await harness.settled(broker.start())
  expect(broker.readiness()).toMatchObject({ ready: true })
  await harness.settled(broker.stop())
})

test('start: the same broker after a failed start → runs', async () => {
  const harness = await startBroker()
  const blocker = another(harness, { storePathRootDir: '/blocker' }).broker
  await harness.settled(blocker.start())
  const { broker } = another(harness, { listenPort: blocker.address.port })
  await expect(harness.settled(broker.start())).rejects.toThrow()
  await harness.settled(blocker.stop())
  await harness.settled(broker.start())
  expect(broker.readiness()).toMatchObject({ ready: true })
  await harness.settled(broker.stop())
})

test('stop: during the recovery of a start → waits for it, then closes what it opened', async () => {
  const harness = await startBroker()
  const { broker } = another(harness, {})
  const starting = broker.start().catch(() => undefined)
  await harness.settled(broker.stop())
  await harness.settled(starting)
  const next = another(harness, {})
  await harness.settled(next.broker.start())
  expect(next.events).toContainEqual(expect.objectContaining({ event: 'store.opened', cleanStop: true }))
  await harness.settled(next.broker.stop())
})

test('stop: while the first registration gets no answer → the start ends with it, and the stop is clean', async () => {
  const harness = await startBroker()
  const silent = { addresses, register: never, unregister: never }
  const { broker } = another(harness, {}, { nameServers: silent })
  const starting = broker.start()
  await harness.advance(1000)
  const before = harness.world.nowMs
  await harness.settled(broker.stop())
  await harness.settled(starting)
  expect(harness.world.nowMs - before).toBeLessThan(3000)
  const next = another(harness, {})
  await harness.settled(next.broker.start())
  expect(next.events).toContainEqual(expect.objectContaining({ event: 'store.opened', cleanStop: true }))
  await harness.settled(next.broker.stop())
})

test('stop: asked twice → both wait until it is done', async () => {
  const harness = await startBroker()
  const { broker } = another(harness, {})
  await harness.settled(broker.start())
  const first = broker.stop()
  await harness.settled(broker.stop())
  const next = another(harness, {})
  await harness.settled(next.broker.start())
  await harness.settled(Promise.all([first, next.broker.stop()]))
})

test('stop: the derived files can not be written → said in the log, and the store is closed all the same', async () => {
  const harness = await startBroker()
  await harness.send('T', 'one')
  harness.machine.disk.fail({ on: 'write', path: '/config/', error: 'no-space', times: Infinity })
  await harness.stop()
  expect(harness.events.map(({ event }) => event)).toContain('snapshot.failed')
  expect(harness.events.map(({ event }) => event)).toContain('store.closed')
  await harness.restart()
  expect(harness.events).toContainEqual(expect.objectContaining({ event: 'store.opened', cleanStop: true }))
})

test('stop: clients that never pause → answered or turned away, and the stop comes to its end', async () => {
  const harness = await startBroker()
  await harness.send('T', 'first')
  // While one sync runs, others wait for the next: there is no moment without a send in flight.
  harness.machine.disk.fail({ on: 'sync', path: 'commitlog', delayMs: 20, times: Infinity })
  const acknowledged: string[] = []
  let over = false
  async function sendWithoutPause(peer: Peer, name: string): Promise<void> {
    for (let count = 0; !over; count += 1) {
      const body = `${name} ${count}`
      const answer = await peer.request(SendMessageV2, sendHeader, { timeoutMs: 10_000, body: utf8Encode(body) })
      if (answer.code === ResponseCode.SUCCESS) acknowledged.push(body)
    }
  }
  const clients = await harness.settled(Promise.all(Array.from({ length: 8 }, () => clientOf(harness))))
  const loops = Array.from({ length: 64 }, (_, index) =>
    sendWithoutPause(clients[index % clients.length]!, `loop ${index}`).catch(() => undefined),
  )
  await harness.advance(50)
  const before = harness.world.nowMs
  await harness.stop()
  expect(harness.world.nowMs - before).toBeLessThan(4000)
  over = true
  await harness.settled(Promise.all(loops))
  expect(acknowledged.length).toBeGreaterThan(8)
  await harness.restart()
  const stored: string[] = []
  for (let popped = await harness.pop('T', 'G'); popped.length > 0; popped = await harness.pop('T', 'G')) {
    stored.push(...popped.map(({ record }) => Buffer.from(record.body).toString()))
  }
  expect(stored).toEqual(expect.arrayContaining(acknowledged))
})

test('stop: long polls, also such that arrive meanwhile → answered at once, not when the drain gives up', async () => {
  const unregister = () => new Promise<void>((done) => harness.world.after(3, done))
  const nameServers = { addresses, register: reached, unregister }
  const harness: BrokerHarness = await startBroker({}, { nameServers })
  await harness.send('T', 'first')
  await harness.ack('T', 'G', (await harness.pop('T', 'G'))[0]!)
  const peer = await harness.settled(clientOf(harness))
  const codes: number[] = []
  const ask = () =>
    peer.request(PopMessage, popHeader(20_000), { timeoutMs: 30_000 }).then(
      ({ code }) => void codes.push(code),
      () => undefined,
    )
  const asked = [ask()]
  await harness.advance(100)
  // Some are held when the broker turns requests away, some wait for their Turn, some are on their way.
  for (let delayMs = 0; delayMs < 6; delayMs += 0.01) harness.world.after(delayMs, () => void asked.push(ask()))
  const before = harness.world.nowMs
  await harness.stop()
  expect(harness.world.nowMs - before).toBeLessThan(1000)
  await harness.settled(Promise.all(asked))
  expect(codes.length).toBeGreaterThan(100)
  for (const code of codes) {
    expect([ResponseCode.POLLING_TIMEOUT, ResponseCode.GO_AWAY, ResponseCode.SERVICE_NOT_AVAILABLE]).toContain(code)
  }
})

test('stop: a client that hangs with a long poll → the stop is over before its share of the deadline is', async () => {
  const harness = await startBroker()
  await harness.send('T', 'first')
  await harness.ack('T', 'G', (await harness.pop('T', 'G'))[0]!)
  const peer = await harness.settled(clientOf(harness))
  peer.request(PopMessage, popHeader(20_000), { timeoutMs: 30_000 }).catch(() => undefined)
  await harness.advance(100)
  harness.world.network.partition('client', 'broker')
  const before = harness.world.nowMs
  await harness.stop()
  expect(harness.world.nowMs - before).toBeLessThan(2000)
})

test('stop: a nameserver that does not answer → the stop does not wait for it for long', async () => {
  const harness = await startBroker({}, { nameServers: { addresses, register: reached, unregister: never } })
  const before = harness.world.nowMs
  await harness.stop()
  expect(harness.world.nowMs - before).toBeLessThan(2000)
})

test('stop: requests within the process afterwards → refused, nothing is written to a folder that is given back', async () => {
  const harness = await startBroker()
  await harness.send('T', 'one')
  await harness.stop()
  expect((await harness.send('T', 'two')).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE)
  expect((await harness.ask(PopMessage, popHeader(0))).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE)
})
