// Delayed messages that outlive the log's files: each is written once more before retention takes its record. The new record
// names the old one, and so ends it.
import { MqError, PropertyName, SystemTopic, decodeRecord } from '@rocketmq-ts/model'
import type { Clock, Logger } from '@rocketmq-ts/runtime'
import { type MessageStore, type TimerEntry, type TimerIndex, tagsCodeIn } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import type { HostPort } from '../host-port.ts'
import { PROPERTIES_BYTES_MAX, TIMERS_PER_TURN_BYTES_MAX } from '../limits.ts'
import { propertiesTextOf } from '../pop/copies.ts'
import { entryOf, findProperty, propertiesThatFit, withoutProperties } from '../send/property-text.ts'
import {
  type LevelOffsets,
  TIMER_ORIGIN_PROPERTY,
  formatTimerOrigin,
  realPlaceOf,
  timerEntryOf,
} from './timer-records.ts'
import type { TimerRead } from './timer-reads.ts'
import type { Timers } from './timers.ts'

/** Moved in one Turn, at most: requests go on in between. */
const MOVED_PER_TURN_MAX = 64
/** A walk is repeated while it found something, so often at most. */
const WALKS_MAX = 16
/** Properties that the new record has its own of, or that mean something else there. */
const REPLACED: ReadonlySet<string> = new Set([
  TIMER_ORIGIN_PROPERTY,
  PropertyName.DUE_MS,
  PropertyName.DELAY,
  PropertyName.TIMER_OUT_MS,
  PropertyName.TIMER_ROLL_TIMES,
])

export interface MoveTimersDeps {
  readonly index: TimerIndex
  readonly levels: LevelOffsets
  readonly timers: Pick<Timers, 'builds' | 'inTurn' | 'isWanted' | 'readLeaving' | 'writeImage' | 'scheduled'>
  readonly store: MessageStore
  readonly clock: Clock
  readonly storeHost: () => HostPort
  readonly logger: Logger<BrokerEvent>
}

/**
 * Writes every pending message once more whose record lies below `limit`; resolves when that is flushed. Rejects with what
 * keeps a record from being written: then the files must stay.
 */
export async function moveTimers(deps: MoveTimersDeps, limit: number): Promise<void> {
  const { builds } = deps.timers
  if (builds % 2 === 1) throw new MqError('busy', 'delayed messages are looked up in the log')
  let messages = 0
  for (let walk = 0; ; walk += 1) {
    if (walk === WALKS_MAX) throw new MqError('busy', 'delayed messages that leave appear faster than they are moved')
    const moved = await moveOnce(deps, limit)
    messages += moved
    if (moved === 0) break
  }
  if (deps.timers.builds !== builds) throw new MqError('busy', 'delayed messages were looked up in the log meanwhile')
  if (messages === 0) return
  await deps.store.whenFlushed(deps.store.positions.written)
  deps.logger.info({ event: 'timers.moved', messages })
}

async function moveOnce(deps: MoveTimersDeps, limit: number): Promise<number> {
  const { index, timers } = deps
  let moved = 0
  let part = await index.below(limit)
  for (;;) {
    for (let at = 0; at < part.entries.length;) {
      const some = fewOf(part.entries, at)
      at += some.length
      const reads = await timers.readLeaving(some)
      moved += await timers.inTurn(() => reads.filter((one) => moveOne(deps, one)).length)
      // Otherwise the index would have to remember ever more of what it has in its files no longer.
      if (index.isFullOfRemoved) await timers.writeImage()
    }
    if (part.next === undefined) return moved
    part = await index.below(limit, part.next)
  }
}

function fewOf(entries: readonly TimerEntry[], from: number): readonly TimerEntry[] {
  let bytes = 0
  let to = from
  while (to < entries.length && to - from < MOVED_PER_TURN_MAX) {
    bytes += entries[to]!.size
    if (to > from && bytes > TIMERS_PER_TURN_BYTES_MAX) break
    to += 1
  }
  return entries.slice(from, to)
}

/** Also level messages go on with a time: the queue of their level is in the order of its own times. */
function moveOne({ index, levels, timers, store, clock, storeHost, logger }: MoveTimersDeps, read: TimerRead): boolean {
  const { entry, bytes } = read
  const { position } = entry
  if (!index.isPending(entry)) return false
  if (bytes === undefined) {
    index.remove(entry, 'damaged')
    logger.error({ event: 'timer.damaged', commitLogOffset: position, dueMs: entry.dueMs })
    return true
  }
  const record = decodeRecord(bytes)
  const text = propertiesTextOf(record)
  const level = record.topic === SystemTopic.SCHEDULE ? record.queueId + 1 : 0
  const origin = { dueMs: entry.dueMs, position, level, queueOffset: record.queueOffset }
  const place = realPlaceOf(text)
  if (place === undefined || !timers.isWanted(entry, place.topic)) return index.remove(entry, 'dropped')
  const rolled = Number(findProperty(text, PropertyName.TIMER_ROLL_TIMES) ?? 0) + 1
  // What is due already comes behind everything that has been delivered.
  const dueMs = Math.max(entry.dueMs, clock.nowMs() + 1)
  const own =
    entryOf(PropertyName.TIMER_OUT_MS, String(dueMs)) +
    entryOf(PropertyName.TIMER_ROLL_TIMES, String(rolled)) +
    entryOf(TIMER_ORIGIN_PROPERTY, formatTimerOrigin(origin))
  const kept = withoutProperties(text, (name) => REPLACED.has(name))
  const all = propertiesThatFit(kept, PROPERTIES_BYTES_MAX - own.length) + own
  const properties = Buffer.from(all, 'latin1')
  const appended = store.append(
    {
      topic: SystemTopic.TIMER,
      queueId: 0,
      flag: record.flag,
      sysFlag: record.sysFlag,
      bornTimestampMs: record.bornTimestampMs,
      bornHost: record.bornHost,
      storeHost: storeHost(),
      reconsumeTimes: record.reconsumeTimes,
      preparedTransactionOffset: 0,
      body: record.body,
      properties,
      tagsCode: tagsCodeIn(properties),
    },
    { copy: true },
  )
  index.remove(entry, 'moved')
  levels.ended(origin)
  const next = timerEntryOf(all, { position: appended.commitLogOffset, size: appended.size })
  if (next !== undefined) timers.scheduled(next, appended)
  return true
}
