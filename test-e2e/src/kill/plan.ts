// Who dies, when and how, decided by the seed before anything starts.
import { LOSS_KINDS, type LossKind } from '../power-loss/take-back.ts'
import type { Random } from '../random.ts'

/** Proxies and nameservers in turn; all others are brokers. */
const OTHERS = 0.3
/** Longest time between what decides a kill and the kill. */
const DELAY_MS_MAX = 40
/** Of the kills of a broker that follow another one, this share strikes while it recovers. */
const DURING_RECOVERY = 0.3
/** A kill during recovery comes within this time of the start of the process. */
const RECOVERY_MS_MAX = 400
/** Of the same kills, this share strikes the other broker while the first is down. */
const WHILE_DOWN = 0.3
/** Of the kills of a broker under load, this share waits until its log goes on to a new file. */
const AT_A_ROLL = 0.3
/** At most so many of a broker's rolls are waited for: meanwhile nobody else is killed. */
const ROLLS_AWAITED = 0.5
/** So many of a broker's segments may pass until there is one: one that proxies do not know again yet gets nothing. */
const ROLL_WITHIN_SEGMENTS = 1.2
/** Of the victims, this share stays down for a while; the others start again at once. */
const STAYS_DOWN = 0.5
const DOWN_MS_MAX = 2_000
/** Of the runs that end in a plain kill, this share is watched by the shim: a later power loss takes from them too. */
const WATCHED = 0.5
/** Of the power losses under load, this share comes after a time in which no sync succeeds. */
const AFTER_FAILED_SYNCS = 0.4
const FAILED_SYNCS_MS_MAX = 1_000
/** Of the other power losses under load, this share waits for a write without its sync; the others come when they come. */
const WHEN_UNSYNCED = 0.5

export interface Kill {
  /** Name of the node. */
  readonly victim: string
  /** What happens besides the SIGKILL; undefined: nothing, the page cache survives. */
  readonly powerLoss: LossKind | undefined
  /** The process runs under the shim. */
  readonly watched: boolean
  /** recovery: of the node that was killed before. outage: that one is down still. */
  readonly at: { readonly during: 'load'; readonly acknowledged: number } | { readonly during: 'recovery' | 'outage' }
  /** Strikes when the log goes on to a new file, or when so many messages are acknowledged. */
  readonly rolledBy: number | undefined
  /** The disk is broken in the time before: the broker refuses, and the proxies turn to the other one. */
  readonly syncsFail: boolean
  readonly delayMs: number
  /** Strikes while a write waits for its sync. */
  readonly whenUnsynced: boolean
  /** So long it stays down. */
  readonly downMs: number
}

export interface PlanOptions {
  readonly kills: number
  readonly messages: number
  /** So many files the log of each broker will have. */
  readonly segments: number
  /** Without the shim there are only plain kills, and half as many of brokers. */
  readonly withShim: boolean
  /** Names. */
  readonly brokers: readonly string[]
  readonly proxies: readonly string[]
  readonly nameservers: readonly string[]
  readonly random: Random
}

