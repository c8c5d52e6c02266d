// What a run must have met to count: faults that never hit and rules that never applied prove nothing.
import type { SeedReport, Tallies, Tally } from './seed-report.ts'

/** Each seed. */
export const CRASHES_PER_SEED_MIN = 2
export const FAULT_KINDS_PER_SEED_MIN = 3
export const MESSAGES_PER_SEED_MIN = 500

/** Seeds that the totals below are meant for; others are judged by their share. */
export const SEEDS_OF_TOTALS = 200
/** Fewer seeds than these are too few to judge totals by. */
export const SEEDS_FOR_TOTALS_MIN = 20

/** Totals over `SEEDS_OF_TOTALS` seeds, far below what is usual, far above nothing. */
export const TOTALS_MIN: Readonly<Partial<Tallies>> = {
  sendsAcknowledged: 60_000,
  sendsUnknown: 10_000,
  redeliveries: 10_000,
  acks: 100_000,
  changesOfInvisibleTime: 3000,
  deadLetters: 1000,
  expiredHandles: 2500,
  segmentsRolled: 200,
  statesCompleted: 150,
  acksJudged: 80_000,
  invisibleTimesJudged: 8000,
  attemptsJudged: 8000,
  nameserverCrashes: 25,
  brokerCrashes: 400,
  proxyCrashes: 50,
  powerLosses: 80,
  lostSectors: 100,
  tornSectors: 15,
  failedSyncs: 50,
  failedWrites: 50,
  fullDisks: 60,
  slowSyncs: 250,
  partitions: 150,
  droppedFrames: 1000,
  resets: 1500,
  refusals: 80,
  splits: 30_000,
  stalls: 200,
  lateTimers: 15_000,
  clockJumps: 100,
}

/** Why the run of one seed was too weak; empty when it was not. */
export function weaknessesOf({ tallies, faultKinds }: SeedReport): string[] {
  const crashes = tallies.nameserverCrashes + tallies.brokerCrashes + tallies.proxyCrashes
  const measured = [
    ['crashes', crashes, CRASHES_PER_SEED_MIN],
    ['kinds of fault', faultKinds.length, FAULT_KINDS_PER_SEED_MIN],
    ['messages', tallies.messages, MESSAGES_PER_SEED_MIN],
  ] as const
  return measured
    .filter(([, count, min]) => count < min)
    .map(([name, count, min]) => `${count} ${name}, at least ${min}`)
}

export interface MissedMinimum {
  readonly name: Tally
  readonly total: number
  readonly min: number
}

/** Minimum of one tally over so many seeds; 0 where none is set or the seeds are too few. */
export function minimumOf(name: Tally, seeds: number): number {
  if (seeds < SEEDS_FOR_TOTALS_MIN) return 0
  return Math.floor(((TOTALS_MIN[name] ?? 0) * seeds) / SEEDS_OF_TOTALS)
}

export function missedMinimums(totals: Tallies, seeds: number): MissedMinimum[] {
  return (Object.keys(totals) as Tally[])
    .map((name) => ({ name, total: totals[name], min: minimumOf(name, seeds) }))
    .filter(({ total, min }) => total < min)
}
