// What goes wrong with a disk that a broker uses: calls that fail once or from then on, a full disk, slow and stalled
// calls. Drawn for each life of the broker; what truly hit is counted by name.
import type { ActiveFault, DiskCall, DiskFault, DiskOperation, Prng, SimMachine } from '../sim/index.ts'

/** Name, call, and whether it may stay. */
type FailingCall = readonly [name: string, on: DiskOperation, call: DiskCall]
const ERRORS: readonly FailingCall[] = [
  ['write', 'write', 'write'],
  ['sync', 'sync', 'sync'],
  ['sync of a folder', 'sync', 'sync-folder'],
  ['read', 'read', 'read'],
  ['rename', 'change', 'rename'],
  ['open', 'change', 'open'],
  ['truncate', 'change', 'truncate'],
  ['remove', 'change', 'remove'],
]
const PLACES: readonly (RegExp | undefined)[] = [
  undefined,
  /\/commitlog\//u,
  /\/commitlog\//u,
  /\/consumequeue\//u,
  /\/unit-packs\//u,
  /\/index\//u,
  /\/config\//u,
  /\/(?:queue-checkpoint|flushed|checkpoint|last-writer)/u,
]
const SLOW_MS = [20, 300, 1000] as const
/** Longer than a send waits for its sync. */
const STALL_MS = 8000
/** Operations that pass before a fault that has no number of hits of its own. */
const STICKY = Infinity
/** Share of the lives without another fault. */
const LEVELS = 0.2
/** Beyond 75 % age alone counts, beyond 85 % files may go before their time, beyond 90 % sends are refused. */
const SHARES = [0.8, 0.87, 0.93, 0.93] as const
/** Room that a full disk has left. */
const ROOM_BYTES = [0, 4096, 20_000, 100_000] as const

export type FaultPlan =
  | { readonly kind: 'error'; readonly fault: DiskFault; readonly name: string; readonly at: number }
  | { readonly kind: 'level'; readonly share: number; readonly at: number; readonly freeAfter: number }
  | { readonly kind: 'full'; readonly roomBytes: number; readonly at: number; readonly freeAfter: number }

/** A fault for a life of so many operations; none for half of them. */
export function planFault(random: Prng, operations: number): FaultPlan | undefined {
  if (random.chance(0.5)) return undefined
  const at = random.integer(operations)
  if (random.chance(0.2)) {
    return { kind: 'full', at, roomBytes: random.pick(ROOM_BYTES), freeAfter: random.integer(operations) }
  }
  const path = random.pick(PLACES)
  const where = path === undefined ? {} : { path }
  if (random.chance(0.25)) {
    const isStall = random.chance(0.2)
    const call = random.chance(0.6) ? ({ on: 'sync' } as const) : ({ on: 'read' } as const)
    const delayMs = isStall ? STALL_MS : random.pick(SLOW_MS)
    const fault = { ...call, ...where, delayMs, times: isStall ? 1 : 1 + random.integer(20) }
    return { kind: 'error', name: `${isStall ? 'stalled' : 'slow'} ${call.on}`, fault, at }
  }
  const [name, on, call] = random.pick(ERRORS)
  const isSticky = random.chance(0.5)
  const isForRoom = name === 'sync' && random.chance(0.4)
  const error = isForRoom ? 'no-space' : 'io'
  const fault = { on, call, ...where, error, times: isSticky ? STICKY : 1 } as const
  return {
    kind: 'error',
    name: `${isForRoom ? 'ENOSPC' : 'EIO'} of ${name} ${isSticky ? 'that stays' : 'once'}`,
    fault,
    at,
  }
}

/** The disk of some lives is used beyond its marks: files go earlier, or sends are refused. */
export function planLevel(random: Prng, operations: number): FaultPlan | undefined {
  if (!random.chance(LEVELS)) return undefined
  const share = random.pick(SHARES)
  return { kind: 'level', share, at: random.integer(operations), freeAfter: random.integer(operations) }
}

/** The fault of one life: begins at its operation, and ends with `heal`. */
export class LifeFault {
  readonly #plan: FaultPlan | undefined
  readonly #machine: SimMachine
  readonly #fulls: () => number
  #active: ActiveFault | undefined
  #fullSince: number | undefined
  #fullsBefore: number
  #isLevel = false

  constructor(plan: FaultPlan | undefined, machine: SimMachine, fulls: () => number) {
    this.#plan = plan
    this.#machine = machine
    this.#fulls = fulls
    this.#fullsBefore = fulls()
  }

  /** So many operations of the life are over. */
  reached(operations: number): void {
    const plan = this.#plan
    if (plan === undefined || operations < plan.at) return
    const { disk } = this.#machine
    if (plan.kind === 'error') this.#active ??= disk.fail(plan.fault)
    else if (plan.kind === 'level') {
      if (operations >= plan.at + plan.freeAfter) disk.capacityBytes = Infinity
      else if (!this.#isLevel) disk.capacityBytes = disk.usedBytes / plan.share
      this.#isLevel = true
    } else if (this.#fullSince === undefined) {
      this.#fullSince = operations
      this.#fullsBefore = this.#fulls()
      this.#machine.disk.capacityBytes = this.#machine.disk.usedBytes + plan.roomBytes
    } else if (operations >= plan.at + plan.freeAfter) this.#machine.disk.capacityBytes = Infinity
  }

  /** True when something that fails has hit: what the broker could not do may be its work. */
  get hasHit(): boolean {
    return (this.#active?.hits ?? 0) > 0 || this.#fulls() > this.#fullsBefore || this.#fullSince !== undefined
  }

  /** Ends it; what it was and how often it hit. */
  heal(): readonly [name: string, hits: number] | undefined {
    const plan = this.#plan
    this.#active?.clear()
    this.#machine.disk.capacityBytes = Infinity
    if (plan === undefined) return undefined
    if (plan.kind === 'level') return [LEVEL_NAME, Number(this.#isLevel)]
    if (plan.kind === 'error') return [plan.name, this.#active?.hits ?? 0]
    return ['full disk', this.#fullSince === undefined ? 0 : this.#fulls() - this.#fullsBefore]
  }
}

/** A disk used beyond its marks. */
const LEVEL_NAME = 'nearly full disk'
/** How the broker names the mark beyond which it refuses sends. */
export const WARNING_MARK = 'diskSpaceWarningLevelRatio'
/** What that means for sends. */
export const REFUSED_AT_MARK = 'sends refused on a nearly full disk'

/** Names of all that `planFault` may draw. */
export const DISK_FAULT_NAMES: readonly string[] = [
  ...ERRORS.flatMap(([name]) => [`EIO of ${name} once`, `EIO of ${name} that stays`]),
  'ENOSPC of sync once',
  'ENOSPC of sync that stays',
  LEVEL_NAME,
  REFUSED_AT_MARK,
  'slow sync',
  'slow read',
  'stalled sync',
  'stalled read',
  'full disk',
]
