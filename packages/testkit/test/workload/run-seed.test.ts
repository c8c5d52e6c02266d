import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { runAndJudge } from '../../src/runs/judged-run.ts'
import { judge } from '../../src/workload/checker/checker.ts'
import { checkInputOf, runSeed } from '../../src/workload/run-seed.ts'
import { planOf } from '../../src/workload/seed-plan.ts'

/** Of the hundreds that `npm run sim` runs. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

test('cluster: no faults → every message is sent at once, delivered to each group and settled', async () => {
  const run = await runSeed(planOf(3, { messages: 50, spanMs: 5000, calm: true }))
  expect(judge(checkInputOf(run)).violations).toEqual([])
  expect(run.history.sends.map(({ outcome }) => outcome)).toEqual(Array(50).fill('ok'))
})

test.each(SEEDS)('cluster: under the faults of seed %i → every promise holds', async (seed) => {
  const { report } = await runAndJudge(seed)
  expect(report.violations).toEqual([])
})

test('cluster: the same seed twice → the same events, and the same seen by every client', async () => {
  const [first, second] = [await runSeed(planOf(5)), await runSeed(planOf(5))]
  const digest = ({ history }: typeof first): string => createHash('sha1').update(JSON.stringify(history)).digest('hex')
  expect(second.traceHash).toBe(first.traceHash)
  expect([second.events, digest(second)]).toEqual([first.events, digest(first)])
})
