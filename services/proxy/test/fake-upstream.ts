// Brokers in memory: queues, deliveries and what was asked of them. Time is the test's.
import {
  commitLogOffset,
  decodeProperties,
  formatReceiptHandle,
  type DedupBy,
  type MessageType,
  MqError,
  type ShardingQueues,
  queueOffset,
  type ReceiptHandle,
} from '@rocketmq-ts/model'
import type { ClientEntry } from '@rocketmq-ts/remoting'
import type { Clock, Scheduler } from '@rocketmq-ts/runtime'
import type {
  BrokerQueues,
  Delivery,
  GroupSettings,
  OutgoingRecord,
  PopOutcome,
  RecallOutcome,
  PopRequest,
  PoppedMessage,
  Stored,
  TopicRoute,
  TransactionEnd,
  Upstream,
} from '@rocketmq-ts/proxy'
import { pause } from '../src/waiting.ts'

export interface ChangedDelivery extends Delivery {
  readonly invisibleMs: number
}

interface StoredRecord {
  readonly brokerName: string
  readonly record: OutgoingRecord
  readonly queueOffset: number
  reconsumeTimes: number
  visibleAtMs: number
  /** The live handle; undefined before the first delivery. */
  handle: string | undefined
  acked: boolean
}

export interface FakeUpstream extends Upstream {
  readonly routes: Map<string, TopicRoute>
  readonly groups: Map<string, GroupSettings>
  /** Topics that take other messages than normal ones. */
  readonly types: Map<string, MessageType>
  /** Where their message groups are, whoever is away. */
  readonly shardingQueues: Map<string, readonly ShardingQueues[]>
  readonly dedup: Map<string, DedupBy>
  /** How far the clocks of the brokers are ahead. */
  clockAheadMs: number
  /** Why there is no broker. */
  brokersMissing: string | undefined
  readonly sent: { readonly brokerName: string; readonly record: OutgoingRecord }[]
  readonly pops: PopRequest[]
  readonly acks: Delivery[][]
  readonly changes: ChangedDelivery[]
  readonly ended: TransactionEnd[]
  /** Topics of each announcement. */
  readonly announced: (readonly string[])[]
  /** What brokers were told of clients. */
  readonly clients: Map<string, ClientEntry>
  readonly deadLetters: (Delivery & { readonly messageId: string })[]
  readonly created: string[]
  readonly refreshed: string[]
  /** Answers the next call of this kind, or each one, instead of the store; undefined gives the call to the store. */
  sendFault: ((brokerName: string) => Stored | Error | undefined) | undefined
  popFault: ((request: PopRequest) => PopOutcome | Error | undefined) | undefined
  /** What answers to sends name. */
  recallHandle: string
  recalls: { brokerName: string; topic: string; recallHandle: string }[]
  recallOutcome: RecallOutcome
  ackFault: ((delivery: Delivery) => Error | undefined) | undefined
  changeFault: ((delivery: Delivery) => Error | Promise<void> | undefined) | undefined
  deadLetterFault: (() => Error | undefined) | undefined
  groupFault: (() => Error | undefined) | undefined
  endFault: (() => Error | undefined) | undefined
}

export const QUEUES: BrokerQueues = {
  brokerName: 'broker-a',
  readQueues: 4,
  writeQueues: 4,
  readable: true,
  writable: true,
}

export function routeOf(topic: string, ...brokers: Partial<BrokerQueues>[]): TopicRoute {
  return { topic, brokers: (brokers.length === 0 ? [{}] : brokers).map((broker) => ({ ...QUEUES, ...broker })) }
}

