// Three days of a broker's life in less than a second: what waits for a time costs nothing until then.
import { expect, test } from '@jest/globals'
import { decodeRecord, PropertyName, subscriptionGroupConfig, SystemGroup, SystemTopic } from '@rocketmq-ts/model'
import { CheckTransactionState, encodeHeartbeatData, HeartBeat, type Peer } from '@rocketmq-ts/remoting'
import { createWorld } from '../src/index.ts'
import { BROKER_ADDRESS, BrokerHost } from '../src/store-world/broker-host.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** Of this process: a machine that others use must not turn the test red. */
const CPU_MS_MAX = 1000
const SEGMENT_BYTES = 64 * 1024
const BODY = 'x'.repeat(10_000)
const SETTINGS = {
  fileReservedTime: 24,
  deleteWhen: Array.from({ length: 24 }, (_, hour) => hour).join(';'),
  cleanFileForciblyEnable: false,
  transactionTimeOut: HOUR_MS,
  transactionCheckInterval: 4 * HOUR_MS,
  transactionCheckMax: 15,
} as const
const BROKER = { address: BROKER_ADDRESS, brokerName: 'broker-a' }

type Properties = Readonly<Record<string, string>>

/** A broker, and a clock that shows hours since its start. */
class Days {
  readonly world = createWorld({ seed: 3 })
  readonly host = new BrokerHost(this.world, {
    flushDiskType: 'SYNC_FLUSH',
    segmentBytes: SEGMENT_BYTES,
    atomicBytes: 4096,
    settings: SETTINGS,
  })
  startMs = 0

  async begin(): Promise<void> {
    await this.host.start()
    this.startMs = this.host.machine.nowMs
  }

  hoursOf(ms: number): number {
    return (ms - this.startMs) / HOUR_MS
  }

  async settled<Value>(promise: Promise<Value>): Promise<Value> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    promise.then(over, over)
    await this.world.run(() => isOver)
    return promise
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.world.nowMs + ms
    this.world.after(ms, () => undefined)
    await this.world.run(() => this.world.nowMs >= endMs)
  }

  /** Into the only queue of the topic. */
  send(topic: string, body: string, properties: Properties = {}) {
    const header = {
      producerGroup: 'P',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 1,
      queueId: 0,
      sysFlag: 0,
      bornTimestampMs: this.host.machine.nowMs,
      flag: 0,
      properties: Object.entries(properties)
        .map(([name, value]) => `${name}\u0001${value}\u0002`)
        .join(''),
    }
    return this.settled(this.host.client.send(BROKER_ADDRESS, header, Buffer.from(body)))
  }

  /** What the group gets, with the hours at which each was stored; acknowledged unless it says otherwise. */
  async take(topic: string, group: string, { invisibleTimeMs = HOUR_MS, acks = true } = {}) {
    const header = {
      consumerGroup: group,
      topic,
      queueId: -1,
      maxMsgNums: 32,
      invisibleTimeMs,
      pollTimeMs: 0,
      bornTimeMs: this.host.machine.nowMs,
      initMode: 0,
      expType: 'TAG',
      exp: '*',
    }
    const found = await this.settled(this.host.client.pop(BROKER, header))
    const messages = found.kind === 'found' ? found.messages : []
    for (const { handle } of acks ? messages : [])
      await this.settled(this.host.client.ack(BROKER_ADDRESS, { consumerGroup: group, topic, handle }))
    return messages.map(({ record }) => ({
      text: Buffer.from(record.body).toString(),
      atHours: this.hoursOf(record.storeTimestampMs),
      attempts: record.reconsumeTimes + 1,
    }))
  }

  /** A producer of 'P', and the hours at which it was asked. */
  connectProducer() {
    const askedAtHours: number[] = []
    const peer: Peer = this.host.broker.connectLocal((arrived) => {
      const { body } = arrived.as(CheckTransactionState)
      expect(Buffer.from(decodeRecord(body).body).toString()).toBe('undecided')
      askedAtHours.push(this.hoursOf(this.host.machine.nowMs))
    })
    const data = {
      clientID: 'producer',
      producerDataSet: [{ groupName: 'P' }],
      consumerDataSet: [],
      heartbeatFingerprint: 0,
      withoutSub: false,
    }
    const beat = () =>
      this.settled(peer.request(HeartBeat, {}, { timeoutMs: MINUTE_MS, body: encodeHeartbeatData(data) }))
    return { askedAtHours, beat }
  }
}

