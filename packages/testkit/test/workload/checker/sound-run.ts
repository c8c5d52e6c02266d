// A small run in which everything is right, to be broken in one place by each test. One broker, one queue, one group
// whose messages may be retried once: message 0 is acknowledged, 1 comes twice, 2 becomes a dead letter, 3 has another
// tag than the second group wants.
import type { QueueLedger } from '@rocketmq-ts/broker'
import type { Life } from '../../../src/cluster/service-node.ts'
import type { UnansweredPop } from '../../../src/cluster/sim-cluster.ts'
import type { AuditedRecord } from '../../../src/cluster/store-audit.ts'
import { hashOf, makeBody } from '../../../src/workload/bodies.ts'
import type { CheckInput } from '../../../src/workload/checker/check-input.ts'
import type { Delivery, SendAttempt, SentMessage, Settlement } from '../../../src/workload/history.ts'
import { History } from '../../../src/workload/history.ts'
import { Prng } from '../../../src/sim/index.ts'

/** Broker clock − world time. */
export const CLOCK_MS = 1_000_000
export const INVISIBLE_MS = 10_000
const BROKER = 'broker-0'
const TOPIC = 'Orders'
const ALL = 'all'
const TAGGED = 'tagged'

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

export interface SoundRun {
  readonly messages: Writable<SentMessage>[]
  readonly sends: Writable<SendAttempt>[]
  readonly deliveries: Writable<Delivery>[]
  readonly settlements: Writable<Settlement>[]
  readonly records: Writable<AuditedRecord>[]
  readonly rows: Writable<QueueLedger>[]
  readonly lives: Life[]
  readonly defects: { node: string; message: string }[]
  readonly faults: string[]
  readonly unanswered: UnansweredPop[]
  readonly history: History
  broken: string | undefined
  isAsync: boolean
}

const bodies = [0, 1, 2, 3].map((seq) => makeBody(new Prng(seq), seq, 40))
const tags = ['TagA', 'TagA', 'TagA', 'TagB']

export function soundRun(): SoundRun {
  const history = new History()
  const run: SoundRun = {
    history,
    messages: history.messages,
    sends: history.sends,
    deliveries: history.deliveries,
    settlements: history.settlements,
    records: bodies.map((_, seq) => storedRecord(seq)),
    rows: [ledgerRow(ALL, { acked: 3, dead: 1, filtered: 0 }), ledgerRow(TAGGED, { acked: 3, dead: 0, filtered: 1 })],
    lives: [{ startedMs: 0, endedMs: undefined, end: undefined, refusedMs: undefined }],
    defects: [],
    faults: [],
    unanswered: [],
    broken: undefined,
    isAsync: false,
  }
  for (const [seq, body] of bodies.entries()) {
    const fields = { seq, messageId: `id-${seq}`, topic: TOPIC, tag: tags[seq] ?? '', poison: seq === 2 }
    run.messages.push({ ...fields, bodyHash: hashOf(body) })
    run.sends.push({ seq, startMs: 100, endMs: 105, outcome: 'ok', queueOffset: seq })
  }
  deliver(run, 0, 1, 200)
  acknowledge(run, 0, 210)
  deliver(run, 1, 1, 200)
  deliver(run, 1, 2, 11_000)
  acknowledge(run, 2, 11_010)
  deliver(run, 2, 1, 200)
  deliver(run, 2, 2, 11_000)
  deliver(run, 3, 1, 300)
  acknowledge(run, 5, 310)
  for (const seq of [0, 1, 2]) {
    deliver(run, seq, 1, 400, TAGGED)
    acknowledge(run, run.deliveries.length - 1, 410)
  }
  run.records.push(deadLetterRecord(2, 11_000 + CLOCK_MS))
  return run
}

export function inputOf(run: SoundRun): CheckInput {
  const group = { topic: TOPIC, kind: 'simple', retryMaxTimes: 1 } as const
  return {
    topics: [{ name: TOPIC, queues: 1 }],
    groups: [
      { ...group, name: ALL, tagExpression: '*' },
      { ...group, name: TAGGED, tagExpression: 'TagA' },
    ],
    isAsync: run.isAsync,
    syncMsMax: 0,
    history: run.history,
    brokers: [{ name: BROKER, lives: run.lives }],
    ledgers: [{ brokerName: BROKER, rows: run.rows }],
    audits: [{ brokerName: BROKER, records: run.records, faults: run.faults }],
    defects: run.defects,
    unanswered: run.unanswered,
    broken: run.broken,
  }
}

/** Popped at `atMs` of the world, received four milliseconds later. */
export function deliver(run: SoundRun, seq: number, attempt: number, atMs: number, group = ALL): void {
  run.deliveries.push({
    id: run.deliveries.length,
    group,
    topic: TOPIC,
    brokerName: BROKER,
    queueId: 0,
    queueOffset: seq,
    attempt,
    popTimeMs: CLOCK_MS + atMs,
    invisibleMs: INVISIBLE_MS,
    autoRenew: false,
    messageId: `id-${seq}`,
    tag: tags[seq] ?? '',
    bodyHash: hashOf(bodies[seq] ?? Buffer.alloc(0)),
    seq,
    startMs: atMs - 4,
    endMs: atMs + 4,
  })
}

export function acknowledge(run: SoundRun, deliveryId: number, atMs: number): void {
  const settlement = { deliveryId, kind: 'ack', outcome: 'ok', invisibleMs: 0, newPopTimeMs: undefined } as const
  run.settlements.push({ ...settlement, startMs: atMs, endMs: atMs + 4 })
}

function storedRecord(seq: number): AuditedRecord {
  return {
    brokerName: BROKER,
    topic: TOPIC,
    queueId: 0,
    queueOffset: seq,
    messageId: `id-${seq}`,
    reconsumeTimes: 0,
    properties: new Map([['TAGS', tags[seq] ?? '']]),
    body: bodies[seq] ?? Buffer.alloc(0),
  }
}

export function deadLetterRecord(seq: number, popTimeMs: number): AuditedRecord {
  const properties = new Map([['X_ORIGIN', `77 0 ${seq} ${popTimeMs} ${ALL} ${TOPIC}`]])
  return { ...storedRecord(seq), topic: `%DLQ%${ALL}`, queueOffset: 0, reconsumeTimes: 1, properties }
}

function ledgerRow(
  group: string,
  { acked, dead, filtered }: Record<'acked' | 'dead' | 'filtered', number>,
): QueueLedger {
  const none = { beforeStart: 0, skipped: 0, waiting: 0, ready: 0, inFlight: 0, scheduled: 0, expired: 0 }
  const buckets = { ...none, filtered, acked, dead, recalled: 0, rolledBack: 0, deleted: 0, damaged: 0 }
  return { topic: TOPIC, group, queueId: 0, max: 4, lag: 0, buckets, sum: 4, balanced: true, faults: [] }
}
