import { expect, test } from '@jest/globals'
import { planBrokerMemory } from '../src/memory.ts'

const MIB = 1024 * 1024

test.each([
  ['a container of 512 MiB', 512, 0, 256, [32, 64, 64, 16, 16]],
  ['a machine of 64 GiB', 65_536, 0, 1024, [128, 256, 256, 64, 64]],
  ['a container of 64 MiB', 64, 0, 64, [16, 16, 16, 4, 4]],
  ['a budget of 4 GiB', 65_536, 4096 * MIB, 4096, [512, 1024, 1024, 256, 256]],
])('memory: %s → its shares; a largest frame always fits', (_case, limit, memoryBudget, budget, shares) => {
  const plan = planBrokerMemory(
    { memoryBudget },
    { bytes: limit * MIB, from: 'container', heapBytes: (limit * MIB) / 2 },
  )
  expect(plan.budgetBytes / MIB).toBe(budget)
  expect(plan.shares.map(({ bytes }) => bytes / MIB)).toEqual(shares)
})
