// A broker on a simulated machine with time that the test moves, asked through a connection in the same process.
import assert from 'node:assert'
import { afterEach } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { defaultConfig } from '@rocketmq-ts/config'
import {
  type MessageRecord,
  decodeProperties,
  decodeRecords,
  formatReceiptHandle,
  ORDER_UNIT_ATTRIBUTE,
  type OrderUnit,
  PropertyName,
  SystemTopic,
  parseMessageOffsetInfo,
  parseReceiptHandle,
  parseStartOffsetInfo,
  queueOffset,
  stringifyJavaJson,
  subscriptionGroupConfig,
} from '@rocketmq-ts/model'
import {
  AckMessage,
  type Answer,
  ChangeMessageInvisibleTime,
  ConsumerSendMsgBack,
  decodeQueuePositions,
  DeleteTopicInBroker,
  InvokeBrokerToResetOffset,
  type InvokeBrokerToResetOffsetHeader,
  type Peer,
  PopMessage,
  ResponseCode,
  type RequestDeclaration,
  SendMessageV2,
  UpdateAndCreateSubscriptionGroup,
} from '@rocketmq-ts/remoting'
import { silentLogger } from '@rocketmq-ts/runtime'
import { type SimMachine, type SimProcess, type World, createWorld } from '@rocketmq-ts/testkit'
import { type Broker, type BrokerSettings, brokerConfig, createBroker } from '../src/index.ts'
import type { BrokerDeps } from '../src/broker.ts'
import { createTally } from './tally.ts'

/** Checks left to do when the test is over. */
const checks: (() => void)[] = []

afterEach(() => {
  for (const check of checks.splice(0)) check()
})

export const MINUTE_MS = 60_000
const REQUEST_TIMEOUT_MS = 100_000
const MiB = 1024 * 1024

export interface Popped {
  readonly record: MessageRecord
  readonly handle: string
  readonly popTimeMs: number
}

