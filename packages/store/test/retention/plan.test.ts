// What the plan promises of any log, any disk and any holds.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type LogFile, planRetention } from '../../src/retention/plan.ts'
import { localHour, nextDeleteTime, type RetentionRules } from '../../src/retention/rules.ts'
import { HOUR_MS, RULES, timeInHour } from './retention-fixture.ts'

const FILE_BYTES = 100
const NOW_MS = 1_800_000_000_000
/** The test's own hours: the time zone of the machine plays no part. */
const hourOf = (timeMs: number): number => Math.floor(timeMs / HOUR_MS) % 24

const files = fc
  .array(fc.option(fc.integer({ min: 0, max: 200 }), { freq: 10 }), { maxLength: 30 })
  .map((ages): LogFile[] =>
    ages
      .map((ageHours) => (ageHours === null ? undefined : NOW_MS - ageHours * HOUR_MS))
      .sort((a, b) => (a ?? 0) - (b ?? 0))
      .map((lastStoredMs, index) => ({ base: index * FILE_BYTES, end: (index + 1) * FILE_BYTES, lastStoredMs })),
  )
const rules = fc.record({
  reservedMs: fc.integer({ min: 0, max: 200 }).map((hours) => hours * HOUR_MS),
  deleteHours: fc.array(fc.integer({ min: 0, max: 23 }), { maxLength: 24 }),
  cleanForcibly: fc.boolean(),
  filesPerPassMax: fc.integer({ min: 1, max: 12 }),
})
const input = fc.record({
  files,
  disk: fc.option(
    fc.integer({ min: 0, max: 1000 }).map((usedBytes) => ({ usedBytes, totalBytes: 1000 })),
    {
      nil: undefined,
    },
  ),
  rules: rules.map((drawn): RetentionRules => ({ ...RULES, ...drawn })),
  holds: fc.array(fc.record({ owner: fc.string(), position: fc.integer({ min: 0, max: 4000 }) }), { maxLength: 3 }),
  nowMs: fc.constant(NOW_MS),
  hourOf: fc.constant(hourOf),
})

test('plan: whatever the input → the oldest files, no more than allowed, nothing that is held, each with a right to go', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planRetention(given)
      const used = given.disk === undefined ? 0 : given.disk.usedBytes / given.disk.totalBytes
      const { rules: own, nowMs } = given
      const isTime = own.deleteHours.includes(hourOf(nowMs))
      expect(plan.removals.map(({ file }) => file)).toEqual(given.files.slice(0, plan.removals.length))
      expect(plan.removals.length).toBeLessThanOrEqual(own.filesPerPassMax)
      expect(plan.refuseSends).toBe(used > 0.9)
      for (const { file, reason } of plan.removals) {
        for (const { position } of given.holds) expect(file.end).toBeLessThanOrEqual(position)
        const isOld = file.lastStoredMs !== undefined && nowMs - file.lastStoredMs >= own.reservedMs
        if (reason === 'age') expect([isOld, isTime]).toEqual([true, true])
        if (reason === 'disk-age') expect([isOld, isTime, used > 0.75]).toEqual([true, false, true])
        if (reason === 'disk') expect([own.cleanForcibly, used > 0.85]).toEqual([true, true])
      }
      // Nothing more than the disk needs goes by its state alone.
      const forced = plan.removals.filter(({ reason }) => reason === 'disk').length
      expect(Math.max(0, forced - 1) * FILE_BYTES).toBeLessThan(Math.max(1, (used - 0.85) * 1000))
    }),
    { numRuns: 2000 },
  )
})

test('plan: it stops → at the bound, at a hold that it names, or at a file that has no right to go', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planRetention(given)
      const next = given.files[plan.removals.length]
      if (next === undefined || plan.removals.length === given.rules.filesPerPassMax) return
      const lowest = Math.min(Infinity, ...given.holds.map(({ position }) => position))
      if (plan.heldBy !== undefined) {
        expect([plan.heldBy.position, lowest < next.end]).toEqual([lowest, true])
        return
      }
      const used = given.disk === undefined ? 0 : given.disk.usedBytes / given.disk.totalBytes
      const isOld = next.lastStoredMs !== undefined && NOW_MS - next.lastStoredMs >= given.rules.reservedMs
      const isTime = given.rules.deleteHours.includes(hourOf(NOW_MS))
      expect(isOld && (isTime || used > 0.75)).toBe(false)
      const freed = plan.removals.length * FILE_BYTES
      if (given.rules.cleanForcibly) expect(used * 1000 - freed).toBeLessThanOrEqual(850)
      // And it knows when to look again.
      if (next.lastStoredMs !== undefined && given.rules.deleteHours.length > 0) {
        expect(plan.nextDueMs).toBeGreaterThanOrEqual(next.lastStoredMs + given.rules.reservedMs)
        expect(given.rules.deleteHours).toContain(hourOf(plan.nextDueMs!))
        expect(plan.nextDueMs! - Math.max(NOW_MS, next.lastStoredMs + given.rules.reservedMs)).toBeLessThan(
          24 * HOUR_MS,
        )
      }
    }),
    { numRuns: 2000 },
  )
})

test('hours: the next one of the list → at its start, or now inside of it, in the time zone of the machine', () => {
  const inside = timeInHour(NOW_MS, 4)
  expect(nextDeleteTime(inside, [4], localHour)).toBe(inside)
  const outside = timeInHour(inside, 4, false)
  const next = nextDeleteTime(outside, [4], localHour)
  expect([localHour(next), localHour(next - 1)]).toEqual([4, 3])
})
