// Takes over a folder that Apache's broker had since: its settings and progress are newer than our journal, and deliveries
// that it left open go on here. Everything is journaled before the folder is called ours, so a crash on the way begins
// again, with the same result. Files of Apache's that have no part here stay as they are.
import { utf8Length } from '@rocketmq-ts/bytes'
import {
  type JavaJson,
  MqError,
  PropertyName,
  REVIVE_GROUP,
  REVIVE_TOPIC_PREFIX,
  SystemTopic,
  decodeRecord,
  isSystemGroup,
  isSystemTopic,
  stringifyJavaJson,
} from '@rocketmq-ts/model'
import type { Clock, Files, Logger } from '@rocketmq-ts/runtime'
import type { ForeignWrites, MessageStore, ReplayedRecord } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import type { KeptEntries, KeptFile } from './kept-entries.ts'
import type { GroupTable } from '../groups/group-table.ts'
import {
  type AdoptedClaim,
  type AdoptedQueue,
  type Inflight,
  QUEUE_ID_MAX,
  SETTING_PAYLOAD_BYTES_MAX,
} from '../inflight/inflight.ts'
import type { Journal } from '../journal/journal.ts'
import { INVISIBLE_TIME_MS_MAX } from '../limits.ts'
import { propertiesTextOf } from '../pop/copies.ts'
import { findProperty } from '../send/property-text.ts'
import { applySetting } from '../settings-writer.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import type { MovedDeliveries } from '../pop/moved-deliveries.ts'
import { adoptSettings } from './adopt-settings.ts'
import { type GroupOffset, offsetsKept, readOffsetFiles } from './offset-files.ts'
import { type PendingQueue, createPendingPops } from './pending-pops.ts'
import { adoptHalves } from './pending-halves.ts'
import { decodePopRecord, isPopTag } from './pop-records.ts'
import { type SettingsFiles, membersOf, readSettingsFiles } from './settings-files.ts'

/** Lines of the log about what could not be taken, at most. */
const REJECTED_TOLD_MAX = 100
/** Longest name of a group that a state can hold. */
const GROUP_BYTES_MAX = 255
/** Clocks may differ by this much. A delivery of a later time is taken as one of now, so that it comes again some day. */
const CLOCK_SKEW_MS_MAX = 3_600_000

export interface TakeOverDeps {
  readonly files: Files
  readonly root: string
  readonly clock: Clock
  readonly store: MessageStore
  readonly inflight: Inflight
  readonly topics: TopicTable
  readonly groups: GroupTable
  readonly kept: KeptEntries
  readonly moved: Pick<MovedDeliveries, 'note'>
  readonly journal: Journal
  readonly logger: Logger<BrokerEvent>
  /** Awaited when settings and progress are taken, before the folder is called ours. Answers with what it could not take. */
  readonly beforeClaim: () => Promise<readonly string[]>
}

export interface TakenOver {
  /** The latest pop time that was taken over, 0 without any: the clock must not begin before it. */
  readonly newestMs: number
}

interface Queue {
  readonly topic: string
  readonly group: string
  readonly queueId: number
  offset: number | undefined
  pending: PendingQueue | undefined
}

function keyOf({ topic, group, queueId }: Pick<Queue, 'topic' | 'group' | 'queueId'>): string {
  return `${topic}\0${group}\0${queueId}`
}

/** What the records of pops say; `offsets` tell how far the revive group has come. */
async function readPops(
  { store }: TakeOverDeps,
  from: ForeignWrites['from'],
  offsets: readonly GroupOffset[],
  rejected: string[],
) {
  const pops = createPendingPops()
  const revived = new Map(
    offsets.filter(({ group }) => group === REVIVE_GROUP).map((each) => [keyOf(each), each.offset]),
  )

  function take(record: ReplayedRecord): void {
    const { topic, queueId } = record
    const isRevive = topic.startsWith(REVIVE_TOPIC_PREFIX)
    const message = decodeRecord(record.bytes)
    const properties = propertiesTextOf(message)
    const tag = findProperty(properties, PropertyName.TAGS)
    if (!isPopTag(tag)) return
    if (!isRevive && findProperty(properties, PropertyName.REAL_TOPIC)?.startsWith(REVIVE_TOPIC_PREFIX) !== true) return
    const done = revived.get(keyOf({ topic, group: REVIVE_GROUP, queueId })) ?? -1
    try {
      pops.take(decodePopRecord(tag, message.body), isRevive && record.queueOffset <= done)
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      if (rejected.length < REJECTED_TOLD_MAX)
        rejected.push(`${topic} queue ${queueId} offset ${record.queueOffset}: ${error.message}`)
    }
  }

  await store.replay((topic) => topic === SystemTopic.TIMER || topic.startsWith(REVIVE_TOPIC_PREFIX), from, take)
  return pops
}

