// Everything that a seed decides before its run: the shape of the store, its topics and groups, how it is used, and where
// it is killed.
import type { BrokerSettings } from '@rocketmq-ts/broker'
import { DEDUP_BY, type OrderUnit, type TopicDedup } from '@rocketmq-ts/model'
import { Prng } from '../sim/index.ts'
import type { CrashOrder } from './broker-host.ts'
import type { CheckBackModel } from './model.ts'
import { type Circumstances, circumstancesOf, LATE_STATES } from './circumstances.ts'
import { CRASH_STEPS, SELDOM_STEPS } from './crash-steps.ts'
import { EVERYTHING, type GroupFilter, SQL_FILTERS, TAG_FILTERS } from './filters.ts'
import { type FaultPlan, planFault, planLevel } from './disk-faults.ts'
import { REST_DAMAGE_NAMES } from './rest-damage.ts'
import type { Phase } from './steps.ts'

const KiB = 1024
/** How the groups of a seed consume. */
const ORDERS: readonly (OrderUnit | undefined)[] = ['QUEUE', undefined, 'MESSAGE_GROUP', undefined]
/** Operations of one seed, at least. */
export const OPERATIONS_MIN = 500
const OPERATIONS_SPREAD = 40
const HOUR_MS = 3_600_000
const JUMPS_MS = [60_000, HOUR_MS, 3 * HOUR_MS, 26 * HOUR_MS, 80 * HOUR_MS] as const
/** Hours that messages are kept, where they are kept for a short time. */
const RESERVED_HOURS = [1, 24] as const
const EVERY_HOUR = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0')).join(';')
const UNIT_BYTES = 20
/** Share of the seeds that build everything again in the end. */
const REBUILT = 0.4
/** Of any kind. */
const MORE_DAMAGES = [undefined, undefined] as const
/** Share of the topics beside the first one that take a message once. */
const DEDUPLICATED = 0.3
/** Share of the seeds in which a disk that is nearly full takes files before their time, and of those in which it has marks alone. */
const SEEDS_FORCED = 0.08
const SEEDS_WITH_LEVELS = 0.3
/** Share of the seeds in which topics keep messages by rules of their own, and of their topics beside the first one. */
const SEEDS_RULED = 0.35
const RULED = 0.6
/** Pauses and jumps of the clock are shorter than some, and longer than others. */
const WINDOWS_MS = [1000, 4000, 60_000] as const
/** Share of the groups beside the first one that take what an expression says, where they do not take tags. */
const FILTERED = 0.5
/** Share of the messages that are to be had later. */
const DELAYED = 0.25
/** Share of those that are halves of transactions. */
const HALVES = 0.2
/** In the others nobody answers. */
const PRESENT = 0.75
/** Half messages wait longer than a broker lives. */
const PATIENT: CheckBackModel = { immunityMs: 6000, intervalMs: 10_000, checks: 4 }
const LIVES_MIN = 4
const LIVES_SPREAD = 4
/** Of a step that comes often, so many are let pass. */
const SKIPS = [0, 0, 0, 0, 1, 2, 5, 12, 40] as const
/** One seed of so many. */
const LATE_STATES_EVERY = 16
const FEW_OPERATIONS = 25
/** One of so many seeds that damage the log. */
const JOURNAL_DAMAGED_EVERY = 4
/** One seed of so many: the second life begins with more than a batch of the log, or a piece of its reads, holds. */
const FLOOD_EVERY = 25
const FLOOD_BYTES = 1280 * KiB
const ASKED_AT_STOP = 60
/** The others leave something behind that can be read. */
const BRIEF_BUT_EVERY = 3
/** No sync of the log ends while a broker lives. */
const STALLED_LOG: FaultPlan = {
  kind: 'error',
  name: 'stalled sync',
  fault: { on: 'sync', path: /\/commitlog\/\d/u, delayMs: 600_000, times: Infinity },
  at: 1,
}
/** What a stop writes first. */
const SLOW_MIRRORS: FaultPlan = {
  kind: 'error',
  name: 'slow sync',
  fault: { on: 'sync', path: /\/config\//u, delayMs: 1000, times: Infinity },
  at: 1,
}
const STATES_STEP = 'running: before write of log (states)'
/** A disk that is full in the end of a life is so for some of its last operations. */
const LAST_OPERATIONS = 20
const FULL_ROOM_BYTES = [0, 20_000] as const
const EXPIRING_JUMP_MS = 26 * HOUR_MS
const RECOVERY_SKIPS = [0, 0, 0, 0, 1, 2, 4] as const

export interface StoreShape {
  readonly flushDiskType: 'SYNC_FLUSH' | 'ASYNC_FLUSH'
  readonly segmentBytes: number
  /** Sectors of the disk, or its pages, that are written in one piece. */
  readonly atomicBytes: 512 | 4096
  readonly settings: Partial<BrokerSettings>
}

export interface TopicPlan {
  readonly name: string
  readonly queues: number
  /** It takes a message once within a window. */
  readonly dedup: TopicDedup | undefined
  /** It keeps messages by rules of its own. */
  readonly isRuled: boolean
}

export interface GroupPlan {
  readonly name: string
  /** It takes only what this lets pass. */
  readonly filter: GroupFilter
  /** It consumes in order, and this is what has an order; undefined: in any order. */
  readonly order: OrderUnit | undefined
}

export interface LifePlan {
  readonly operations: number
  /** Where it is to end; in order without it. */
  readonly crash: CrashOrder | undefined
  readonly fault?: FaultPlan | undefined
  /** Bytes of messages that are sent at once when it has begun. */
  readonly floodBytes?: number
  /** Operations that are asked for when it is stopped. */
  readonly asksAtStop?: number
  /** All topics are deleted right before the stop. */
  readonly doesDeleteTopics?: boolean
  /** The fault lasts through the next start, or the first tries of it. */
  readonly faultStays?: boolean
  /** Files that derive from the log and are damaged before the next start: what is done to each, where the seed has that in mind. */
  readonly damages?: readonly (string | undefined)[]
  /** Messages in the log that are damaged before the next start, if the stop was in order. */
  readonly logDamages?: number
  /** So is a record of the in-flight journal: settings and deliveries may be forgotten then. */
  readonly isJournalDamaged?: boolean
  /** So far the clock moves before the next start. */
  readonly jumpMs?: number
}

export interface StorePlan {
  readonly seed: number
  readonly shape: StoreShape
  readonly topics: readonly TopicPlan[]
  readonly groups: readonly GroupPlan[]
  readonly lives: readonly LifePlan[]
  readonly bodyBytesMax: number
  /** Share of the messages that are to be had later. */
  readonly delayed: number
  /** Share of those that are halves of transactions. */
  readonly halves: number
  readonly checkBack: CheckBackModel
  /** Share of the lives of the broker in which producers can be asked. */
  readonly present: number
  /** In the end all that derives from the log is built again. */
  readonly isRebuilt: boolean
}

/** The plan of a seed. */
export function storePlanOf(seed: number): StorePlan {
  const root = new Prng(seed)
  const random = root.fork()
  const filters = root.fork()
  const rules = root.fork()
  const retention = root.fork()
  const areSomeRuled = retention.chance(SEEDS_RULED)
  // One that few lives pass is waited for in all of them.
  const seldom = seed % 3 === 0 ? SELDOM_STEPS[(seed / 3) % SELDOM_STEPS.length] : undefined
  const circumstances = seed % LATE_STATES_EVERY === 1 ? LATE_STATES : circumstancesOf(seldom)
  const levels = root.fork()
  const areFilesForced = seldom === undefined && levels.chance(SEEDS_FORCED)
  const areLevels = areFilesForced || (seldom === undefined && levels.chance(SEEDS_WITH_LEVELS))
  const { areStatesLate = false, areQueueFilesSmall = false, doesExpire = false, losesTail = false } = circumstances
  const { isBusy = false, isStopSlow = false, isRetentionEager = false } = circumstances
  const drawn = {
    immunityMs: random.pick([1000, 6000]),
    intervalMs: random.pick([2000, 10_000]),
    checks: random.pick([1, 2, 4]),
  }
  const checkBack = isRetentionEager ? PATIENT : drawn
  const shape: StoreShape = {
    flushDiskType: !losesTail && random.chance(0.6) ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    segmentBytes: (doesExpire || isBusy ? 32 : random.pick([32, 64, 128])) * KiB,
    atomicBytes: random.pick([512, 4096]),
    settings: {
      flushConsumerOffsetInterval: random.pick([200, 2000, 20_000]),
      flushIntervalCommitLog: losesTail ? 500 : random.pick([10, 100, 500]),
      mappedFileSizeConsumeQueue: UNIT_BYTES * (areQueueFilesSmall ? 16 : random.pick([16, 100, 1000])),
      ...(doesExpire || isStopSlow || random.chance(0.4)
        ? { fileReservedTime: random.pick(RESERVED_HOURS), deleteWhen: EVERY_HOUR }
        : {}),
      ...(areStatesLate || isStopSlow || isRetentionEager || areSomeRuled || areLevels
        ? { cleanResourceInterval: 1000 }
        : {}),
      cleanFileForciblyEnable: areFilesForced,
      transactionTimeOut: checkBack.immunityMs,
      transactionCheckInterval: checkBack.intervalMs,
      transactionCheckMax: checkBack.checks,
      maxHashSlotNum: random.pick([16, 500]),
      maxIndexNum: doesExpire ? 100 : random.pick([100, 1000]),
    },
  }
  const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
  const topics = range(2 + random.integer(3)).map((index): TopicPlan => {
    const queues = 1 + random.integer(4)
    const dedup = index > 0 && rules.chance(DEDUPLICATED) ? drawDedup(rules) : undefined
    const isRuled = areSomeRuled && dedup === undefined && index > 0 && retention.chance(RULED)
    return { name: `topic-${index}`, queues, dedup, isRuled }
  })
  const groups = range(1 + random.integer(3)).map((index) => ({
    name: `group-${index}`,
    filter: drawFilter(filters, index > 0 && random.chance(0.3), index),
    order: ORDERS[(seed + index) % ORDERS.length],
  }))
  return {
    seed,
    shape,
    topics,
    groups,
    lives: planLives(random, seed, { seldom, circumstances }).map((life) =>
      areLevels ? { ...life, fault: life.fault ?? planLevel(levels, Math.max(1, life.operations)) } : life,
    ),
    bodyBytesMax: areStatesLate ? 200 : isBusy ? 2000 : random.pick([40, 200, 800, 2000]),
    delayed: areStatesLate ? 0 : DELAYED,
    halves: areStatesLate ? 0 : HALVES,
    checkBack,
    present: PRESENT,
    isRebuilt: random.chance(REBUILT),
  }
}

function drawDedup(random: Prng): TopicDedup {
  return { by: random.pick(DEDUP_BY), windowMs: random.pick(WINDOWS_MS) }
}

/** One group of a seed takes everything. */
function drawFilter(random: Prng, isByTag: boolean, index: number): GroupFilter {
  if (isByTag) return random.pick(TAG_FILTERS)
  return index > 0 && random.chance(FILTERED) ? random.pick(SQL_FILTERS) : EVERYTHING
}

/** One life is for the step whose turn it is; the others end wherever the seed says. */
function planLives(
  random: Prng,
  seed: number,
  { seldom, circumstances }: { readonly seldom: string | undefined; readonly circumstances: Circumstances },
): LifePlan[] {
  const count = LIVES_MIN + random.integer(LIVES_SPREAD)
  const operations = OPERATIONS_MIN + random.integer(OPERATIONS_SPREAD)
  const own = random.integer(count)
  const each = Math.ceil(operations / count)
  const damaged = random.integer(2 * count)
  // Where the mark of what was flushed is lost, nobody can tell damage from the end of the log.
  const isLogDamaged = random.chance(0.2)
  const crashOf = (index: number): CrashOrder | undefined => {
    if (seldom !== undefined) return { ...crashAt(random, seldom), skip: 0 }
    return index === own ? crashAt(random, CRASH_STEPS[seed % CRASH_STEPS.length]) : anyCrash(random)
  }
  const lives = Array.from({ length: count }, (_, index) => ({
    operations: each,
    crash: crashOf(index),
    // The step whose turn it is comes for sure only where nothing else goes wrong.
    fault: index === own ? undefined : planFault(random, each),
    faultStays: random.chance(0.3),
    damages:
      isLogDamaged || index !== damaged
        ? []
        : [REST_DAMAGE_NAMES[seed % REST_DAMAGE_NAMES.length], ...MORE_DAMAGES.slice(random.integer(3))],
    logDamages: isLogDamaged && random.chance(0.5) ? 1 + random.integer(3) : 0,
    isJournalDamaged: isLogDamaged && seed % JOURNAL_DAMAGED_EVERY === 0 && index === count - 2,
    jumpMs: random.chance(0.3) ? random.pick(JUMPS_MS) : 0,
    floodBytes: seed % FLOOD_EVERY === 0 && index === 1 ? FLOOD_BYTES : 0,
  }))
  if (circumstances.areStatesLate === true) return lives.map((life, index) => lateStates(random, life, index))
  return lives.map((life, index) => ({ ...life, ...broughtAbout(random, circumstances, life, index) }))
}

/** Two lives belong together: the first one leaves states that are late, the second one loses what could do without them. */
function lateStates(random: Prng, life: LifePlan, index: number): LifePlan {
  const plain = { crash: undefined, logDamages: 0 }
  // A next file of the log would have them.
  if (index % 2 === 1) return { ...plain, operations: FEW_OPERATIONS, damages: ['all deleted: start-cache'] }
  return {
    ...plain,
    operations: life.operations,
    crash: { ...crashAt(random, STATES_STEP), skip: random.integer(3) },
    jumpMs: EXPIRING_JUMP_MS,
  }
}

/** The part of a life that circumstances decide. */
function broughtAbout(
  random: Prng,
  { damages, isFull, isBusy, isBrief, isStopSlow, doesDeleteTopics, doesExpire, losesTail }: Circumstances,
  life: LifePlan,
  index: number,
): Partial<LifePlan> {
  const isShort = isBrief === true && index % BRIEF_BUT_EVERY > 0
  // A disk is full from an operation on.
  const operations = isShort ? Number(isFull === true) : life.operations
  const from = isShort ? 0 : operations - 1 - random.integer(LAST_OPERATIONS)
  const fault: FaultPlan = { kind: 'full', at: from, roomBytes: random.pick(FULL_ROOM_BYTES), freeAfter: Infinity }
  return {
    ...(damages !== undefined && { damages, logDamages: 0 }),
    operations,
    ...(isBusy === true && { asksAtStop: ASKED_AT_STOP, fault: undefined }),
    ...(doesDeleteTopics === true && { doesDeleteTopics, fault: undefined }),
    ...(isStopSlow === true && { fault: SLOW_MIRRORS, faultStays: false }),
    ...(losesTail === true &&
      life.crash !== undefined && {
        crash: { ...life.crash, powerLoss: true },
        fault: STALLED_LOG,
        faultStays: false,
      }),
    ...(isFull === true && { fault, faultStays: true }),
    ...(doesExpire === true && { fault: undefined, jumpMs: EXPIRING_JUMP_MS }),
  }
}

function anyCrash(random: Prng): CrashOrder | undefined {
  return random.chance(0.2) ? undefined : crashAt(random, random.pick(CRASH_STEPS))
}

function crashAt(random: Prng, step: string | undefined): CrashOrder {
  const phase = (step?.split(':')[0] ?? 'running') as Phase
  return {
    step,
    phase,
    skip: random.pick(phase === 'recovering' ? RECOVERY_SKIPS : SKIPS),
    powerLoss: random.chance(0.5),
  }
}
