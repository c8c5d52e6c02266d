// Carries out what the plan says, in steps that a crash may end anywhere:
//
//   what must outlive it is copied (beforeRemoval) → new mins of log and queues are in a checkpoint → they hold for
//   everybody → files of the log, the oldest first, one at a time → files of queues and of the key index
//
// Off the Turns: nobody waits for it. By deadline: an idle store whose oldest file is young has one timer, for that day.
import { type CommitLogOffset, commitLogOffset, MqError } from '@rocketmq-ts/model'
import { type Clock, FileError, type Files, type Logger, type Scheduler, type Timer } from '@rocketmq-ts/runtime'
import { isNoSpace } from '../commit-log/disk-reserve.ts'
import type { Segments } from '../commit-log/segment.ts'
import type { ConsumeQueue } from '../consume-queue/consume-queue.ts'
import type { QueueFiles } from '../consume-queue/queue-files.ts'
import type { QueueTable } from '../consume-queue/queue-table.ts'
import type { UnitReads } from '../consume-queue/unit-reads.ts'
import { minOffsetAt } from '../consume-queue/unit-search.ts'
import type { StoreEvent } from '../events.ts'
import type { RetentionOptions, StoreObserver, TopicRule } from '../message-store.ts'
import { createHolds, type Holds } from './holds.ts'
import { type DiskUse, type LogFile, planRetention, type RetentionPlan, usedRatio } from './plan.ts'
import { lastStoredMs } from './segment-age.ts'
import { createTopicRules, type PlannedMins } from './topic-rules.ts'
import { withFastAccessors } from '../fast-accessors.ts'

/** Queues looked at between two pauses, in which other work runs. */
const QUEUES_PER_PAUSE = 256
/** While sends are refused: they go on within a second of the room that somebody makes. */
const REFUSING_INTERVAL_MS = 1000

export interface RetentionDeps {
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>
  readonly scheduler: Scheduler
  readonly files: Pick<Files, 'space'>
  readonly folder: string
  readonly logger: Logger<StoreEvent>
  readonly segments: Segments
  readonly queues: QueueTable
  readonly queueFiles: Pick<QueueFiles, 'removeBelow'>
  /** Brings units into memory that can be believed. */
  readonly loader: Pick<QueueFiles, 'load'>
  /** False when units around the offset had to be mended. */
  readonly isBorderRight: UnitReads['isBorderRight']
  readonly log: {
    readonly written: number
    readonly failure: Error | undefined
    whenFlushed(position: number): Promise<void>
    storedMs(position: number): number | undefined | Promise<number | undefined>
  }
  readonly index: { removeBelow(position: number): Promise<void> }
  /** Makes the mins durable. */
  readonly checkpoint: () => Promise<void>
  readonly observer?: Pick<StoreObserver, 'segmentRemoved'>
  /** Mins of log or queues have grown. */
  readonly onMinMoved: () => void
}

export interface Retention {
  /** First byte that the log keeps, as decided: durable before anything goes. */
  readonly logMin: number
  /** Sends are refused: the disk is over its last mark. Why, for the answer. */
  readonly refusal: string | undefined
  readonly holds: number
  hold(owner: string, position: CommitLogOffset): ReturnType<Holds['take']>
  /** From now on it works by these rules. Once. */
  start(options: RetentionOptions): void
  /** The log has grown: cheap, after every write. */
  touch(): void
  /** Ends after the step that runs. */
  stop(): Promise<void>
}

