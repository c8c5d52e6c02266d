import { expect, test } from '@jest/globals'
import { runSeed } from '../../src/workload/run-seed.ts'
import { planOf } from '../../src/workload/seed-plan.ts'

test('cluster: no faults → every message is sent at once, delivered to each group and settled', async () => {
  const run = await runSeed(planOf(3, { messages: 50, spanMs: 5000, calm: true }))
  expect(run.broken).toBeUndefined()
  expect(run.cluster.defects).toEqual([])
  expect(run.history.sends.map(({ outcome }) => outcome)).toEqual(Array(50).fill('ok'))
  const rows = run.ledgers.flatMap(({ rows }) => rows)
  expect(rows.length).toBeGreaterThan(0)
  for (const row of rows) expect(row).toMatchObject({ lag: 0, balanced: true })
})
