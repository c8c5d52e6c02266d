import { expect, test } from '@jest/globals'
import { cpuUsOf, rssBytesOf } from '../../src/servers/usage.ts'

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
