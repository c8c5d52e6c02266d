// Half messages that Apache's broker left undecided wait for their decision here. It says how far it has come in their queue,
// and in records of another topic which of those behind are decided; what it has committed and not said so yet is found as
// after a crash of our own. Java: TransactionalMessageServiceImpl.check, fillOpRemoveMap.
import { MqError, SystemTopic, commitLogOffset, decodeRecord, stringifyJavaJson, topicConfig } from '@rocketmq-ts/model'
import type { MessageStore } from '@rocketmq-ts/store'
import type { AdoptedClaim, Inflight } from '../inflight/inflight.ts'
import { UNDECIDED_MAX } from '../limits.ts'
import { propertiesTextOf, toldOffsetOf } from '../pop/copies.ts'
import type { MovedDeliveries } from '../pop/moved-deliveries.ts'
import { unitAt } from '../pop/take-messages.ts'
import { applySetting, type SettingTables } from '../settings-writer.ts'
import { HALF_QUEUE, halfMessageOf } from '../transaction/half-message.ts'
import type { GroupOffset } from './offset-files.ts'

/** A body lists decided offsets, each followed by a comma; older brokers wrote a single one without it. */
const DECIDED = /\d{1,16}/g
/** Until its producer is asked. Java: transactionTimeOut. */
const IMMUNITY_MS = 6000

export interface PendingHalvesDeps extends SettingTables {
  readonly store: MessageStore
  readonly inflight: Inflight
  readonly moved: Pick<MovedDeliveries, 'note'>
}

/** All offsets that are said to be decided. */
async function readDecided(store: MessageStore): Promise<Set<number>> {
  const decided = new Set<number>()
  await store.replay(
    (topic) => topic === SystemTopic.HALF_OP,
    commitLogOffset(0),
    ({ bytes }) => {
      const text = Buffer.from(decodeRecord(bytes).body).toString('latin1')
      for (const [offset] of text.matchAll(DECIDED)) decided.add(Number(offset))
    },
  )
  return decided
}

/** The topic as it lies there: its messages are older than any record of ours about it. */
function adoptTopic(deps: PendingHalvesDeps): void {
  if (deps.topics.get(SystemTopic.HALF) !== undefined) return
  const config = topicConfig(SystemTopic.HALF, { readQueueNums: 1, writeQueueNums: 1 })
  const payload = stringifyJavaJson(config)
  const entry = { kind: 'topic-state', name: SystemTopic.HALF, incarnation: 0, payload } as const
  deps.inflight.recordSetting(entry)
  applySetting(entry, deps, 0)
}

/** The properties of a half message; undefined where it has no readable record. */
async function textAt(store: MessageStore, offset: number): Promise<string | undefined> {
  for (let unit = unitAt(store, HALF_QUEUE, offset); unit !== undefined; unit = unitAt(store, HALF_QUEUE, offset)) {
    if (typeof unit === 'function') {
      await unit()
      continue
    }
    try {
      const record = decodeRecord(await store.readUnit(HALF_QUEUE, unit))
      return halfMessageOf(record) === undefined ? undefined : propertiesTextOf(record)
    } catch (error) {
      if (error instanceof MqError && error.code === 'damaged') return undefined
      throw error
    }
  }
  return undefined
}

/**
 * Takes the half messages over; returns how many are undecided. Of more than may be, the others wait until there is room.
 * To be journaled by the caller.
 * @param offsets that groups have come to
 */
export async function adoptHalves(
  deps: PendingHalvesDeps,
  offsets: readonly GroupOffset[],
  nowMs: number,
): Promise<number> {
  const { store, inflight } = deps
  const { min, max } = store.bounds(HALF_QUEUE.topic, HALF_QUEUE.queueId)
  if (max === 0) return 0
  adoptTopic(deps)
  const told = offsets.find(({ topic, group, queueId }) => {
    return topic === HALF_QUEUE.topic && group === HALF_QUEUE.group && queueId === HALF_QUEUE.queueId
  })
  const decided = await readDecided(store)
  const claimed: AdoptedClaim[] = []
  let cursor: number = max
  for (let offset = Math.max(min, told?.offset ?? min); offset < max; offset += 1) {
    if (decided.has(offset)) continue
    if (claimed.length >= UNDECIDED_MAX) {
      cursor = offset
      break
    }
    const text = await textAt(store, offset)
    if (text === undefined) continue
    // One that it wrote anew goes by the offset that its producer was told.
    const before = toldOffsetOf(text)
    if (before !== undefined && decided.has(before)) continue
    if (before !== undefined) deps.moved.note({ ...HALF_QUEUE, offset: before }, { ...HALF_QUEUE, offset })
    claimed.push({ offset, attempts: 1, popTime: nowMs, deadlineMs: nowMs + IMMUNITY_MS })
  }
  const incarnation = deps.topics.require(HALF_QUEUE.topic).incarnation
  inflight.adopt({ ...HALF_QUEUE, incarnation }, { cursor, claimed })
  return claimed.length
}
