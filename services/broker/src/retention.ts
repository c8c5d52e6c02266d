// What the broker adds when files of the log go: nothing that lives is only in them, and no group points at what they held.
import { type CommitLogOffset, isRetryTopic, MqError, topicRetention } from '@rocketmq-ts/model'
import type { Clock, Turns } from '@rocketmq-ts/runtime'
import type { MessageStore, QueueMin, RetentionRules, TopicRule } from '@rocketmq-ts/store'
import type { BrokerSettings } from './config.ts'
import type { Delays } from './delay/delays.ts'
import { deleteHoursOf } from './delete-hours.ts'
import type { Inflight, QueueState } from './inflight/inflight.ts'
import { RETAINED_PER_TURN_MAX } from './limits.ts'
import type { Leaving, RemovalFence } from './pop/removal-fence.ts'
import type { Survivors } from './pop/survivors.ts'
import type { StateRoll } from './state-roll.ts'
import type { TopicTable } from './topics/topic-table.ts'

const HOUR_MS = 3_600_000

/** Ratios beyond which Apache does not go, whatever its settings say. Java: DefaultMessageStore, MessageStoreConfig. */
const RATIO_LIMITS = { used: [10, 95], forcibly: [30, 85], warning: [35, 90] } as const

export interface RetentionDeps {
  readonly store: Pick<
    MessageStore,
    'startRetention' | 'onMinMoved' | 'whenFlushed' | 'positions' | 'appended' | 'bounds'
  >
  readonly inflight: Pick<Inflight, 'all' | 'lowMark' | 'retain'>
  readonly turns: Pick<Turns, 'enter'>
  readonly stateRoll: Pick<StateRoll, 'completeFrom'>
  readonly survivors: Survivors
  readonly delays: Pick<Delays, 'moveBelow'>
  readonly fence: Pick<RemovalFence, 'raise' | 'lower'>
  readonly topics: Pick<TopicTable, 'all'>
  readonly settings: BrokerSettings
  /** The machine's. */
  readonly wallClock: Clock
}

function ratioOf(percent: number, [min, max]: readonly [number, number]): number {
  return Math.min(max, Math.max(min, percent)) / 100
}

/** Apache's settings as the store's rules. */
export function retentionRulesOf(settings: BrokerSettings): RetentionRules {
  return {
    reservedMs: settings.fileReservedTime * HOUR_MS,
    deleteHours: deleteHoursOf(settings.deleteWhen) ?? [],
    usedRatioMax: ratioOf(settings.diskMaxUsedSpaceRatio, RATIO_LIMITS.used),
    cleanForciblyRatio: ratioOf(settings.diskSpaceCleanForciblyRatio, RATIO_LIMITS.forcibly),
    cleanForcibly: settings.cleanFileForciblyEnable,
    warningRatio: ratioOf(settings.diskSpaceWarningLevelRatio, RATIO_LIMITS.warning),
    intervalMs: settings.cleanResourceInterval,
    filesPerPassMax: settings.deleteFileBatchMax,
    filePauseMs: settings.deleteCommitLogFilesInterval,
  }
}

/** Topics with a rule of their own, by their attributes. */
function* topicRules(topics: Pick<TopicTable, 'all'>): Generator<TopicRule> {
  for (const { config } of topics.all()) {
    if (config.attributes.size === 0) continue
    const { ms, bytes, count } = topicRetention(config)
    if (ms === undefined && bytes === undefined && count === undefined) continue
    yield { topic: config.topicName, maxAgeMs: ms, maxBytes: bytes, maxCount: count }
  }
}

/** Starts the retention of the broker's store. It ends with the store. */
export function startRetention(deps: RetentionDeps): void {
  const { store, inflight, turns } = deps
  let walk: Iterator<QueueState> | undefined
  /** End of the copies that found no room on the disk: they wait for it, and their originals count as moved already. */
  let copiesEnd = 0

  /** Until all copies are in the log, also those of a try before, nothing goes: a crash would take both. */
  async function copying(copy: () => Promise<void>): Promise<void> {
    try {
      await copy()
    } catch (error) {
      if (error instanceof MqError && error.code === 'disk-full') copiesEnd = store.appended
      throw error
    }
    if (store.positions.written < copiesEnd)
      throw new MqError('disk-full', 'copies of messages that leave wait for room on the disk: their files stay')
  }

  async function beforeRemoval(limit: CommitLogOffset): Promise<void> {
    const leaving = { below: limit, minOf: () => 0 }
    await copying(async () => {
      await deps.survivors.copy(leaving)
      await deps.delays.moveBelow(limit)
      await deps.stateRoll.completeFrom(limit)
      await copyLast(leaving)
    })
  }

  /** What was given out meanwhile; from here on nothing is. */
  async function copyLast(leaving: Leaving): Promise<void> {
    deps.fence.raise(leaving)
    await deps.survivors.copy(leaving)
    await store.whenFlushed(store.positions.written)
  }

  /** The log keeps its bytes, so states stay where they are. */
  async function beforeExpiry(mins: readonly QueueMin[]): Promise<void> {
    const topics = new Map<string, Map<number, number>>()
    for (const { topic, queueId, min } of mins) {
      // What leaves a retry topic has no other one to go on in.
      if (isRetryTopic(topic)) continue
      topics.set(topic, (topics.get(topic) ?? new Map<number, number>()).set(queueId, min))
    }
    const minOf: Leaving['minOf'] = ({ topic, queueId }) => topics.get(topic)?.get(queueId) ?? 0
    const leaving = { below: 0, minOf } as const
    await copying(async () => {
      await deps.survivors.copy(leaving)
      await copyLast(leaving)
    })
  }

  /** Some per Turn: what a group has not settled below the min of a queue is expired. A pop does the same for its queue. */
  function retainSome(): void {
    if (walk === undefined) return
    for (let looked = 0; looked < RETAINED_PER_TURN_MAX; looked += 1) {
      const { done, value: queue } = walk.next()
      if (done === true) {
        walk = undefined
        return
      }
      const { min } = store.bounds(queue.topic, queue.queueId)
      if (inflight.lowMark(queue) < min) inflight.retain(queue, min)
    }
    enter()
  }

  /** Turned away by a busy broker, the pops of the groups do it, and the next move of the mins. */
  function enter(): void {
    if (!turns.enter(retainSome)) walk = undefined
  }

  store.onMinMoved(() => {
    const isWalking = walk !== undefined
    walk = inflight.all()[Symbol.iterator]()
    if (!isWalking) enter()
  })
  store.startRetention({
    rules: retentionRulesOf(deps.settings),
    beforeRemoval,
    beforeExpiry,
    afterMins: () => deps.fence.lower(),
    topics: () => topicRules(deps.topics),
    wallClock: deps.wallClock,
  })
}