export function createFakeUpstream(clock: Clock, scheduler: Scheduler): FakeUpstream {
  const records: StoredRecord[] = []
  let wake: (() => void)[] = []
  let lastPopMs = 0

  function popNow({ brokerName, topic, batchSize, invisibleMs }: PopRequest): PoppedMessage[] {
    const nowMs = clock.nowMs()
    const visible = records.filter(
      (stored) =>
        stored.brokerName === brokerName &&
        stored.record.topic === topic &&
        !stored.acked &&
        stored.visibleAtMs <= nowMs,
    )
    if (visible.length > 0) lastPopMs = Math.max(nowMs + fake.clockAheadMs, lastPopMs + 1)
    return visible.slice(0, batchSize).map((stored) => {
      if (stored.handle !== undefined) stored.reconsumeTimes += 1
      const handle = handleOf(stored, lastPopMs, invisibleMs)
      stored.handle = formatReceiptHandle(handle)
      stored.visibleAtMs = nowMs + invisibleMs
      const { queueId, sysFlag, bornTimestampMs, properties, body } = stored.record
      return {
        queueId,
        queueOffset: stored.queueOffset,
        sysFlag,
        bornTimestampMs,
        bornHost: '10.0.0.9:5000',
        storeTimestampMs: nowMs,
        storeHost: '10.0.0.1:10911',
        reconsumeTimes: stored.reconsumeTimes,
        storeId: 'STORE-ID',
        properties: decodeProperties(properties),
        body,
        handle,
      }
    })
  }

  function handleOf(stored: StoredRecord, popTimeMs: number, invisibleMs: number): ReceiptHandle {
    return {
      startOffset: queueOffset(stored.queueOffset),
      popTimeMs,
      invisibleMs,
      reviveQueueId: 0,
      topicKind: 'normal',
      brokerName: stored.brokerName,
      queueId: stored.record.queueId,
      queueOffset: queueOffset(stored.queueOffset),
      commitLogOffset: commitLogOffset(records.indexOf(stored) * 100),
    }
  }

  function recordOf({ topic, handle }: Delivery): StoredRecord | undefined {
    const text = formatReceiptHandle(handle)
    return records.find((stored) => stored.record.topic === topic && stored.handle === text)
  }

  async function arrival(pollMs: number): Promise<void> {
    const controller = new AbortController()
    wake.push(() => controller.abort())
    await pause(scheduler, pollMs, controller.signal)
  }

  const fake: FakeUpstream = {
    routes: new Map(),
    groups: new Map(),
    sent: [],
    pops: [],
    acks: [],
    changes: [],
    ended: [],
    announced: [],
    clients: new Map(),
    deadLetters: [],
    created: [],
    types: new Map(),
    shardingQueues: new Map(),
    dedup: new Map(),
    clockAheadMs: 0,
    brokersMissing: undefined,
    refreshed: [],
    recallHandle: '',
    recalls: [],
    recallOutcome: { kind: 'recalled', messageId: 'MSG-1' },
    sendFault: undefined,
    popFault: undefined,
    ackFault: undefined,
    changeFault: undefined,
    deadLetterFault: undefined,
    groupFault: undefined,
    endFault: undefined,
    known: (topic) => fake.routes.get(topic),
    route: (topic) => Promise.resolve(fake.routes.get(topic)),
    forget() {},
    refresh: (topic) => void fake.refreshed.push(topic),
    createTopic(topic, queues) {
      fake.created.push(topic)
      fake.routes.set(topic, routeOf(topic, { readQueues: queues, writeQueues: queues }))
      return Promise.resolve(['broker-a'])
    },
    missingBrokers: () => Promise.resolve(fake.brokersMissing),
    topicFacts(topic) {
      const type = fake.types.get(topic)
      const shardingQueues = fake.shardingQueues.get(topic)
      const dedupBy = fake.dedup.get(topic)
      return Promise.resolve(
        type === undefined && shardingQueues === undefined && dedupBy === undefined
          ? undefined
          : { type: type ?? 'NORMAL', shardingQueues, dedupBy },
      )
    },
    groupSettings(group) {
      const fault = fake.groupFault?.()
      return fault === undefined ? Promise.resolve(fake.groups.get(group)) : Promise.reject(fault)
    },
    async send(brokerName, record) {
      const fault = fake.sendFault?.(brokerName)
      if (fault instanceof Error) throw fault
      if (fault !== undefined) return fault
      fake.sent.push({ brokerName, record })
      const siblings = records.filter(
        (stored) =>
          stored.brokerName === brokerName &&
          stored.record.topic === record.topic &&
          stored.record.queueId === record.queueId,
      )
      records.push({
        brokerName,
        record: { ...record, body: record.body.slice() },
        queueOffset: siblings.length,
        reconsumeTimes: 0,
        visibleAtMs: 0,
        handle: undefined,
        acked: false,
      })
      const waiting = wake
      wake = []
      for (const wakeUp of waiting) wakeUp()
      return { queueOffset: siblings.length, transactionId: '', recallHandle: fake.recallHandle, copies: 'kept' }
    },
    async recall(brokerName, topic, recallHandle) {
      fake.recalls.push({ brokerName, topic, recallHandle })
      return fake.recallOutcome
    },
    async pop(request) {
      fake.pops.push(request)
      const fault = fake.popFault?.(request)
      if (fault instanceof Error) throw fault
      if (fault !== undefined) return fault
      const deadlineMs = clock.monotonicMs() + request.pollMs
      for (;;) {
        const messages = popNow(request)
        if (messages.length > 0) return { kind: 'found', messages }
        const leftMs = deadlineMs - clock.monotonicMs()
        if (leftMs <= 0) return { kind: 'none' }
        await arrival(leftMs)
      }
    },
    async ack(deliveries) {
      fake.acks.push([...deliveries])
      for (const delivery of deliveries) {
        const fault = fake.ackFault?.(delivery)
        if (fault !== undefined) throw fault
        const stored = recordOf(delivery)
        if (stored !== undefined) stored.acked = true
      }
    },
    async deadLetter(delivery, messageId) {
      const fault = fake.deadLetterFault?.()
      if (fault !== undefined) throw fault
      fake.deadLetters.push({ ...delivery, messageId })
      const stored = recordOf(delivery)
      if (stored !== undefined) stored.acked = true
    },
    async changeInvisible({ group, topic, handle }, invisibleMs) {
      fake.changes.push({ group, topic, handle, invisibleMs })
      const fault = fake.changeFault?.({ group, topic, handle })
      if (fault instanceof Error) throw fault
      await fault
      const stored = recordOf({ group, topic, handle })
      if (stored === undefined || stored.acked) throw new MqError('handle-invalid', 'the delivery is not live')
      lastPopMs = Math.max(clock.nowMs(), lastPopMs + 1)
      const renewed = handleOf(stored, lastPopMs, invisibleMs)
      stored.handle = formatReceiptHandle(renewed)
      stored.visibleAtMs = clock.nowMs() + invisibleMs
      return renewed
    },
    async endTransaction(end) {
      fake.ended.push(end)
      const fault = fake.endFault?.()
      if (fault !== undefined) throw fault
    },
    masters: () => Promise.resolve(['broker-a:10911']),
    tellClients(_address, { isFirst }, { clients, gone }) {
      if (isFirst) fake.clients.clear()
      for (const clientId of gone) fake.clients.delete(clientId)
      for (const client of clients) fake.clients.set(client.clientId, client)
      return Promise.resolve({ known: fake.clients.size, isFull: false })
    },
    async announceProducers(topics) {
      fake.announced.push(topics)
    },
    close: () => Promise.resolve(),
  }
  return fake
}
