// What clients can make a nameserver hold, as shares of its memory budget.
import {
  budgetBytesOf,
  MEMORY_BUDGET_BYTES_DEFAULT,
  type MemoryLimit,
  type MemoryPlan,
  shareOf,
} from '@rocketmq-ts/config'
import type { NameServerConfig } from './config.ts'

/** A largest frame always fits. */
const FRAME_BYTES_MAX = 16 * 1024 * 1024

export interface NameServerMemory {
  /** Requests that have arrived in part, of all connections. */
  readonly unfinishedBytesMax: number
  /** Bodies of requests that wait for an answer, of all connections. */
  readonly requestBytesMax: number
  /** Answers that clients have not taken yet, of all connections. */
  readonly unsentBytesMax: number
}

/** The bounds that follow from a budget in bytes; 0 stands for MEMORY_BUDGET_BYTES_DEFAULT. */
export function nameServerMemory(budget: number): NameServerMemory {
  const budgetBytes = budget === 0 ? MEMORY_BUDGET_BYTES_DEFAULT : budget
  return {
    unfinishedBytesMax: shareOf(budgetBytes, 1, 8, FRAME_BYTES_MAX),
    requestBytesMax: shareOf(budgetBytes, 1, 8, FRAME_BYTES_MAX),
    unsentBytesMax: shareOf(budgetBytes, 2, 8, FRAME_BYTES_MAX),
  }
}

/** The same for people. */
export function planNameServerMemory(
  { memoryBudget }: Pick<NameServerConfig, 'memoryBudget'>,
  limit: MemoryLimit,
): MemoryPlan {
  const budgetBytes = budgetBytesOf(memoryBudget, limit)
  const { unfinishedBytesMax, requestBytesMax, unsentBytesMax } = nameServerMemory(budgetBytes)
  return {
    limit,
    budgetBytes,
    shares: [
      { name: 'unfinished requests', bytes: unfinishedBytesMax, what: 'then connections are read later' },
      { name: 'requests in work', bytes: requestBytesMax, what: 'then SYSTEM_BUSY' },
      { name: 'answers not taken', bytes: unsentBytesMax, what: 'then the slowest reader is closed' },
    ],
  }
}