/**
 * All that is known of each queue. Progress of the system's own topics and groups has no part here, nor has what no name
 * or number of ours can be.
 */
function merge(offsets: readonly GroupOffset[], pending: readonly PendingQueue[]): Queue[] {
  const queues = new Map<string, Queue>()
  function of({ topic, group, queueId }: Pick<Queue, 'topic' | 'group' | 'queueId'>): Queue | undefined {
    if (isSystemTopic(topic) || isSystemGroup(group)) return undefined
    if (queueId > QUEUE_ID_MAX || utf8Length(group) > GROUP_BYTES_MAX) return undefined
    const key = keyOf({ topic, group, queueId })
    const queue = queues.get(key) ?? { topic, group, queueId, offset: undefined, pending: undefined }
    queues.set(key, queue)
    return queue
  }
  for (const each of offsets) {
    const queue = of(each)
    if (queue !== undefined) queue.offset = each.offset
  }
  for (const each of pending) {
    const queue = of(each)
    if (queue !== undefined) queue.pending = each
  }
  return [...queues.values()]
}

/** A delivery with times that ours could have. */
function plausible({ offset, attempts, popTime: told, deadlineMs }: AdoptedClaim, nowMs: number): AdoptedClaim {
  const popTime = told > nowMs + CLOCK_SKEW_MS_MAX ? nowMs : told
  return { offset, attempts, popTime, deadlineMs: popTime + Math.min(deadlineMs - told, INVISIBLE_TIME_MS_MAX) }
}

/** The queue becomes what Apache's broker left; undefined when it stays as we left it. */
function adoptQueue({ topics, store, inflight, clock }: TakeOverDeps, queue: Queue): AdoptedQueue | undefined {
  const { topic: name, group, queueId, offset, pending } = queue
  const topic = topics.get(name)
  if (topic === undefined) return undefined
  const { min, max } = store.bounds(name, queueId)
  const known = inflight.queue(name, group, queueId)
  const claimed = pending?.claimed ?? []
  if (known !== undefined && claimed.length === 0 && (offset === undefined || offset === inflight.lowMark(known))) {
    return undefined
  }
  const behindAll = (claims: readonly AdoptedClaim[]): number => (claims.at(-1)?.offset ?? -1) + 1
  const told = Math.max(offset ?? Math.max(behindAll(claimed), known?.cursor ?? 0), pending?.orderedEnd ?? 0)
  const cursor = Math.min(told, max, pending?.againFrom ?? max)
  const live = claimed.filter((each) => each.offset >= min && each.offset < cursor)
  const adopted = { cursor, claimed: live.map((each) => plausible(each, clock.nowMs())) }
  inflight.adopt({ topic: name, incarnation: topic.incarnation, group, queueId }, adopted)
  return adopted
}

/** What goes back into the files as it is. */
function keptTables(deps: TakeOverDeps, { whole }: SettingsFiles, offsets: readonly GroupOffset[]) {
  const kept = new Map<KeptFile, Readonly<Record<string, object>>>()
  const only = (json: JavaJson, table: string, isKept: (name: string) => boolean) =>
    new Map(membersOf(json, table).filter(([name]) => isKept(name)))
  if (whole.topics !== undefined) {
    kept.set('topics.json', { topicConfigTable: only(whole.topics, 'topicConfigTable', isSystemTopic) })
  }
  if (whole.groups !== undefined) {
    kept.set('subscriptionGroup.json', {
      subscriptionGroupTable: only(whole.groups, 'subscriptionGroupTable', isSystemGroup),
      forbiddenTable: only(whole.groups, 'forbiddenTable', () => true),
    })
  }
  // Without its file, what it left before still holds.
  const offsetTable = keptOffsets(deps, offsets.length > 0 ? offsets : offsetsKept(deps.kept))
  if (offsetTable.size > 0) kept.set('consumerOffset.json', { offsetTable })
  return kept
}

