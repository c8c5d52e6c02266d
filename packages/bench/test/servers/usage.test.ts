import { expect, test } from '@jest/globals'
import { cpuCostOf, cpuUsOf, rssBytesOf } from '../../src/servers/usage.ts'

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('usage: this process → as much as Node itself tells', () => {
  const { user, system } = process.cpuUsage()
  const seen = cpuUsOf(process.pid) ?? 0
  // /proc counts in steps of 10 ms, rounded down for user and system time.
  expect(seen).toBeGreaterThan(user + system - 25_000)
  expect(rssBytesOf(process.pid)).toBeGreaterThan(10 * 1024 * 1024)
})

test('usage: no such process → undefined, not 0', () => {
  expect(cpuUsOf(0)).toBeUndefined()
  expect(rssBytesOf(0)).toBeUndefined()
})

test('cpu cost: each run but the first, per unit of work; a process that is none → nothing is told', async () => {
  const runs: number[] = []
  const work = async (run: number) => void runs.push(run)
  const cost = await cpuCostOf(process.pid, { repeats: 2, units: 10 }, work)
  expect([runs, cost.each.length]).toEqual([[0, 1, 2], 2])
  expect(cost.each.includes(cost.median) || cost.median === undefined).toBe(true)
  const none = { each: [undefined], median: undefined }
  expect(await cpuCostOf(2 ** 30, { repeats: 1, units: 1 }, work)).toEqual(none)
})
