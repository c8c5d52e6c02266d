// What goes wrong with a disk that a broker uses: calls that fail once or from then on, a full disk, slow and stalled
// calls. Drawn for each life of the broker; what truly hit is counted by name.
import type { ActiveFault, DiskCall, DiskFault, DiskOperation, Prng, SimMachine } from '../sim/index.ts'

/** Name, call, and whether it may stay. */
const ERRORS: readonly (readonly [name: string, on: DiskOperation, call: DiskCall])[] = [
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
  /\/index\//u,
  /\/config\//u,
  /\/(?:queue-checkpoint|flushed|checkpoint|last-writer)/u,
]
const SLOW_MS = [20, 300, 1000] as const
/** Longer than a send waits for its sync. */
const STALL_MS = 8000
/** Operations that pass before a fault that has no number of hits of its own. */
const STICKY = Infinity
/** Room that a full disk has left. */
const ROOM_BYTES = [0, 4096, 20_000, 100_000] as const

export type FaultPlan =
  | { readonly kind: 'error'; readonly fault: DiskFault; readonly name: string; readonly at: number }
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
  const fault = { on, call, ...where, error: 'io', times: isSticky ? STICKY : 1 } as const
  return { kind: 'error', name: `EIO of ${name} ${isSticky ? 'that stays' : 'once'}`, fault, at }
}

/** The fault of one life: begins at its operation, and ends with `heal`. */
export class LifeFault {
  readonly #plan: FaultPlan | undefined
  readonly #machine: SimMachine
  readonly #fulls: () => number
  #active: ActiveFault | undefined
  #fullSince: number | undefined
  #fullsBefore = 0

  constructor(plan: FaultPlan | undefined, machine: SimMachine, fulls: () => number) {
    this.#plan = plan
    this.#machine = machine
    this.#fulls = fulls
  }

  /** So many operations of the life are over. */
  reached(operations: number): void {
    const plan = this.#plan
    if (plan === undefined || operations < plan.at) return
    if (plan.kind === 'error') this.#active ??= this.#machine.disk.fail(plan.fault)
    else if (this.#fullSince === undefined) {
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
    if (plan.kind === 'error') return [plan.name, this.#active?.hits ?? 0]
    return ['full disk', this.#fullSince === undefined ? 0 : this.#fulls() - this.#fullsBefore]
  }
}

/** Names of all that `planFault` may draw. */
export const DISK_FAULT_NAMES: readonly string[] = [
  ...ERRORS.flatMap(([name]) => [`EIO of ${name} once`, `EIO of ${name} that stays`]),
  'slow sync',
  'slow read',
  'stalled sync',
  'stalled read',
  'full disk',
]
