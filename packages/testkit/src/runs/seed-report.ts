// What is kept of one seed's run: plain numbers and texts, so that another process can have made it.
import type { Judgement } from '../workload/checker/checker.ts'
import type { Violation } from '../workload/checker/check-input.ts'
import type { RunRecord } from '../workload/run-seed.ts'
import type { ServiceKind } from '../cluster/sim-cluster.ts'

/** Everything that is counted, in the order of the table. */
export const TALLIES = [
  'messages',
  'sendsAcknowledged',
  'sendsUnknown',
  'deliveries',
  'redeliveries',
  'acks',
  'changesOfInvisibleTime',
  'deadLetters',
  'expiredHandles',
  'segmentsRolled',
  'statesCompleted',
  'acksJudged',
  'invisibleTimesJudged',
  'attemptsJudged',
  'nameserverCrashes',
  'brokerCrashes',
  'proxyCrashes',
  'powerLosses',
  'lostSectors',
  'tornSectors',
  'lostFolderChanges',
  'failedSyncs',
  'failedWrites',
  'fullDisks',
  'slowSyncs',
  'partitions',
  'droppedFrames',
  'resets',
  'refusals',
  'splits',
  'stalls',
  'lateTimers',
  'clockJumps',
] as const
export type Tally = (typeof TALLIES)[number]
export type Tallies = Record<Tally, number>

export interface SeedReport {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly tallies: Tallies
  /** Kinds of fault that took place. */
  readonly faultKinds: readonly string[]
  readonly traceHash: string
  readonly events: number
  readonly virtualMs: number
}

export function noTallies(): Tallies {
  return Object.fromEntries(TALLIES.map((name) => [name, 0])) as Tallies
}

export function reportOf(run: RunRecord, { violations, counts }: Judgement): SeedReport {
  const tallies = { ...noTallies(), ...clientTallies(run), ...faultTallies(run) }
  tallies.segmentsRolled = run.cluster.eventCounts.get('segment.rolled') ?? 0
  tallies.statesCompleted = run.cluster.eventCounts.get('states.complete') ?? 0
  tallies.deadLetters = counts.deadLetters
  tallies.expiredHandles = counts.expiredHandles
  tallies.acksJudged = counts.settledForSure
  tallies.invisibleTimesJudged = counts.invisiblePairs
  tallies.attemptsJudged = counts.attemptPairs
  const { traceHash, events, virtualMs, plan } = run
  return { seed: plan.seed, violations, tallies, faultKinds: faultKindsOf(run, tallies), traceHash, events, virtualMs }
}

function clientTallies({ history }: RunRecord): Partial<Tallies> {
  const { messages, sends, deliveries, settlements } = history
  const ok = settlements.filter(({ outcome }) => outcome === 'ok')
  return {
    messages: messages.length,
    sendsAcknowledged: sends.filter(({ outcome }) => outcome === 'ok').length,
    sendsUnknown: sends.filter(({ outcome }) => outcome === 'unknown').length,
    deliveries: deliveries.length,
    redeliveries: deliveries.filter(({ attempt }) => attempt > 1).length,
    acks: ok.filter(({ kind }) => kind === 'ack').length,
    changesOfInvisibleTime: ok.filter(({ kind }) => kind === 'change').length,
  }
}

function faultTallies({ counters }: RunRecord): Partial<Tallies> {
  const crashes = (kind: ServiceKind): number =>
    [...counters.crashes].reduce((sum, [name, count]) => sum + (name.startsWith(`${kind}-`) ? count : 0), 0)
  const { powerLosses, lostSectors, tornSectors, lostFolderChanges, slowSyncs, partitions, droppedFrames } = counters
  const { resets, refusals, splits, stalls, lateTimers, clockJumps } = counters
  return {
    nameserverCrashes: crashes('nameserver'),
    brokerCrashes: crashes('broker'),
    proxyCrashes: crashes('proxy'),
    failedSyncs: counters.syncErrors,
    failedWrites: counters.writeErrors,
    fullDisks: counters.diskFull,
    powerLosses,
    lostSectors,
    tornSectors,
    lostFolderChanges,
    slowSyncs,
    partitions,
    droppedFrames,
    resets,
    refusals,
    splits,
    stalls,
    lateTimers,
    clockJumps,
  }
}

/** Planned ones, and those by chance that hit. */
function faultKindsOf({ faults }: RunRecord, tallies: Tallies): string[] {
  const byChance = (['refusals', 'splits', 'stalls', 'lateTimers', 'slowSyncs'] as const).filter(
    (name) => tallies[name] > 0,
  )
  return [...new Set<string>([...faults.map(({ kind }) => kind), ...byChance])].sort()
}

export function addTallies(reports: readonly SeedReport[]): Tallies {
  const sum = noTallies()
  for (const { tallies } of reports) for (const name of TALLIES) sum[name] += tallies[name]
  return sum
}
