import { expect, test } from '@jest/globals'
import { budgetBytesOf, memoryBudget, planEvent, shareOf } from '../src/index.ts'

const MIB = 1024 * 1024

test.each([
  ['a container of 512 MiB', 0, 512, 256],
  ['a container of 100 MiB', 0, 100, 64],
  ['a machine of 64 GiB', 0, 65_536, 1024],
  ['a budget that is set', 3000 * MIB, 512, 3000],
])('budget: %s', (_case, setting, limit, expected) => {
  expect(budgetBytesOf(setting, { bytes: limit * MIB, from: 'container', heapBytes: 0 })).toBe(expected * MIB)
})

test('budget: auto and bytes are read and written; less than 64 MiB is refused', () => {
  const setting = memoryBudget()
  expect(setting.read('auto')).toEqual({ ok: true, value: 0 })
  expect(setting.write(0)).toBe('auto')
  expect(setting.read('512MiB')).toEqual({ ok: true, value: 512 * MIB })
  expect(setting.read('63MiB')).toMatchObject({ ok: false, reason: '"63MiB" is less than 64MiB' })
})

test('share: whole bytes, never less than the least', () => {
  expect(shareOf(1000, 1, 3)).toBe(333)
  expect(shareOf(1000, 1, 3, 500)).toBe(500)
})

test('event: the bounds by the names of the shares', () => {
  const limit = { bytes: 2, from: 'machine', heapBytes: 1 } as const
  expect(planEvent({ limit, budgetBytes: 1, shares: [{ name: 'a', bytes: 1, what: '' }] })).toEqual({
    event: 'memory.planned',
    limitBytes: 2,
    limitFrom: 'machine',
    heapBytes: 1,
    budgetBytes: 1,
    shares: { a: 1 },
  })
})
