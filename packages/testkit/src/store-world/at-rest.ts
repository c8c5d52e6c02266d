// What happens to the machine between two lives of its broker: files are damaged, and the clock goes on.
import type { Prng } from '../sim/index.ts'
import { type BrokerHost, STORE_ROOT } from './broker-host.ts'
import type { LogReader } from './log-image.ts'
import type { Model } from './model.ts'
import { damageDerived, damageJournal, damageMessage, indexRanges, type LogRange } from './rest-damage.ts'
import type { LifePlan } from './store-plan.ts'

export const CLOCK_JUMP = 'jumps of the clock'
const NO_RANGES: ReadonlyMap<string, LogRange> = new Map()

export interface AtRestDeps {
  readonly host: BrokerHost
  readonly model: Model
  readonly random: Prng
  readonly log: LogReader
  /** Nobody can tell the folder from that of another broker now. */
  foreign(): void
}

export class AtRest {
  /** Files that derive from the log were damaged since the last start. */
  isDamaged = false
  readonly #deps: AtRestDeps

  constructor(deps: AtRestDeps) {
    this.#deps = deps
  }

  /** What the plan of the life that is over says. `isLogSure`: the log was stopped in order, and is safe up to its end. */
  pass({ damages = [], logDamages = 0, isJournalDamaged = false, jumpMs = 0 }: LifePlan, isLogSure: boolean): void {
    const { host } = this.#deps
    for (let count = 0; count < logDamages; count += 1) if (isLogSure) this.#damageLog()
    if (isJournalDamaged && isLogSure) this.#damageJournal()
    // Headers tell it as long as they are whole.
    const ranges = damages.length === 0 ? NO_RANGES : indexRanges(host.machine.disk, STORE_ROOT, host.log.written)
    for (const name of damages) if (!host.isUp) this.#damage(name, ranges)
    if (jumpMs === 0) return
    host.machine.jumpClock(jumpMs)
    host.count(CLOCK_JUMP, 1)
  }

  /** What it said is forgotten: the rest must go on. */
  #damageJournal(): void {
    const { host, log, random, foreign } = this.#deps
    const name = damageJournal(host.machine.disk, STORE_ROOT, log, random)
    if (name === undefined) return
    host.count(name, 1)
    foreign()
  }

  /** A message that is safe: what follows it must stay, and nobody may get it. */
  #damageLog(): void {
    const { host, model, log, random } = this.#deps
    const name = damageMessage(host.machine.disk, STORE_ROOT, { model, log, random })
    if (name !== undefined) host.count(name, 1)
  }

  #damage(name: string | undefined, ranges: ReadonlyMap<string, LogRange>): void {
    const { host, random, foreign } = this.#deps
    const damage = damageDerived(host.machine.disk, STORE_ROOT, random, name)
    if (damage === undefined) return
    host.count(damage.name, 1)
    this.isDamaged = true
    host.damagedIndex.push(...damage.paths.flatMap((path) => ranges.get(path) ?? []))
    // Changed mirrors are those of another broker, as far as anybody can tell.
    if (damage.name.endsWith('mirror')) foreign()
  }
}
