// Which faults happen when: drawn from the seed before the run, a random subset of kinds for each seed.
import type { FaultChances, Prng } from '../sim/index.ts'
import type { ClusterShape, ServiceKind } from './sim-cluster.ts'

export const FAULT_KINDS = [
  'kill',
  'power-loss',
  'kill-in-recovery',
  'partition',
  'one-way-partition',
  'dropped-connections',
  'stalled-clients',
  'stalled-sync',
  'sync-error',
  'write-error',
  'disk-full',
  'clock-jump',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface PlannedFault {
  readonly kind: FaultKind
  /** Since the faults begin. */
  readonly atMs: number
  /** How long it lasts: until the restart, the healing, the end of a stall. */
  readonly forMs: number
  readonly service: ServiceKind
  /** Which of its kind. */
  readonly index: number
  /** The other end of a partition. */
  readonly other: { readonly service: ServiceKind; readonly index: number }
  /** Of a clock jump. */
  readonly jumpMs: number
}

export interface FaultPlan {
  readonly faults: readonly PlannedFault[]
  /** Chances that hold as long as faults are on. */
  readonly chances: Partial<FaultChances>
  /** Longest that a sync may take. */
  readonly syncMsMax: number
}

/** Faults of one seed. */
const FAULTS_MIN = 6
const FAULTS_MAX = 12
const KINDS_MIN = 4
const CRASHES_MIN = 2
const HOUR_MS = 3_600_000
const SLOW_SYNC_MS_MAX = 1000
const STALLED_SYNC_MS_MAX = 4000

/** A power loss may find everything down already. */
const CRASH_KINDS: readonly FaultKind[] = ['kill', 'kill-in-recovery']
const SERVICES: readonly ServiceKind[] = ['nameserver', 'broker', 'broker', 'broker', 'proxy', 'proxy']

/**
 * Faults within `spanMs`. Without synchronous flush no sync fails, and half of the seeds spare their brokers' power, so
 * that nothing at all may be lost; in the other half what was answered just before a power loss may be.
 */
export function planFaults(random: Prng, shape: ClusterShape, spanMs: number): FaultPlan {
  const isSync = shape.flushDiskType === 'SYNC_FLUSH'
  const possible = FAULT_KINDS.filter((kind) => isSync || (kind !== 'sync-error' && kind !== 'write-error'))
  const kinds = subset(random, possible, KINDS_MIN)
  const brokersLosePower = isSync || random.chance(0.5)
  const count = FAULTS_MIN + random.integer(FAULTS_MAX - FAULTS_MIN + 1)
  // The first ones make sure that several kinds take place.
  const faults = Array.from({ length: count }, (_, index) =>
    planFault(random, index < KINDS_MIN ? (kinds[index] as FaultKind) : random.pick(kinds), shape, spanMs),
  ).map((fault) => (brokersLosePower || fault.service !== 'broker' ? fault : withoutPowerLoss(fault)))
  while (faults.filter(({ kind }) => CRASH_KINDS.includes(kind)).length < CRASHES_MIN) {
    faults.push(planFault(random, 'kill', shape, spanMs))
  }
  faults.sort((a, b) => a.atMs - b.atMs)
  return {
    faults,
    chances: planChances(random),
    syncMsMax: kinds.includes('stalled-sync') ? STALLED_SYNC_MS_MAX : SLOW_SYNC_MS_MAX,
  }
}

function subset<Item>(random: Prng, items: readonly Item[], min: number): Item[] {
  const rest = [...items]
  const chosen: Item[] = []
  const count = min + random.integer(items.length - min + 1)
  while (chosen.length < count) chosen.push(...rest.splice(random.integer(rest.length), 1))
  return chosen
}

function planFault(random: Prng, kind: FaultKind, shape: ClusterShape, spanMs: number): PlannedFault {
  const counts = { nameserver: shape.nameServers, broker: shape.brokers, proxy: shape.proxies }
  const onDisk = kind === 'kill-in-recovery' || kind.includes('sync') || kind.includes('error') || kind === 'disk-full'
  const service = onDisk ? 'broker' : random.pick(SERVICES)
  const others = (['nameserver', 'broker', 'proxy'] as const).filter((other) => other !== service)
  const other = random.pick(others)
  return {
    kind,
    atMs: random.within([0, spanMs]),
    forMs: durationOf(random, kind),
    service,
    index: random.integer(counts[service]),
    other: { service: other, index: random.integer(counts[other]) },
    jumpMs: Math.round(random.within([-HOUR_MS, HOUR_MS])),
  }
}

function withoutPowerLoss(fault: PlannedFault): PlannedFault {
  return fault.kind === 'power-loss' ? { ...fault, kind: 'kill' } : fault
}

function durationOf(random: Prng, kind: FaultKind): number {
  switch (kind) {
    case 'partition':
    case 'one-way-partition':
      return random.within([500, 12_000])
    case 'stalled-sync':
      return random.within([200, STALLED_SYNC_MS_MAX])
    case 'kill-in-recovery':
      return random.within([0.05, 10])
    case 'sync-error':
    case 'write-error':
    case 'disk-full':
    case 'stalled-clients':
      return random.within([500, 6000])
    case 'kill':
    case 'power-loss':
    case 'dropped-connections':
    case 'clock-jump':
      return random.within([50, 4000])
  }
}

function planChances(random: Prng): Partial<FaultChances> {
  const sometimes = (chance: number): number => (random.chance(0.5) ? chance : 0)
  return {
    splitChunk: sometimes(0.2),
    stallConnection: sometimes(0.002),
    resetConnection: sometimes(0.0005),
    refuseConnection: sometimes(0.1),
    slowSync: sometimes(0.01),
    lateTimer: sometimes(0.02),
  }
}