test('three days: delays, retries, retention and questions to producers → each at its hour, in a second of the processor', async () => {
  const days = new Days()
  await days.begin()
  const startedWith = process.cpuUsage()
  const { client } = days.host
  await days.settled(
    client.createSubscriptionGroup(BROKER_ADDRESS, subscriptionGroupConfig('retrying', { retryMaxTimes: 3 })),
  )
  const producer = days.connectProducer()

  await days.send('delayed', 'in two hours', { DELAY: '18' })
  const dueMs = Math.floor(days.startMs + 60 * HOUR_MS)
  await days.send('delayed', 'in sixty hours', { [PropertyName.TIMER_DELIVER_MS]: String(dueMs) })
  await days.send('transactions', 'undecided', { TRAN_MSG: 'true', PGROUP: 'P', UNIQ_KEY: 'id' })
  await days.send('retried', 'never acknowledged')
  for (let sent = 0; sent < 20; sent += 1) await days.send('old', BODY)

  const tried: (readonly [hours: number, attempts: number])[] = []
  const came: { readonly text: string; readonly atHours: number }[] = []
  for (let hour = 0; hour < 72; hour += 1) {
    for (const { attempts } of await days.take('retried', 'retrying', { invisibleTimeMs: 2 * HOUR_MS, acks: false }))
      tried.push([hour, attempts])
    came.push(...(await days.take('delayed', 'readers')))
    // Its connection is known for two minutes.
    await days.pass(HOUR_MS - MINUTE_MS)
    await producer.beat()
    await days.pass(MINUTE_MS)
  }
  await days.send('old', 'new')

  // Delays: also the one whose record had to be written once more, as its file went after a day.
  expect(came.map(({ text }) => text)).toEqual(['in two hours', 'in sixty hours'])
  expect(came[0]!.atHours - 2).toBeGreaterThanOrEqual(-1 / HOUR_MS)
  expect(came[0]!.atHours - 2).toBeLessThan(1000 / HOUR_MS)
  expect(days.startMs + came[1]!.atHours * HOUR_MS).toBeGreaterThanOrEqual(dueMs)
  expect(came[1]!.atHours - 60).toBeLessThan(1000 / HOUR_MS)
  // Retries: when the invisible time is over, counted, and after the last one it is a dead letter.
  expect(tried.map(([, attempts]) => attempts)).toEqual([1, 2, 3, 4])
  expect(tried.map(([hour]) => hour)).toEqual([0, 2, 4, 6])
  // Retention: what is older than a day has gone, but for the file that is written to.
  const queue = { topic: 'old', queueId: 0 }
  expect(await days.settled(client.maxOffset(BROKER_ADDRESS, queue))).toBe(21)
  const min = await days.settled(client.minOffset(BROKER_ADDRESS, queue))
  expect(min).toBeGreaterThanOrEqual(20 - Math.ceil(SEGMENT_BYTES / BODY.length))
  expect(days.host.logMin()).toBeGreaterThanOrEqual(2 * SEGMENT_BYTES)
  const kept = await days.take('old', 'readers')
  expect([kept.length, kept.at(-1)?.text]).toEqual([21 - min, 'new'])
  // Transactions: the first question after an hour, then every four, fifteen in all; then it is given up.
  expect(producer.askedAtHours.map(Math.round)).toEqual(Array.from({ length: 15 }, (_, index) => 1 + 4 * index))
  const halves = days.host.broker
    .ledger()
    .find(({ topic, group }) => topic === SystemTopic.HALF && group === SystemGroup.TRANSACTION)
  expect(halves).toMatchObject({ lag: 0, balanced: true, buckets: { dead: 1 } })

  expect(days.host.machine.nowMs - days.startMs).toBeGreaterThanOrEqual(3 * DAY_MS)
  const { user, system } = process.cpuUsage(startedWith)
  expect((user + system) / 1000).toBeLessThan(CPU_MS_MAX)
  expect(await days.host.stop()).toBe('stopped')
})