/** The revive group has passed everything: what was open is open here, and must not come back there. */
function keptOffsets({ topics, store }: TakeOverDeps, offsets: readonly GroupOffset[]) {
  const table = new Map<string, Map<number, number>>()
  function put({ topic, group, queueId, offset }: GroupOffset): void {
    const key = `${topic}@${group}`
    const queues = table.get(key) ?? new Map<number, number>()
    table.set(key, queues.set(queueId, offset))
  }
  for (const each of offsets) {
    if (isSystemTopic(each.topic) || isSystemGroup(each.group) || topics.get(each.topic) === undefined) put(each)
  }
  for (const { topic, queueId } of store.queues()) {
    const last = store.bounds(topic, queueId).max - 1
    if (topic.startsWith(REVIVE_TOPIC_PREFIX) && last >= 0) put({ topic, group: REVIVE_GROUP, queueId, offset: last })
  }
  return table
}

function keep(deps: TakeOverDeps, found: SettingsFiles, offsets: readonly GroupOffset[], rejected: string[]): void {
  const before = new Map(deps.kept.all())
  for (const [name, tables] of keptTables(deps, found, offsets)) {
    const payload = stringifyJavaJson(tables)
    if (utf8Length(payload) > SETTING_PAYLOAD_BYTES_MAX) {
      rejected.push(`${name}: entries for Apache's broker alone take more than ${SETTING_PAYLOAD_BYTES_MAX} bytes`)
    } else if (payload !== before.get(name)) {
      const entry = { kind: 'kept', name, incarnation: 0, payload } as const
      deps.inflight.recordSetting(entry)
      applySetting(entry, deps, 0)
    }
  }
}

/** Takes everything over and calls the folder ours. Called before anybody may ask for anything. */
export async function takeOver(deps: TakeOverDeps, { from, isPrefixKept }: ForeignWrites): Promise<TakenOver> {
  const { files, root, store, journal, logger } = deps

  async function write(): Promise<void> {
    const before = store.appended
    journal.sealLarge()
    if (store.appended > before) await store.submit()
  }

  const found = await readSettingsFiles(files, root)
  const progress = await readOffsetFiles(files, root)
  // What is missing from files of which one is damaged may be missing by the damage.
  const isComplete = isPrefixKept && found.rejected.length + progress.rejected.length === 0
  const settings = await adoptSettings(
    { ...deps, nowMs: deps.clock.nowMs(), changed: write },
    found,
    [...store.queues()],
    isComplete,
  )
  const rejected = [...settings.rejected, ...progress.rejected]
  const pops = await readPops(deps, from, progress.offsets, rejected)
  for (const each of progress.ordered) pops.takeOrdered(each)
  const pending = pops.queues()
  let changed = 0
  let inFlight = 0
  let newestMs = 0
  for (const queue of merge(progress.offsets, pending)) {
    const adopted = adoptQueue(deps, queue)
    if (adopted === undefined) continue
    changed += 1
    inFlight += adopted.claimed.length
    for (const { popTime } of adopted.claimed) newestMs = Math.max(newestMs, popTime)
    await write()
  }
  const nowMs = deps.clock.nowMs()
  const undecided = await adoptHalves(deps, progress.offsets, nowMs)
  inFlight += undecided
  if (undecided > 0) newestMs = Math.max(newestMs, nowMs)
  keep(deps, found, progress.offsets, rejected)
  journal.seal()
  await store.submit()
  await store.whenFlushed(store.appended)
  rejected.push(...(await deps.beforeClaim()))
  await store.claim()
  for (const reason of rejected.slice(0, REJECTED_TOLD_MAX)) logger.error({ event: 'foreign.rejected', reason })
  logger.info({ event: 'foreign.taken-over', settings: settings.changed, queues: changed, inFlight })
  return { newestMs }
}
