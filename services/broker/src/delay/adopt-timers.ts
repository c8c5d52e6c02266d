// Delayed messages that Apache's broker left: its files say how far it has come, its queues what lies behind. What they do
// not say is taken as pending: rather twice than never. Java: ScheduleMessageService, TimerMessageStore, TimerCheckpoint.
import {
  DELAY_LEVELS_TEXT,
  PropertyName,
  SystemTopic,
  commitLogOffset,
  decodeRecord,
  delayOfLevel,
  parseDelayLevels,
} from '@rocketmq-ts/model'
import { FileError, type Files } from '@rocketmq-ts/runtime'
import type { MessageStore, ReplayedRecord } from '@rocketmq-ts/store'
import { membersOf, readEither } from '../foreign/settings-files.ts'
import { propertiesTextOf } from '../pop/copies.ts'
import { findProperty } from '../send/property-text.ts'
import type { RestoredTimers } from './restore-timers.ts'
import { deleteKeyOf, realPlaceOf, timerEntryOf } from './timer-records.ts'

/** Of `timercheck`. */
const CHECKPOINT_BYTES_MAX = 4096
const CHECKPOINT_BYTES_MIN = 24
/** A recall of Java's ends what is due in the same slot. */
const SLOT_MS = 1000
/** Recalls and messages written anew that are told apart, at most: of more, some messages come that should not. */
const KEYS_MAX = 1_000_000

export interface AdoptTimersDeps {
  readonly files: Files
  readonly root: string
  readonly store: MessageStore
}

interface Progress {
  /** What is due before this time was delivered … */
  readonly readMs: number
  /** … of what lies in front of this queue offset. */
  readonly queueOffset: number
}

async function readCheckpoint({ files, root }: AdoptTimersDeps, rejected: string[]): Promise<Progress> {
  const nothing = { readMs: 0, queueOffset: 0 }
  try {
    const bytes = await files.readWhole(`${root}/config/timercheck`, CHECKPOINT_BYTES_MAX)
    if (bytes === undefined) return nothing
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bytes.length < CHECKPOINT_BYTES_MIN)
      throw new FileError('other', `${root}/config/timercheck`, 'shorter than 24 bytes')
    return { readMs: Number(view.getBigInt64(0)), queueOffset: Number(view.getBigInt64(16)) }
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    rejected.push(error.message)
    return nothing
  }
}

async function readLevelOffsets({ files, root }: AdoptTimersDeps, rejected: string[]): Promise<Map<number, number>> {
  const json = await readEither(files, `${root}/config/delayOffset.json`, rejected)
  const offsets = new Map<number, number>()
  for (const [level, offset] of json === undefined ? [] : membersOf(json, 'offsetTable')) {
    if (/^\d{1,3}$/u.test(level) && typeof offset === 'number') offsets.set(Number(level), offset)
  }
  return offsets
}

function keyOf(text: string, dueMs: number): string {
  const slot = Math.floor(dueMs / SLOT_MS)
  const deleted = findProperty(text, PropertyName.TIMER_DEL_UNIQKEY)
  const topic = findProperty(text, PropertyName.REAL_TOPIC) ?? ''
  return `${slot} ${deleted ?? deleteKeyOf(topic, findProperty(text, PropertyName.UNIQ_KEY) ?? '')}`
}

function timeOf(text: string): number {
  return Number(findProperty(text, PropertyName.TIMER_OUT_MS))
}

/**
 * Takes over what is pending into the empty index, and writes its image. Called when the settings were taken over. Answers
 * with what could not be taken, and why.
 */
export async function adoptTimers(deps: AdoptTimersDeps, timers: RestoredTimers): Promise<readonly string[]> {
  const { store } = deps
  const { index, levels } = timers
  const rejected: string[] = []
  const progress = await readCheckpoint(deps, rejected)
  const levelOffsets = await readLevelOffsets(deps, rejected)
  const delays = parseDelayLevels(DELAY_LEVELS_TEXT)
  /** Recalled, or written anew: then where the last one lies. */
  const recalled = new Set<string>()
  const rolled = new Map<string, number>()
  const isTimer = (topic: string): boolean => topic === SystemTopic.TIMER
  const textOf = ({ bytes }: ReplayedRecord): string => propertiesTextOf(decodeRecord(bytes))

  await store.replay(isTimer, commitLogOffset(store.min), (record) => {
    const text = textOf(record)
    if (recalled.size + rolled.size >= KEYS_MAX) return
    if (findProperty(text, PropertyName.TIMER_DEL_UNIQKEY) !== undefined) recalled.add(keyOf(text, timeOf(text)))
    else if (findProperty(text, PropertyName.TIMER_ROLL_TIMES) !== undefined) {
      rolled.set(keyOf(text, timeOf(text)), record.commitLogOffset)
    }
  })

  function takeTimer(record: ReplayedRecord, text: string): void {
    const dueMs = timeOf(text)
    const key = keyOf(text, dueMs)
    if (dueMs < progress.readMs && record.queueOffset < progress.queueOffset) return
    if (recalled.has(key) || (rolled.get(key) ?? record.commitLogOffset) !== record.commitLogOffset) return
    const entry = timerEntryOf(text, { position: record.commitLogOffset, size: record.size, dueMs })
    if (entry !== undefined) index.add(entry)
  }

  function takeLevel({
    queueId,
    queueOffset,
    commitLogOffset: position,
    size,
    storeTimestampMs,
  }: ReplayedRecord): void {
    const level = queueId + 1
    if (queueOffset < (levelOffsets.get(level) ?? 0)) return
    index.add({ dueMs: storeTimestampMs + (delayOfLevel(delays, level) ?? 0), position, size, keyHash: 0 })
  }

  await store.replay(
    (topic) => isTimer(topic) || topic === SystemTopic.SCHEDULE,
    commitLogOffset(store.min),
    (record) => {
      const text = textOf(record)
      if (realPlaceOf(text) === undefined) return
      if (isTimer(record.topic)) takeTimer(record, text)
      else takeLevel(record)
    },
  )
  for (const [level, offset] of levelOffsets) levels.ended({ level, queueOffset: offset - 1 })
  await index.replayed()
  timers.adoptedTo = store.appended
  // Without an image the next start would take everything that the queues hold.
  timers.isUsed = Array.from(store.queues()).some(({ topic }) => isTimer(topic) || topic === SystemTopic.SCHEDULE)
  if (!timers.isUsed) return rejected
  await timers.files.write(index, {
    inTurn: async (take) => take(store.appended, { levels: levels.all, adoptedTo: timers.adoptedTo }),
    whenFlushed: (position) => store.whenFlushed(position),
  })
  return rejected
}
