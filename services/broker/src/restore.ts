// What a broker knew when it stopped: the newest usable start cache, then every journal record and every copy behind it,
// in the order of the log; then nothing may point outside of what a queue holds.
import {
  MqError,
  SystemTopic,
  commitLogOffset,
  decodeRecord,
  isDeadLetterTopic,
  isRetryTopic,
} from '@rocketmq-ts/model'
import {
  type Files,
  type Logger,
  type Scheduler,
  discardGenerationsBeyond,
  readGenerations,
} from '@rocketmq-ts/runtime'
import type { MessageStore, ReplayedRecord, TimerIndexLimits } from '@rocketmq-ts/store'
import { adoptTimers } from './delay/adopt-timers.ts'
import { type RestoredTimers, restoreTimers } from './delay/restore-timers.ts'
import type { BrokerEvent } from './events.ts'
import type { KeptEntries } from './foreign/kept-entries.ts'
import type { GroupTable } from './groups/group-table.ts'
import { takeOver } from './foreign/take-over.ts'
import { hostPortOf } from './host-port.ts'
import type { Inflight, Origin } from './inflight/inflight.ts'
import { createJournal } from './journal/journal.ts'
import { hiddenToOf, originOf, propertiesTextOf, toldOffsetOf } from './pop/copies.ts'
import type { ClaimedCopy, MovedDeliveries } from './pop/moved-deliveries.ts'
import { applySetting } from './settings-writer.ts'
import { START_CACHE_KIND, START_CACHE_VERSION, decodeStartCache, startCachePath } from './start-cache.ts'
import type { SteadyClock } from './steady-clock.ts'
import type { TopicTable } from './topics/topic-table.ts'

export interface RestoreDeps {
  readonly files: Files
  readonly root: string
  readonly store: MessageStore
  readonly inflight: Inflight
  readonly moved: MovedDeliveries
  readonly topics: TopicTable
  readonly groups: GroupTable
  readonly kept: KeptEntries
  readonly clock: SteadyClock
  /** See `recordBytesSoftOf`. */
  readonly recordBytesSoft: number
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  readonly timerLimits?: TimerIndexLimits | undefined
}

export interface Restored {
  readonly journalRecords: number
  /** Start of the newest segment whose states a replayed record calls complete, −1 without any. */
  readonly statesCompleteFrom: number
  /** No start cache could be used. */
  readonly isFromLogAlone: boolean
  readonly timers: RestoredTimers
}

/**
 * Applies one record of the journal or one copy. Returns the segments whose states it calls complete.
 * @param claims of copies behind the last journal record: the one that a Turn ends with has those of its copies, in order
 * with what its other jobs did in the queue
 */
function applyRecord(deps: RestoreDeps, record: ReplayedRecord, claims: ClaimedCopy[]): readonly number[] {
  const decoded = decodeRecord(record.bytes)
  if (record.topic === SystemTopic.INFLIGHT_LOG) {
    claims.length = 0
    const replayed = deps.inflight.replay(decoded.body, record.commitLogOffset)
    for (const setting of replayed.settings) applySetting(setting, deps, record.storeTimestampMs)
    return replayed.statesComplete
  }
  const properties = propertiesTextOf(decoded)
  const origin = originOf(properties)
  if (origin === undefined) return []
  const settled =
    record.topic === SystemTopic.HALF
      ? settleHalf(deps.inflight, origin)
      : deps.inflight.applyOrigin(origin, isLastTopic(record.topic) ? 'dead' : 'scheduled')
  if (isLastTopic(record.topic)) return []
  const deadlineMs = hiddenToOf(properties)
  const { topic, queueId, queueOffset: offset } = decoded
  const place = { topic, group: origin.group, queueId, offset }
  const isHalf = record.topic === SystemTopic.HALF
  if (deadlineMs !== undefined || isHalf) deps.moved.note(origin, place)
  const told = isHalf ? toldOffsetOf(properties) : undefined
  if (told !== undefined && told !== origin.offset) deps.moved.note({ ...origin, offset: told }, place)
  // At the start of a log its topic may be told of behind it, in the states that a roll has written: these have the claim.
  const incarnation = deps.topics.get(record.topic)?.incarnation
  if (settled && incarnation !== undefined) claims.push({ ...place, incarnation, popTime: origin.popTime, deadlineMs })
  return []
}

/** The journal says it from now on: once it goes on, no start reads this copy any more. */
function settleHalf(inflight: Inflight, { topic, incarnation, group, queueId, offset, popTime }: Origin): boolean {
  const queue = inflight.queue(topic, group, queueId)
  return queue?.incarnation === incarnation && inflight.settle(queue, offset, popTime, 'scheduled')
}

