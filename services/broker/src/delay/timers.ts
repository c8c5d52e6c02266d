// Delayed messages of a broker: holds them, and gives each to its topic when it is due. The log is the truth: a message is
// appended to a topic of the system, and its copy in its own topic ends that. Invariant: no copy is appended before its
// time, and entries end in the order in which they are due, so that the copy that is last in the log tells what is left.
import { MqError, PropertyName, SystemTopic, decodeRecord } from '@rocketmq-ts/model'
import { type Clock, FileError, type Logger, type Scheduler, type Timer, type Turns } from '@rocketmq-ts/runtime'
import { type Appended, type MessageStore, type TimerEntry, type TimerTotals } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import type { HostPort } from '../host-port.ts'
import { SECOND_MS, TIMERS_PER_TURN_BYTES_MAX, TIMERS_PER_TURN_MAX } from '../limits.ts'
import { ownRecord } from '../own-record.ts'
import { isDamage } from '../pop/damage.ts'
import { propertiesTextOf } from '../pop/copies.ts'
import { entryOf } from '../send/property-text.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import { type DelaySettings, delayOf } from './delay-time.ts'
import { dueCopy } from './due-copy.ts'
import { type Held, holdMessage } from './hold-message.ts'
import { createRebuild } from './rebuild-timers.ts'
import type { RestoredTimers, TimerNote } from './restore-timers.ts'
import { type TimerRead, createTimerReads } from './timer-reads.ts'
import {
  type RealPlace,
  TIMER_AGAIN_PROPERTY,
  TIMER_MARK,
  TIMER_ORIGIN_PROPERTY,
  deleteKeyOf,
  formatTimerAgain,
  formatTimerOrigin,
  realPlaceOf,
} from './timer-records.ts'

/** How soon after a change the image of the index is renewed. */
const IMAGE_INTERVAL_MS = 10 * SECOND_MS
/** The log may grow so far behind the image: a start after a crash reads it again. */
const IMAGE_LOG_BYTES = 256 * 1024 * 1024
/** With more pending, Apache's broker is told at a stop alone how far they have come: all of them are looked at for it. */
const PROGRESS_PENDING_MAX = 65_536
/** A full or slow disk is asked again after this time. */
const RETRY_MS = 100
/** What is due is not in the page cache yet: its Turn is being written. */
const UNWRITTEN_RETRY_MS = 2
/** What the disk does not give back is due once more after this time. */
const AGAIN_MS = 60 * SECOND_MS

/** Holds nothing of the Turn that it is told of: that would live until the flush, and be old by then. */
const ignore = (): void => undefined

export interface TimersDeps {
  readonly restored: RestoredTimers
  readonly settings: DelaySettings
  readonly brokerName: string
  readonly store: MessageStore
  readonly topics: Pick<TopicTable, 'get'>
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  readonly storeHost: () => HostPort
  /** A message came into its topic so late. */
  readonly onDelivered: (lateMs: number) => void
}

export interface Timers {
  /** What to append instead, where the message is delayed; `text` are its properties. Throws what `delayOf` throws. */
  hold(text: string, place: RealPlace): Held | undefined
  /** It was appended. Inside the same job. */
  scheduled(held: Pick<Held, 'dueMs' | 'keyHash'>, appended: Appended): void
  readonly pending: number
  readonly totals: TimerTotals
  /** Changes when the index is built again, before and after; odd meanwhile: it does not have everything. */
  readonly builds: number
  /** How late the one is that is due first, 0 when nothing is late. */
  lateMs(): number
  /**
   * Runs a job in a Turn; resolves when it is as safe as `release` says, rejects with what it throws, and with MqError
   * 'busy' while the index is built again.
   */
  inTurn<Result>(job: () => Result, release?: 'written' | 'flushed'): Promise<Result>
  /** Its topic is there, and was when it was sent. */
  isWanted(entry: TimerEntry, topic: string): boolean
  /** The records of entries. */
  read(entries: readonly TimerEntry[]): Promise<TimerRead[]>
  /** The same of those that are to be moved: what the disk did not give back for many tries counts as damaged. */
  readLeaving(entries: readonly TimerEntry[]): Promise<TimerRead[]>
  /** Renews the image now. Rejects with FileError or MqError. */
  writeImage(): Promise<void>
  start(): void
  /** Nothing is delivered after this; resolves when the image is written. */
  stop(): Promise<void>
}