/** Half of the kills of brokers, or one more, are power losses; the kills under load are spread over the messages. */
export function planKills(options: PlanOptions): Kill[] {
  const { kills, messages, segments, withShim, brokers, proxies, nameservers, random } = options
  const others = Math.round(kills * OTHERS)
  const losses = Math.ceil((kills - others) / 2)
  const kinds = shuffled(
    Array.from({ length: kills }, (_, index) => {
      if (index < others) return index % 2 === 0 ? 'proxy' : 'nameserver'
      return index < others + losses ? 'power loss' : 'kill'
    }),
    random,
  ).filter((kind) => withShim || kind !== 'power loss')
  const plan: Kill[] = []
  for (const [index, kind] of kinds.entries()) {
    const stratum = messages / (kinds.length + 1)
    const acknowledged = Math.floor(stratum * (index + 0.5 + random.next()))
    const atLoad = { during: 'load', acknowledged } as const
    const downMs = random.chance(STAYS_DOWN) ? random.integer(DOWN_MS_MAX) : 0
    if (kind === 'proxy' || kind === 'nameserver') {
      plan.push({
        victim: oneOf(kind === 'proxy' ? proxies : nameservers, random),
        powerLoss: undefined,
        watched: false,
        at: atLoad,
        rolledBy: undefined,
        syncsFail: false,
        delayMs: random.integer(DELAY_MS_MAX),
        whenUnsynced: false,
        downMs,
      })
      continue
    }
    const isLoss = kind === 'power loss'
    const isFirstLoss = isLoss && plan.every(({ powerLoss }) => powerLoss === undefined)
    const before = plan.at(-1)
    const follows = before !== undefined && brokers.includes(before.victim) && !isFirstLoss
    const during = follows ? duringOf(random.next(), before) : 'load'
    const isUnderLoad = during === 'load'
    const victim =
      during === 'recovery'
        ? (before?.victim ?? '')
        : oneOf(
            brokers.filter((name) => isUnderLoad || name !== before?.victim),
            random,
          )
    const rolledBy = Math.floor(acknowledged + (messages / segments) * ROLL_WITHIN_SEGMENTS)
    const rolls = plan.filter((kill) => kill.rolledBy !== undefined).length
    const isFirstRoll = rolls === 0
    const canRoll = isUnderLoad && rolledBy < messages && (isFirstRoll || rolls < segments * ROLLS_AWAITED)
    const syncsFail = isLoss && isUnderLoad && !isFirstLoss && random.chance(AFTER_FAILED_SYNCS)
    const delayMsMax = syncsFail ? FAILED_SYNCS_MS_MAX : during === 'recovery' ? RECOVERY_MS_MAX : DELAY_MS_MAX
    // The first loss finds something and takes all of it, so that even a short run shows that it can.
    const lossKind = isFirstLoss ? 'all' : oneOf(LOSS_KINDS, random)
    plan.push({
      victim,
      powerLoss: isLoss ? lossKind : undefined,
      watched: isLoss || (withShim && (isWatchedOn(plan, victim) || random.chance(WATCHED))),
      at: isUnderLoad ? atLoad : { during },
      rolledBy: canRoll && (isFirstRoll || random.chance(AT_A_ROLL)) ? rolledBy : undefined,
      syncsFail,
      delayMs: random.integer(delayMsMax),
      whenUnsynced: isFirstLoss || (isLoss && isUnderLoad && !syncsFail && random.chance(WHEN_UNSYNCED)),
      downMs,
    })
  }
  return plan
}

/** Both brokers are down at most once at a time: a third kill would have nobody to strike. */
function duringOf(fate: number, before: Kill): Kill['at']['during'] {
  if (fate < DURING_RECOVERY) return 'recovery'
  return fate < DURING_RECOVERY + WHILE_DOWN && before.at.during !== 'outage' ? 'outage' : 'load'
}

/** What the shim knows of the victim's life before would be wrong after one that it did not see. */
function isWatchedOn(plan: readonly Kill[], victim: string): boolean {
  const last = plan.findLast((kill) => kill.victim === victim)
  return last !== undefined && last.watched && last.powerLoss === undefined
}

export function describeKill(kill: Kill): string {
  const { victim, powerLoss, watched, at, delayMs } = kill
  const how = powerLoss === undefined ? `kill -9${watched ? ' under the shim' : ''}` : `power loss (${powerLoss})`
  const after = {
    load: at.during === 'load' ? `${at.acknowledged} acknowledged` : '',
    recovery: 'its start',
    outage: 'the kill before, both are down',
  }[at.during]
  const details = [
    kill.rolledBy === undefined ? '' : ' and a roll',
    kill.syncsFail ? ', while syncs fail' : '',
    kill.whenUnsynced ? ', in a sync' : '',
  ]
  return `${victim}: ${how}, ${delayMs} ms after ${after}${details.join('')}`
}

function oneOf<Item>(items: readonly Item[], random: Random): Item {
  return items[random.integer(items.length)] as Item
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const left = [...items]
  return items.map(() => left.splice(random.integer(left.length), 1)[0] as Item)
}