/** What is copied there is settled as dead. */
function isLastTopic(topic: string): boolean {
  return isDeadLetterTopic(topic) || topic === SystemTopic.CHECK_MAX_TIME
}

/** Where to replay from, and the time that the start cache knows. */
async function loadStartCache(deps: RestoreDeps): Promise<{ readonly from: number; readonly nowMs: number }> {
  const { valid, damaged } = await readGenerations(deps.files, startCachePath(deps.root), {
    kind: START_CACHE_KIND,
    versionMax: START_CACHE_VERSION,
  })
  for (const { path, reason } of damaged) deps.logger.warn({ event: 'snapshot.rejected', reason: `${path}: ${reason}` })
  const { end, foreign } = deps.store.recovery
  // What another broker may have cut off is no base for what comes behind.
  const trusted = foreign?.isPrefixKept === false ? foreign.from : end
  const kept = await discardGenerationsBeyond(deps.files, valid, trusted)
  for (const { path, coversTo } of valid) {
    if (coversTo <= trusted) continue
    const reason = `${path} covers ${coversTo}, the log is known up to ${trusted}`
    deps.logger.warn({ event: 'snapshot.rejected', reason })
  }
  for (const generation of kept) {
    // What was deleted in between is in the log no more. The states of all that lives are in what is left of it.
    if (generation.coversTo < deps.store.min) {
      const reason = `${generation.path} covers ${generation.coversTo}, the log begins at ${deps.store.min}`
      deps.logger.warn({ event: 'snapshot.rejected', reason })
      continue
    }
    try {
      const { nowMs, settings, snapshot, moved = [] } = decodeStartCache(generation.payload)
      deps.inflight.restoreSnapshot(snapshot)
      for (const setting of settings) applySetting(setting, deps, 0)
      for (const [handle, place] of moved) deps.moved.note(handle, place)
      return { from: generation.coversTo, nowMs }
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      deps.logger.warn({ event: 'snapshot.rejected', reason: `${generation.path}: ${error.message}` })
    }
  }
  return { from: 0, nowMs: 0 }
}

/**
 * Restores into empty tables, and takes over what another broker left since. The clock goes on after all of it. Rejects
 * with MqError 'damaged' when a journal record can not be read.
 */
export async function restore(deps: RestoreDeps): Promise<Restored> {
  const { from, nowMs } = await loadStartCache(deps)
  let newestMs = 0
  let journalRecords = 0
  let statesCompleteFrom = -1
  const claims: ClaimedCopy[] = []
  let journalEnd = 0
  await deps.store.replay(
    (topic) => topic === SystemTopic.INFLIGHT_LOG || isLastTopic(topic) || isRetryTopic(topic),
    commitLogOffset(from),
    (record) => {
      statesCompleteFrom = Math.max(statesCompleteFrom, ...applyRecord(deps, record, claims))
      journalRecords += 1
      if (record.topic === SystemTopic.INFLIGHT_LOG) journalEnd = record.commitLogOffset
      // Our times ascend. The last one alone counts: no CRC covers them, and one that is damaged would move the clock for good.
      newestMs = record.storeTimestampMs
    },
  )
  // Copies of half messages lie among all others of their kind, so only those that the journal may not tell of are read.
  await deps.store.replay(
    (topic) => topic === SystemTopic.HALF,
    commitLogOffset(from > 0 ? from : journalEnd),
    (record) => void applyRecord(deps, record, claims),
  )
  for (const copy of claims) deps.moved.claim(copy)
  for (const queue of Array.from(deps.inflight.all())) {
    const { min, max } = deps.store.bounds(queue.topic, queue.queueId)
    deps.inflight.clamp(queue, max)
    if (deps.inflight.lowMark(queue) < min) deps.inflight.retain(queue, min)
  }
  const timers = await restoreTimers(deps)
  deps.clock.notBefore(Math.max(nowMs, newestMs, timers.index.frontier.dueMs))
  const { foreign } = deps.store.recovery
  if (foreign !== undefined) {
    // Nobody was told yet where this broker listens.
    const journal = createJournal({ ...deps, storeHost: () => hostPortOf('') })
    const taken = await takeOver({ ...deps, journal, beforeClaim: () => adoptTimers(deps, timers) }, foreign)
    deps.clock.notBefore(taken.newestMs)
  }
  return { journalRecords, statesCompleteFrom, isFromLogAlone: from === 0, timers }
}