/** Creates the timers of a broker. */
export function createTimers(deps: TimersDeps): Timers {
  const { restored, store, topics, turns, clock, scheduler, logger, settings } = deps
  const { index, levels } = restored
  let { isUsed } = restored
  let timer: Timer | undefined
  let armedFor = Number.POSITIVE_INFINITY
  let imageTimer: Timer | undefined
  let imagedTo = 0
  let writing: Promise<void> | undefined
  let pumping = false
  let running = Promise.resolve()
  let started = false
  let stopped = false

  const rebuild = createRebuild({
    index,
    levels,
    files: restored.files,
    store,
    scheduler,
    logger,
    inTurn,
    isStopped: () => stopped,
    async settled() {
      await running
      await writing?.catch(() => undefined)
    },
    done() {
      touch()
      rearm()
    },
  })

  const { read, readLeaving, readDue } = createTimerReads(store)

  function arm(dueMs: number, delayMs = Math.max(0, dueMs - clock.nowMs())): void {
    timer?.cancel()
    armedFor = dueMs
    timer = scheduler.after(delayMs, () => {
      armedFor = Number.POSITIVE_INFINITY
      if (!pumping && !rebuild.isUnderWay) running = pump()
    })
  }

  function rearm(): void {
    if (stopped || !started || rebuild.isUnderWay) return
    const dueMs = index.nextDueMs()
    if (dueMs === 'cold') arm(Number.NEGATIVE_INFINITY, 0)
    else if (dueMs !== undefined && dueMs < armedFor) arm(dueMs)
  }

  function inTurn<Result>(job: () => Result, release: 'written' | 'flushed' = 'written'): Promise<Result> {
    return new Promise((resolve, reject) => {
      function enter(): void {
        const entered = turns.enter(() => {
          let result: Result
          try {
            result = job()
          } catch (error) {
            if (!(error instanceof MqError)) throw error
            reject(error)
            return
          }
          // Also where nobody waits for it, the copies are to be as durable as sends.
          turns.release('flushed', ignore)
          turns.release(release, (failure) => (failure === undefined ? resolve(result) : reject(failure)))
        })
        if (!entered) scheduler.after(RETRY_MS, enter)
      }
      enter()
    })
  }

  /** The next ones that are due and written, as many as one Turn takes. */
  function nextDue(): readonly TimerEntry[] | 'cold' {
    const due = index.due(clock.nowMs(), TIMERS_PER_TURN_MAX)
    if (due === 'cold') return due
    const { written } = store.positions
    let bytes = 0
    let count = 0
    for (const { position, size } of due) {
      bytes += size
      if (position + size > written || (count > 0 && bytes > TIMERS_PER_TURN_BYTES_MAX)) break
      count += 1
    }
    return due.slice(0, count)
  }

  function isWanted({ position }: TimerEntry, topic: string): boolean {
    const found = topics.get(topic)
    return found !== undefined && found.incarnation <= Math.max(position, restored.adoptedTo)
  }

  function deliver({ entry, bytes }: TimerRead): void {
    if (bytes === undefined) {
      const isGone = entry.position < store.min
      index.settleFirst(isGone ? 'dropped' : 'damaged')
      if (isGone) return
      logger.error({ event: 'timer.damaged', commitLogOffset: entry.position, dueMs: entry.dueMs })
      return
    }
    const record = decodeRecord(bytes)
    const text = propertiesTextOf(record)
    const place = realPlaceOf(text)
    const level = record.topic === SystemTopic.SCHEDULE ? record.queueId + 1 : 0
    const origin = { dueMs: entry.dueMs, position: entry.position, level, queueOffset: record.queueOffset }
    if (place !== undefined && isWanted(entry, place.topic)) {
      const { config } = topics.get(place.topic)!
      store.append(dueCopy({ record, text, origin, place, config, storeHost: deps.storeHost() }))
      index.settleFirst('delivered')
      deps.onDelivered(clock.nowMs() - entry.dueMs)
    } else index.settleFirst('dropped')
    levels.ended(origin)
  }

  function deliverAll(reads: readonly TimerRead[]): void {
    try {
      for (const one of reads) {
        // Recalled or moved since it was read.
        if (index.isPending(one.entry)) deliver(one)
        else index.settleFirst('delivered')
      }
    } finally {
      touch()
    }
  }

  /** The first one that is due is due once more, by a mark: its record stays where it is. */
  function postponeFirst(entry: TimerEntry): void {
    if (index.isPending(entry)) {
      const again = { ...entry, dueMs: clock.nowMs() + AGAIN_MS }
      const properties = Buffer.from(
        entryOf(PropertyName.TIMER_DEL_UNIQKEY, deleteKeyOf('', '')) +
          entryOf(PropertyName.TIMER_OUT_MS, String(entry.dueMs)) +
          entryOf(TIMER_ORIGIN_PROPERTY, formatTimerOrigin({ ...entry, level: 0, queueOffset: 0 })) +
          entryOf(TIMER_AGAIN_PROPERTY, formatTimerAgain(again)),
      )
      store.append(ownRecord({ ...TIMER_MARK, properties, nowMs: clock.nowMs(), storeHost: deps.storeHost() }))
      index.settleFirst('moved')
      index.add(again)
      logger.error({ event: 'timer.unreadable', commitLogOffset: entry.position, dueMs: entry.dueMs })
    } else index.settleFirst('delivered')
    touch()
  }

  async function pumpOnce(): Promise<number | undefined> {
    const due = nextDue()
    if (due === 'cold') {
      await index.load()
      return 0
    }
    if (due.length === 0) {
      const dueMs = index.nextDueMs()
      return typeof dueMs === 'number' && dueMs <= clock.nowMs() ? UNWRITTEN_RETRY_MS : undefined
    }
    const reads = await readDue(due)
    await inTurn(() => (reads === 'unreadable' ? postponeFirst(due[0]!) : deliverAll(reads)))
    return 0
  }

  /** Delivers what is due, Turn by Turn: requests go on in between. */
  async function pump(): Promise<void> {
    pumping = true
    let waitMs: number | undefined = 0
    try {
      while (waitMs === 0 && !stopped && !rebuild.isUnderWay) waitMs = await pumpOnce()
    } catch (error) {
      if (!(error instanceof MqError || error instanceof FileError)) throw error
      waitMs = RETRY_MS
      if (isDamage(error)) rebuild.begin(error)
    } finally {
      pumping = false
    }
    if (stopped || rebuild.isUnderWay || store.failure !== undefined) return
    if (waitMs === undefined) rearm()
    else arm(Number.NEGATIVE_INFINITY, waitMs)
  }

  /** Something changed: the image is renewed within the interval. */
  function touch(): void {
    isUsed = true
    if (stopped || rebuild.isUnderWay || (imageTimer !== undefined && !index.wantsImage)) return
    if (index.wantsImage && writing === undefined) void renewImage()
    imageTimer ??= scheduler.after(IMAGE_INTERVAL_MS, () => {
      imageTimer = undefined
      void renewImage()
    })
  }

  async function renewImage(): Promise<void> {
    try {
      await writeImage()
    } catch (error) {
      if (error instanceof MqError && isDamage(error)) rebuild.begin(error)
      else logger.warn({ event: 'snapshot.failed', message: error instanceof Error ? error.message : String(error) })
      if (!stopped) touch()
    }
  }

  function writeImage(): Promise<void> {
    const noteNow = (): TimerNote => ({ levels: levels.all, adoptedTo: restored.adoptedTo })
    writing ??= restored.files
      .write(index, {
        inTurn: (take) =>
          inTurn(() => {
            imagedTo = store.appended
            return take(store.appended, noteNow())
          }),
        whenFlushed: (position) => store.whenFlushed(position),
      })
      .then(async () => {
        if (stopped || index.pending <= PROGRESS_PENDING_MAX) await restored.progress.write(index, clock.nowMs())
      })
      .finally(() => {
        writing = undefined
      })
    return writing
  }

  store.onVisible(({ commitLogOffset: at }) => {
    if (isUsed && at > imagedTo + IMAGE_LOG_BYTES && imageTimer === undefined) touch()
  })

  return {
    hold(text, place) {
      const delay = delayOf(text, settings, clock.nowMs())
      if (delay === undefined) return undefined
      if (index.isFull) throw new MqError('busy', 'the files of delayed messages are behind the log; send again later')
      return holdMessage({ delay, text, place, brokerName: deps.brokerName })
    },
    scheduled({ dueMs, keyHash }, { commitLogOffset: position, size }) {
      index.add({ dueMs, position, size, keyHash })
      touch()
      if (dueMs < armedFor) rearm()
    },
    get pending() {
      return index.pending
    },
    get totals() {
      return index.totals
    },
    get builds() {
      return rebuild.builds
    },
    lateMs() {
      const dueMs = index.nextDueMs()
      return typeof dueMs === 'number' ? Math.max(0, clock.nowMs() - dueMs) : 0
    },
    inTurn: (job, release) => inTurn(rebuild.whole(job), release),
    isWanted,
    read,
    readLeaving,
    writeImage,
    start() {
      started = true
      rearm()
    },
    async stop() {
      stopped = true
      timer?.cancel()
      imageTimer?.cancel()
      await running
      await rebuild.stop()
      if (isUsed && rebuild.builds % 2 === 0 && store.failure === undefined) await renewImage()
      await index.close()
    },
  }
}