/** Creates the retention of one store; until `start` it only keeps holds. */
export function createRetention(deps: RetentionDeps): Retention {
  const { clock, scheduler, logger, segments, queues, queueFiles, loader, log } = deps
  const { segmentBytes } = segments
  const holds = createHolds(() => touch())
  const topicRules = createTopicRules({ queues, queueFiles: loader, log, breathe })
  const storedMs = new Map<number, number>()
  let options: RetentionOptions | undefined
  let logMin = segments.min
  let refusal: string | undefined
  let timer: Timer | undefined
  /** Monotonic time of the timer. */
  let armedFor = Number.POSITIVE_INFINITY
  let running: Promise<void> | undefined
  let stopped = false
  let toldHold = ''
  /** End of the log at the last look. */
  let seenEnd = -1
  let endPause: () => void = () => undefined

  function arm(delayMs: number): void {
    if (stopped || options === undefined) return
    timer?.cancel()
    armedFor = clock.monotonicMs() + delayMs
    timer = scheduler.after(delayMs, () => {
      timer = undefined
      armedFor = Number.POSITIVE_INFINITY
      running = look(options!).finally(() => {
        running = undefined
      })
    })
  }

  function touch(): void {
    if (options === undefined || running !== undefined) return
    const { intervalMs } = options.rules
    if (armedFor > clock.monotonicMs() + intervalMs) arm(intervalMs)
  }

  /** Nothing may wait for a timer while the process stops. */
  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const pausing = scheduler.after(delayMs, resolve)
      endPause = () => {
        pausing.cancel()
        resolve()
      }
    })
  }

  /** For all that asks how old messages are. */
  function nowMs(): number {
    return Math.min(clock.nowMs(), options?.wallClock?.nowMs() ?? Number.POSITIVE_INFINITY)
  }

  async function breathe(): Promise<void> {
    await new Promise<void>((resolve) => scheduler.soon(resolve))
  }

  function failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    logger.warn({ event: 'store.retention-failed', message })
  }

  async function diskUse(): Promise<DiskUse | undefined> {
    try {
      const { usedBytes, freeBytes } = await deps.files.space(deps.folder)
      return { usedBytes, totalBytes: usedBytes + freeBytes }
    } catch {
      // A disk that does not answer shows in writes and flushes; here only age counts until it does.
      return undefined
    }
  }

  /** Files that could go, the oldest first, up to one that is too young or the bound of a look. */
  async function oldFiles({ rules }: RetentionOptions): Promise<LogFile[]> {
    const found: LogFile[] = []
    const lastBase = Math.max(0, log.written - 1)
    const end = lastBase - (lastBase % segmentBytes)
    for (let base = segments.min; base < end && found.length <= rules.filesPerPassMax; base += segmentBytes) {
      const lastMs = await lastMessageMs(base)
      found.push({ base, end: base + segmentBytes, lastStoredMs: lastMs })
    }
    return found
  }

  async function lastMessageMs(base: number): Promise<number | undefined> {
    const known = storedMs.get(base)
    if (known !== undefined) return known
    const segment = segments.at(base)
    if (segment === undefined) return undefined
    const found =
      (await readable(() => lastStoredMs(segment, segmentBytes))) ?? (await firstStoredMs(base + segmentBytes))
    if (found !== undefined) storedMs.set(base, found)
    return found
  }

  function firstStoredMs(base: number): Promise<number | undefined> {
    return readable(async () => log.storedMs(base))
  }

  /** A sector that can not be read must not keep all files from going: it tells no time. */
  async function readable(read: () => Promise<number | undefined>): Promise<number | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      failed(error)
      return undefined
    }
  }

  function judgeDisk(plan: RetentionPlan, disk: DiskUse | undefined): void {
    if (disk === undefined || plan.refuseSends === (refusal !== undefined)) return
    if (!plan.refuseSends) {
      refusal = undefined
      logger.info({ event: 'store.disk-freed' })
      return
    }
    const percent = Math.ceil(usedRatio(disk) * 100)
    refusal = `the disk of the store is ${percent} % full, diskSpaceWarningLevelRatio allows ${Math.round(options!.rules.warningRatio * 100)}`
    logger.error({ event: 'store.disk-full', message: refusal })
  }

  function tellHold({ heldBy }: RetentionPlan): void {
    const told = heldBy === undefined ? '' : `${heldBy.owner} ${heldBy.position}`
    if (heldBy !== undefined && told !== toldHold) logger.warn({ event: 'store.held', ...heldBy })
    toldHold = told
  }

  /** One look at everything, and what follows from it. A failure is tried again with the next one. */
  async function look(current: RetentionOptions): Promise<void> {
    // A log that takes nothing more can not say what must outlive its files: they stay until the restart.
    if (log.failure !== undefined) return
    const { rules } = current
    let dueMs = 0
    try {
      const disk = await diskUse()
      const files = await oldFiles(current)
      const plan = planRetention({ files, disk, rules, holds: holds.all(), nowMs: nowMs() })
      judgeDisk(plan, disk)
      tellHold(plan)
      const topicsDueMs = await raiseMins(current, plan)
      await removeFiles(current, plan)
      const isBusy = plan.more || log.written !== seenEnd
      dueMs = isBusy ? 0 : Math.min(topicsDueMs, plan.nextDueMs ?? Number.POSITIVE_INFINITY)
    } catch (error) {
      failed(error)
    }
    seenEnd = log.written
    if (refusal !== undefined) arm(Math.min(rules.intervalMs, REFUSING_INTERVAL_MS))
    else if (dueMs < Number.POSITIVE_INFINITY) arm(Math.max(rules.intervalMs, dueMs - nowMs()))
  }

  /** Returns when the next message becomes too old by the rules of its topic. */
  async function raiseMins(current: RetentionOptions, plan: RetentionPlan): Promise<number> {
    try {
      await raiseLogMin(current, plan)
      const dueMs = await applyTopicRules(current)
      await moveMins()
      return dueMs
    } finally {
      current.afterMins?.()
    }
  }

  /** Finds the mins for a log without the files of the plan; nobody is told of them yet. */
  async function raiseLogMin({ beforeRemoval }: RetentionOptions, { removals }: RetentionPlan): Promise<void> {
    const last = removals.at(-1)
    if (last === undefined) return
    const limit = commitLogOffset(last.file.end)
    await beforeRemoval?.(limit)
    await log.whenFlushed(limit)
    if (holds.all().some(({ position }) => position < limit) || stopped) return
    logMin = limit
    let looked = 0
    for (const queue of queues.all()) {
      await findMin(queue, limit)
      looked += 1
      if (looked % QUEUES_PER_PAUSE === 0) await breathe()
    }
  }

  /** Finds the mins that topics ask for; returns when the next message becomes too old. */
  async function applyTopicRules({ topics, beforeExpiry }: RetentionOptions): Promise<number> {
    let dueMs = Number.POSITIVE_INFINITY
    const mins: PlannedMins = new Map()
    for (const rule of topics?.() ?? []) {
      if (stopped) break
      dueMs = Math.min(dueMs, (await dueOf(rule, mins)) ?? dueMs)
    }
    if (mins.size === 0) return dueMs
    try {
      await beforeExpiry?.(Array.from(mins, ([{ topic, queueId }, min]) => ({ topic, queueId, min })))
    } catch (error) {
      // The files of the log go all the same.
      failed(error)
      return nowMs()
    }
    if (!stopped) for (const [queue, min] of mins) queue.nextMin = Math.max(queue.nextMin, min)
    return dueMs
  }

  /** One topic that can not be read now keeps its messages; the others and the files go on, and so does the next look. */
  async function dueOf(rule: TopicRule, mins: PlannedMins): Promise<number | undefined> {
    try {
      return await topicRules.plan(rule, nowMs(), mins)
    } catch (error) {
      failed(error)
      return nowMs()
    }
  }

  /** What was found holds for everybody, now and after any crash. */
  async function moveMins(): Promise<void> {
    const moved = Array.from(queues.all()).filter((queue) => queue.nextMin > queue.min)
    if (moved.length === 0 && logMin === segments.min) return
    await saveMins()
    for (const queue of moved) queue.min = queue.nextMin
    segments.retireBelow(logMin)
    deps.onMinMoved()
  }

  async function findMin(queue: ConsumeQueue, limit: number): Promise<void> {
    if (queue.nextMin >= queue.max) return
    try {
      let found: number
      do found = await minOffsetAt(loader, queue, limit)
      while (found > queue.min && !(await deps.isBorderRight(queue, found)))
      queue.nextMin = Math.max(queue.nextMin, found)
    } catch (error) {
      // Its file can not be read: what it still names is answered as removed, one by one.
      if (!(error instanceof FileError || error instanceof MqError)) throw error
      failed(error)
    }
  }

  /** On a full disk there may be no room for a checkpoint: then the files that are left say where the log begins. */
  async function saveMins(): Promise<void> {
    try {
      await deps.checkpoint()
    } catch (error) {
      if (!isNoSpace(error)) throw error
      failed(error)
    }
  }

  async function removeFiles({ rules }: RetentionOptions, plan: RetentionPlan): Promise<void> {
    for (let base = await segments.removeRetired(); base !== undefined; base = await segments.removeRetired()) {
      const reason = plan.removals.find(({ file }) => file.base === base)?.reason ?? 'unfinished'
      storedMs.delete(base)
      logger.info({ event: 'store.segment-removed', base, reason })
      deps.observer?.segmentRemoved(reason)
      if (stopped) return
      await pause(rules.filePauseMs)
    }
    for (const queue of queues.all()) await queueFiles.removeBelow(queue)
    await deps.index.removeBelow(segments.min)
  }

  return withFastAccessors({
    get logMin() {
      return logMin
    },
    get refusal() {
      return refusal
    },
    get holds() {
      return holds.all().length
    },
    hold(owner, position) {
      return holds.take(owner, position, logMin)
    },
    start(given) {
      if (options !== undefined) throw new MqError('internal', 'the retention of a store is started once')
      options = given
      arm(given.rules.intervalMs)
    },
    touch,
    async stop() {
      stopped = true
      timer?.cancel()
      endPause()
      await running
    },
  })
}
