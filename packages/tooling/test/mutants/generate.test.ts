import { expect, test } from '@jest/globals'
import { faultsOf, generateFaults } from '../../src/mutants/generate.ts'
import { mutate } from '../../src/mutants/mutant.ts'

const FILE = 'packages/a/src/a.ts'
const SOURCE = `// 1 + 1 < 3 is a comment
const text = 'a < b && true'
export function clamp(value: number, low = 0): number {
  if (value >= 1_000 && low === value) return Math.min(value, 7)
  return value + low
}
export function twice(value: number): number {
  return value + low
}
`

function changed(source: string): string[] {
  return faultsOf(FILE, source).map(({ name }) => name.slice(name.indexOf(' ') + 1).split(' → ')[1] ?? '')
}

test('generated faults: operators and constants of code → changed one at a time, comments and texts left alone', () => {
  expect(changed(SOURCE)).toEqual([
    'if (value > 1_000 && low === value) return Math.min(value, 7)',
    'if (value >= 1_000 || low === value) return Math.min(value, 7)',
    'if (value >= 1_000 && low !== value) return Math.min(value, 7)',
    'return value - low',
    'return value - low',
    'if (value >= 1_000 && low === value) return Math.max(value, 7)',
    'export function clamp(value: number, low = 1): number {',
    'if (value >= 1001 && low === value) return Math.min(value, 7)',
    'if (value >= 1_000 && low === value) return Math.min(value, 8)',
  ])
})

test('generated faults: a line that stands there twice → each of the two is changed alone', () => {
  const sources = faultsOf(FILE, SOURCE).map((fault) => mutate(SOURCE, fault))
  expect(sources.filter(({ kind }) => kind === 'rotten')).toEqual([])
  expect(new Set(sources.map((mutation) => (mutation.kind === 'mutated' ? mutation.source : ''))).size).toBe(9)
})

test('generated faults: the same seed → the same choice, also after a change elsewhere; another seed → another', () => {
  const choose = (source: string, seed: number) =>
    generateFaults(new Map([[FILE, source]]), { seed, count: 4 }).map(({ replacement }) => replacement)
  expect(choose(SOURCE, 1)).toHaveLength(4)
  expect(choose(SOURCE, 1)).toEqual(choose(SOURCE, 1))
  expect(choose(`const first = 'line'\n${SOURCE}`, 1)).toEqual(choose(SOURCE, 1))
  expect(choose(SOURCE, 2)).not.toEqual(choose(SOURCE, 1))
})
