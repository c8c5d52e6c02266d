// When and how the server dies, decided by the seed before anything starts.
import type { LossKind } from '../power-loss/take-back.ts'
import { LOSS_KINDS } from '../power-loss/take-back.ts'
import type { Random } from '../random.ts'

/** Longest time between the message that decides a kill and the kill. */
const DELAY_MS_MAX = 40
/** Of the kills that follow another one, this share strikes while the server recovers. */
const DURING_RECOVERY = 0.3
/** A kill during recovery comes within this time of the start of the process. */
const RECOVERY_MS_MAX = 400
/** Of the runs that end in a plain kill, this share is watched by the shim: a later power loss takes from them too. */
const WATCHED = 0.5

/** Of the power losses during load, this share waits for a write without its sync; the others come when they come. */
const WHEN_UNSYNCED = 0.5

export interface Kill {
  /** What happens besides the SIGKILL; undefined: nothing, the page cache survives. */
  readonly powerLoss: LossKind | undefined
  /** The process runs under the shim. */
  readonly watched: boolean
  /** load: when so many messages are acknowledged. recovery: so soon after the process started. */
  readonly at: { readonly during: 'load'; readonly acknowledged: number } | { readonly during: 'recovery' }
  readonly delayMs: number
  /** Strikes while a write waits for its sync. */
  readonly whenUnsynced: boolean
}

export interface PlanOptions {
  readonly kills: number
  readonly messages: number
  /** Without the shim there are only plain kills, and half as many. */
  readonly withShim: boolean
  readonly random: Random
}

/** Half of the kills, or one more, are power losses; the kills during load are spread over the messages. */
export function planKills({ kills, messages, withShim, random }: PlanOptions): Kill[] {
  const losses = Math.ceil(kills / 2)
  const arePowerLosses = shuffled(
    Array.from({ length: kills }, (_, index) => index < losses),
    random,
  ).filter((isLoss) => withShim || !isLoss)
  const count = arePowerLosses.length
  const plan: Kill[] = []
  let lossesSoFar = 0
  for (const [index, isLoss] of arePowerLosses.entries()) {
    const isFirstLoss = isLoss && lossesSoFar === 0
    const duringRecovery = index > 0 && !isFirstLoss && random.chance(DURING_RECOVERY)
    const stratum = messages / (count + 1)
    const acknowledged = Math.floor(stratum * (index + 0.5 + random.next()))
    // The first loss finds something and takes all of it, so that even a short run shows that it can.
    const kind = isFirstLoss ? 'all' : LOSS_KINDS[random.integer(LOSS_KINDS.length)]
    if (isLoss) lossesSoFar += 1
    plan.push({
      powerLoss: isLoss ? kind : undefined,
      watched: isLoss || (withShim && (isWatchedOn(plan) || random.chance(WATCHED))),
      at: duringRecovery ? { during: 'recovery' } : { during: 'load', acknowledged },
      delayMs: random.integer(duringRecovery ? RECOVERY_MS_MAX : DELAY_MS_MAX),
      whenUnsynced: isFirstLoss || (isLoss && !duringRecovery && random.chance(WHEN_UNSYNCED)),
    })
  }
  return plan
}

/** What the shim knows of the run before would be wrong after a run that it did not see. */
function isWatchedOn(plan: readonly Kill[]): boolean {
  const last = plan.at(-1)
  return last !== undefined && last.watched && last.powerLoss === undefined
}

export function describeKill({ powerLoss, watched, at, delayMs, whenUnsynced }: Kill): string {
  const how = powerLoss === undefined ? `kill -9${watched ? ' under the shim' : ''}` : `power loss (${powerLoss})`
  const when =
    at.during === 'recovery' ? `${delayMs} ms after the start` : `${delayMs} ms after ${at.acknowledged} acknowledged`
  return `${how}, ${when}${whenUnsynced ? ', in a sync' : ''}`
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const left = [...items]
  return items.map(() => left.splice(random.integer(left.length), 1)[0] as Item)
}
