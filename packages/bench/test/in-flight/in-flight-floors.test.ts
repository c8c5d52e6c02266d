import { expect, test } from '@jest/globals'
import { OTHERS_SHARE_MAX } from '../../src/floor.ts'
import type { InFlightFigures } from '../../src/in-flight/in-flight-bench.ts'
import { inFlightMarkdown, judgeInFlight } from '../../src/in-flight/in-flight-floors.ts'
import { GROWTH_RATIO_MAX } from '../../src/store/store-floors.ts'

type Costs = readonly (number | undefined)[]

function figuresOf(entries: Costs, groups: Costs, othersShare = OTHERS_SHARE_MAX): InFlightFigures {
  const costOf = (cpuUs: number | undefined) => ({ cpuUsPerMessage: [cpuUs], cpuUs, rssMiB: cpuUs })
  return {
    othersShare,
    messages: 1000,
    rssBeforeMiB: 90,
    entries: entries.map((cpuUs, index) => ({ ...costOf(cpuUs), entries: 1000 * 10 ** index })),
    groups: groups.map((cpuUs, index) => ({ ...costOf(cpuUs), groups: 10 ** index })),
  }
}

const outcomes = (...given: Parameters<typeof judgeInFlight>) => judgeInFlight(...given).map(({ outcome }) => outcome)
const DEAR = 10 * GROWTH_RATIO_MAX

test('floors in flight: the dearest costs as much more than the cheapest as it may → passed; beyond → failed, each curve for itself', () => {
  expect(outcomes(figuresOf([10, DEAR], [DEAR, 10]), 'full')).toEqual(['passed', 'passed'])
  expect(outcomes(figuresOf([10, 12, DEAR + 0.1], [10, 10]), 'full')).toEqual(['failed', 'passed'])
  expect(outcomes(figuresOf([10, 10], [10, DEAR + 0.1, 12]), 'full')).toEqual(['passed', 'failed'])
  expect(outcomes(figuresOf([10, 99], [10, 99]), 'quick')).toEqual(['skipped', 'skipped'])
})

test('floors in flight: too dear while others used the machine, or not told → skipped, and why', () => {
  const [entries, groups] = judgeInFlight(figuresOf([10, 99], [10, undefined], 0.3), 'full')
  expect(entries).toMatchObject({
    outcome: 'skipped',
    detail: expect.stringContaining('others used 30 % of the cores'),
  })
  expect(groups?.detail).toBe('this platform does not tell it')
})

test('report in flight: every run and the memory of both curves, also where the platform does not tell them', () => {
  const text = inFlightMarkdown(figuresOf([10.5, undefined], [7.25])).join('\n')
  expect(text).toMatch(/ 1\s000 \| +10\.50 \| +10\.50 \| +11 \|/)
  expect(text).toMatch(/ 10\s000 \| +– \| +– \| +– \|/)
  expect(text).toContain('7.25')
  expect(text).toContain('90 MiB')
})
