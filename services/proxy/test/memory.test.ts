import { expect, test } from '@jest/globals'
import { defaultConfig } from '@rocketmq-ts/config'
import { planProxyMemory, proxyConfig, proxyMemory } from '../src/index.ts'

const MIB = 1024 * 1024
const LIMIT = { bytes: 2048 * MIB, from: 'container', heapBytes: 1024 * MIB } as const
const config = defaultConfig(proxyConfig)

test.each([
  ['the limit of a container of 2 GiB', { ...config }, 1024, [128, 256, 128, 256]],
  ['a budget of 64 MiB', { ...config, memoryBudget: 64 * MIB }, 64, [8, 16, 8, 16]],
  [
    'requests of 32 MiB',
    { ...config, memoryBudget: 64 * MIB, grpcMaxInboundMessageSize: 32 * MIB },
    64,
    [32, 32, 32, 16],
  ],
])('memory: %s → its shares; a largest request always fits', (_case, settings, budget, shares) => {
  const plan = planProxyMemory(settings, LIMIT)
  expect(plan.budgetBytes).toBe(budget * MIB)
  expect(plan.shares.map(({ bytes }) => Math.round(bytes / MIB))).toEqual(shares)
})

test('memory: held messages that are set → taken as they are', () => {
  expect(proxyMemory({ ...config, heldMessagesMax: 7 }).heldMessagesMax).toBe(7)
  expect(proxyMemory({ ...config, memoryBudget: 64 * MIB }).heldMessagesMax).toBe(13_107)
})