export interface BrokerHarness {
  readonly world: World
  readonly machine: SimMachine
  readonly broker: Broker
  readonly peer: Peer
  readonly events: readonly { event: string }[]
  /** Runs the world until the promise settles. */
  settled<Value>(promise: Promise<Value>): Promise<Value>
  advance(ms: number): Promise<void>
  ask<H extends object, A extends object>(
    request: RequestDeclaration<H, A>,
    header: H,
    body?: Uint8Array,
  ): Promise<Answer<A>>
  send(topic: string, body: string, options?: { queueId?: number; properties?: string }): Promise<Answer<object>>
  pop(topic: string, group: string, options?: PopOptions): Promise<Popped[]>
  /** A pop that is on its way while the test does other things: pass it to `settled`. */
  popLater(topic: string, group: string, options?: PopOptions): Promise<Popped[]>
  ack(topic: string, group: string, popped: Popped): Promise<Answer<object>>
  changeInvisible(topic: string, group: string, popped: Popped, invisibleTimeMs: number): Promise<Answer<object>>
  deleteTopic(topic: string): Promise<Answer<object>>
  setRetries(group: string, retryMaxTimes: number): Promise<void>
  /** Of T and G, all queues by time where nothing else is said. */
  reset(changes?: Partial<InvokeBrokerToResetOffsetHeader>): Promise<Answer<object>>
  /** The group consumes in order, of queues unless said otherwise. */
  setOrder(group: string, retryMaxTimes?: number, unit?: OrderUnit): Promise<void>
  /** The consumer gives the message up. */
  sendBack(topic: string, group: string, popped: Popped): Promise<Answer<object>>
  crash(options: { powerLoss: boolean }): void
  /** Starts a broker on the same disk after a crash or stop. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface PopOptions {
  readonly max?: number
  readonly invisibleMs?: number
  readonly pollMs?: number
  readonly expression?: string
  readonly expressionType?: 'TAG' | 'SQL92'
  readonly queueId?: number
  readonly attemptId?: string
}

/** Starts a broker with sync flush, unless `settings` say otherwise. */
export async function startBroker(
  settings: Partial<BrokerSettings> = {},
  deps: Partial<BrokerDeps> = {},
): Promise<BrokerHarness> {
  const world = createWorld({ seed: 7 })
  const machine = world.machine('broker')
  const events: { event: string }[] = []
  let broker!: Broker
  let peer!: Peer
  let process!: SimProcess

  async function settled<Value>(promise: Promise<Value>): Promise<Value> {
    let over = false
    const watched = promise.finally(() => {
      over = true
    })
    watched.catch(() => {})
    await world.run(() => over)
    return watched
  }

  function remember(event: { event: string }): void {
    events.push(event)
  }

  async function boot(): Promise<void> {
    process = machine.start('broker', () => undefined)
    const { effects } = process
    broker = createBroker(
      {
        ...defaultConfig(brokerConfig),
        listenHost: machine.host,
        listenPort: 0,
        storePathRootDir: '/store',
        flushDiskType: 'SYNC_FLUSH',
        mappedFileSizeCommitLog: MiB,
        ...settings,
      },
      {
        ...effects,
        logger: { ...silentLogger, info: remember, warn: remember, error: remember },
        nameServers: {
          addresses: ['here'],
          register: async () => {},
          unregister: async () => {},
        },
        onDefect(error) {
          throw error
        },
        ...deps,
      },
    )
    await settled(broker.start())
    peer = broker.connectLocal()
  }

  await boot()
  // What the test itself sent, acknowledged and deleted, held against the broker's ledger at the end.
  const tally = createTally()
  checks.push(() => {
    // Half messages are settled by decisions, which tests of transactions look at themselves.
    const isCounted = ({ topic }: { readonly topic: string }) => topic !== SystemTopic.HALF
    if (broker.readiness().ready) tally.check(broker.ledger().filter(isCounted))
  })
  const harness: BrokerHarness = {
    world,
    machine,
    get broker() {
      return broker
    },
    get peer() {
      return peer
    },
    events,
    settled,
    advance: (ms) => world.run(ms),
    ask(request, header, body) {
      return settled(peer.request(request, header, { timeoutMs: REQUEST_TIMEOUT_MS, ...(body && { body }) }))
    },
    send(topic, body, { queueId = 0, properties = '' } = {}) {
      const header = {
        producerGroup: 'p',
        topic,
        defaultTopic: 'TBW102',
        defaultTopicQueueNums: 4,
        queueId,
        sysFlag: 0,
        bornTimestampMs: 1,
        flag: 0,
        properties,
      }
      return harness.ask(SendMessageV2, header, utf8Encode(body)).then((answer) => {
        if (answer.code === ResponseCode.SUCCESS && answer.header)
          tally.sent(topic, answer.header.queueId, answer.header.queueOffset)
        return answer
      })
    },
    pop: (topic, group, options) => settled(harness.popLater(topic, group, options)),
    async popLater(
      topic,
      group,
      {
        max = 32,
        invisibleMs = MINUTE_MS,
        pollMs = 0,
        expression = '*',
        expressionType: expType = 'TAG',
        queueId = -1,
        attemptId,
      } = {},
    ) {
      const wanted = {
        consumerGroup: group,
        topic,
        queueId,
        maxMsgNums: max,
        invisibleTimeMs: invisibleMs,
        pollTimeMs: pollMs,
        bornTimeMs: 0,
        initMode: 1,
        expType,
        exp: expression,
        ...(attemptId !== undefined && { attemptId }),
      }
      const { code, header, body } = await peer.request(PopMessage, wanted, { timeoutMs: REQUEST_TIMEOUT_MS })
      if (code !== ResponseCode.SUCCESS || header === undefined || body === undefined) return []
      const starts = parseStartOffsetInfo(header.startOffsetInfo ?? '')
      assert(parseMessageOffsetInfo(header.msgOffsetInfo ?? '').length === starts.length)
      return decodeRecords(body).map((record) => {
        const carried = decodeProperties(Buffer.from(record.properties).toString('latin1')).get(PropertyName.POP_CK)
        if (carried !== undefined) return { record, handle: carried, popTimeMs: header.popTimeMs }
        tally.popped(topic, group, record.queueId, record.queueOffset, header.popTimeMs)
        const start = starts.find((each) => each.queueId === record.queueId)
        const handle = formatReceiptHandle({
          startOffset: start?.startOffset ?? queueOffset(0),
          popTimeMs: header.popTimeMs,
          invisibleMs: header.invisibleTimeMs,
          reviveQueueId: header.reviveQid,
          topicKind: 'normal',
          brokerName: 'broker-a',
          queueId: record.queueId,
          queueOffset: record.queueOffset,
        })
        return { record, handle, popTimeMs: header.popTimeMs }
      })
    },
    async ack(topic, group, { record, handle, popTimeMs }) {
      const { queueId, queueOffset: offset } = record
      const header = { consumerGroup: group, topic, queueId, extraInfo: handle, queueOffset: offset }
      const answer = await harness.ask(AckMessage, header)
      const isRetry = parseReceiptHandle(handle).topicKind !== 'normal'
      if (answer.code === ResponseCode.SUCCESS && !isRetry) tally.acked(topic, group, queueId, offset, popTimeMs)
      return answer
    },
    async deleteTopic(topic) {
      const answer = await harness.ask(DeleteTopicInBroker, { topic })
      if (answer.code === ResponseCode.SUCCESS) tally.deleted(topic)
      return answer
    },
    changeInvisible(topic, group, { record, handle }, invisibleTimeMs) {
      const { queueId, queueOffset: offset } = record
      const header = { consumerGroup: group, topic, queueId, extraInfo: handle, queueOffset: offset, invisibleTimeMs }
      return harness.ask(ChangeMessageInvisibleTime, header)
    },
    async reset(changes = {}) {
      const header = { topic: 'T', group: 'G', timestampMs: 0, ...changes }
      const reset = tally.resetting()
      const answer = await harness.ask(InvokeBrokerToResetOffset, header)
      for (const { queueId, offset } of answer.body === undefined ? [] : decodeQueuePositions(answer.body)) {
        reset(header.topic, header.group, queueId, offset)
      }
      return answer
    },
    async setRetries(group, retryMaxTimes) {
      const body = utf8Encode(stringifyJavaJson(subscriptionGroupConfig(group, { retryMaxTimes })))
      await harness.ask(UpdateAndCreateSubscriptionGroup, {}, body)
    },
    async setOrder(group, retryMaxTimes = 16, unit = 'QUEUE') {
      const attributes = new Map([[ORDER_UNIT_ATTRIBUTE, unit]])
      const config = subscriptionGroupConfig(group, { retryMaxTimes, consumeMessageOrderly: true, attributes })
      await harness.ask(UpdateAndCreateSubscriptionGroup, {}, utf8Encode(stringifyJavaJson(config)))
    },
    sendBack(topic, group, { handle, record }) {
      const { commitLogOffset } = record
      const header = { commitLogOffset, group, delayLevel: -1, originTopic: topic, maxReconsumeTimes: 0 }
      return harness.ask(ConsumerSendMsgBack, { ...header, extraInfo: handle })
    },
    crash: (options) => process.crash(options),
    restart: boot,
    stop: () => settled(broker.stop()),
  }
  return harness
}
