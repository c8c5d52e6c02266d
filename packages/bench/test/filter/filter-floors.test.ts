import { expect, test } from '@jest/globals'
import type { FilterFigures, FilterKind } from '../../src/filter/filter-bench.ts'
import { filterMarkdown, FILTERED_PER_CPU_SECOND_MIN, judgeFilters } from '../../src/filter/filter-floors.ts'
import { OTHERS_SHARE_MAX } from '../../src/floor.ts'

const KINDS = ['tag', 'sql'] as const

/** Both at their limit, but for what is given. */
function figuresOf(changes: Partial<Record<FilterKind, number | undefined>>, othersShare = OTHERS_SHARE_MAX) {
  const speeds = KINDS.map((kind) => {
    const perCpuSecond = kind in changes ? changes[kind] : FILTERED_PER_CPU_SECOND_MIN[kind]
    return { kind, expression: 'x', messages: 1000, cpuUsPerMessage: [1, undefined], perCpuSecond }
  })
  return { othersShare, speeds } satisfies FilterFigures
}

const outcomes = (...given: Parameters<typeof judgeFilters>) => judgeFilters(...given).map(({ outcome }) => outcome)

test('floors of filters: exactly at their limits → passed; one below → failed; a quick run → skipped', () => {
  expect(outcomes(figuresOf({}), 'full')).toEqual(['passed', 'passed'])
  expect(outcomes(figuresOf({ tag: 299_999 }), 'full')).toEqual(['failed', 'passed'])
  expect(outcomes(figuresOf({ sql: 149_999 }), 'full')).toEqual(['passed', 'failed'])
  expect(outcomes(figuresOf({ sql: 1 }), 'quick')).toEqual(['skipped', 'skipped'])
})

test('floors of filters: too slow while others used the machine, or not told → skipped, and why', () => {
  const [tag, sql] = judgeFilters(figuresOf({ tag: undefined, sql: 1 }, 0.3), 'full')
  expect(tag).toMatchObject({ outcome: 'skipped', detail: 'this platform does not tell it' })
  expect(sql?.outcome).toBe('skipped')
  expect(sql?.detail).toContain('others used 30 % of the cores')
})

test('report of filters: every run and the speed, also where the platform does not tell them', () => {
  const text = filterMarkdown(figuresOf({ sql: undefined })).join('\n')
  expect(text).toContain('1.00 –')
  expect(text).toMatch(/tag .*300[,\s]?000/)
})
