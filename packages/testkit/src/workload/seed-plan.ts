// Everything that a seed decides before its run: the cluster, who produces and consumes, and the faults.
import type { FaultPlan } from '../cluster/fault-plan.ts'
import { planFaults } from '../cluster/fault-plan.ts'
import type { ClusterShape } from '../cluster/sim-cluster.ts'
import { Prng } from '../sim/index.ts'
import type { ConsumerPlan } from './consumer.ts'
import type { ProducerPlan } from './producer.ts'

export interface GroupPlan {
  readonly name: string
  readonly topic: string
  readonly kind: ConsumerPlan['kind']
  /** '*' or one tag. */
  readonly tagExpression: string
  readonly retryMaxTimes: number
}

export interface TopicPlan {
  readonly name: string
  readonly queues: number
}

export interface SeedPlan {
  readonly seed: number
  readonly cluster: ClusterShape
  readonly topics: readonly TopicPlan[]
  readonly groups: readonly GroupPlan[]
  readonly producers: readonly ProducerPlan[]
  readonly consumers: readonly ConsumerPlan[]
  readonly faults: FaultPlan
  /** How long messages are made and faults happen. */
  readonly spanMs: number
  /** At the end the brokers are killed instead of stopped. */
  readonly endsByKill: boolean
}

/** What a test may ask for instead of what the seed says. */
export interface PlanChanges {
  readonly messages?: number
  readonly spanMs?: number
  readonly calm?: boolean
}

const KiB = 1024
/** Messages of one seed. */
export const MESSAGES_PER_SEED = 510
const SPAN_MS_MIN = 30_000
const SPAN_MS_MAX = 60_000
const TAGS = ['TagA', 'TagB', 'TagC']
const CALM: FaultPlan = { faults: [], chances: {}, syncMsMax: 0 }

export function planOf(seed: number, changes: PlanChanges = {}): SeedPlan {
  const random = new Prng(seed).fork()
  const spanMs = changes.spanMs ?? random.within([SPAN_MS_MIN, SPAN_MS_MAX])
  const cluster: ClusterShape = {
    nameServers: 1 + random.integer(2),
    brokers: 1 + random.integer(2),
    proxies: 1 + random.integer(2),
    flushDiskType: random.chance(0.8) ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    segmentBytes: random.pick([256, 512, 1024]) * KiB,
  }
  const topics = [{ name: 'Orders', queues: 1 + random.integer(4) }]
  if (random.chance(0.3)) topics.push({ name: 'Payments', queues: 1 + random.integer(3) })
  const groups = topics.flatMap(({ name }) => planGroups(random, name))
  const messages = changes.messages ?? MESSAGES_PER_SEED
  const producers = planProducers(random, topics, messages, spanMs)
  return {
    seed,
    cluster,
    topics,
    groups,
    producers,
    consumers: groups.flatMap((group) => planConsumers(random, group)),
    faults: changes.calm === true ? CALM : planFaults(random, cluster, spanMs),
    spanMs,
    endsByKill: random.chance(0.5),
  }
}

function planGroups(random: Prng, topic: string): GroupPlan[] {
  const group = (kind: GroupPlan['kind'], tagExpression: string): GroupPlan => ({
    name: `${topic}-${kind}${tagExpression === '*' ? '' : `-${tagExpression}`}`,
    topic,
    kind,
    tagExpression,
    retryMaxTimes: 1 + random.integer(3),
  })
  const groups = [group('simple', '*')]
  if (random.chance(0.6)) groups.push(group('push', '*'))
  if (random.chance(0.3)) groups.push(group('simple', random.pick(TAGS)))
  return groups
}

function planProducers(random: Prng, topics: readonly TopicPlan[], messages: number, spanMs: number): ProducerPlan[] {
  const count = 2
  const each = Math.ceil(messages / count)
  const bodyBytesMax = random.pick([1, 4, 12]) * KiB
  return Array.from({ length: count }, (_, index) => ({
    name: `producer-${index}`,
    topics: topics.map(({ name }) => name),
    messages: Math.min(each, messages - index * each),
    spanMs,
    bodyBytesMax,
    tags: TAGS,
    poisonShare: random.pick([0, 0.01, 0.02]),
    batchShare: random.pick([0, 0.1]),
    firstSeq: index * each,
    preferredProxy: index,
  }))
}

function planConsumers(random: Prng, group: GroupPlan): ConsumerPlan[] {
  const count = 1 + random.integer(2)
  const carelessShare = random.pick([0.02, 0.1, 0.2])
  return Array.from({ length: count }, (_, index) => ({
    name: `${group.name}-${index}`,
    kind: group.kind,
    group: group.name,
    topic: group.topic,
    tagExpression: group.tagExpression,
    preferredProxy: index,
    carelessShare,
  }))
}
