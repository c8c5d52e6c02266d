// One memory budget for three services: each has its share of it unless it is given a budget of its own.
import { planBrokerMemory } from '@rocketmq-ts/broker'
import { budgetBytesOf, MEMORY_BUDGET_BYTES_MIN, type MemoryLimit, type MemoryPlan, shareOf } from '@rocketmq-ts/config'
import { planNameServerMemory } from '@rocketmq-ts/nameserver'
import { planProxyMemory } from '@rocketmq-ts/proxy'
import type { PARTS, StandaloneConfig } from './settings.ts'

type PartName = (typeof PARTS)[number]
/** Eighths of the budget. */
const EIGHTHS: Readonly<Record<PartName, number>> = { nameserver: 1, broker: 4, proxy: 3 }

/** The budget of a part in bytes. */
export function partBudgetBytes(config: StandaloneConfig, part: PartName, limit: MemoryLimit): number {
  const own = config[part].memoryBudget
  return own === 0 ? shareOf(budgetBytesOf(config.memoryBudget, limit), EIGHTHS[part], 8, MEMORY_BUDGET_BYTES_MIN) : own
}

/** The bounds of all parts. */
export function planMemory(config: StandaloneConfig, limit: MemoryLimit): MemoryPlan {
  const budgetOf = (part: PartName) => ({ memoryBudget: partBudgetBytes(config, part, limit) })
  const plans: readonly (readonly [PartName, MemoryPlan])[] = [
    ['nameserver', planNameServerMemory(budgetOf('nameserver'), limit)],
    ['broker', planBrokerMemory(budgetOf('broker'), limit)],
    ['proxy', planProxyMemory({ ...config.proxy, ...budgetOf('proxy') }, limit)],
  ]
  return {
    limit,
    budgetBytes: plans.reduce((sum, [, plan]) => sum + plan.budgetBytes, 0),
    shares: plans.flatMap(([part, { shares }]) =>
      shares.map((share) => ({ ...share, name: `${part}: ${share.name}` })),
    ),
  }
}
