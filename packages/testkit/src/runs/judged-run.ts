// One seed, run and judged.
import { judge } from '../workload/checker/checker.ts'
import { checkInputOf, type RunRecord, runSeed } from '../workload/run-seed.ts'
import { planOf } from '../workload/seed-plan.ts'
import { weaknessesOf } from './minimums.ts'
import { reportOf, type SeedReport } from './seed-report.ts'

export interface JudgedRun {
  readonly run: RunRecord
  readonly report: SeedReport
}

/** A seed whose faults did not hit often enough fails, too. */
export async function runAndJudge(seed: number): Promise<JudgedRun> {
  const run = await runSeed(planOf(seed))
  const report = reportOf(run, judge(checkInputOf(run)))
  const weak = weaknessesOf(report).map((detail) => ({
    rule: 'progress' as const,
    detail: `the run was weak: ${detail}`,
  }))
  return { run, report: { ...report, violations: [...report.violations, ...weak] } }
}
