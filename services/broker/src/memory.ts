// What clients can make a broker hold, as shares of its memory budget.
import {
  budgetBytesOf,
  MEMORY_BUDGET_BYTES_DEFAULT,
  type MemoryLimit,
  type MemoryPlan,
  shareOf,
} from '@rocketmq-ts/config'
import type { RemotingLimits } from '@rocketmq-ts/remoting'
import type { BrokerSettings } from './config.ts'

const MIB = 1024 * 1024
/** A largest frame always fits. */
const FRAME_BYTES_MAX = 16 * MIB
const UNIT_CACHE_BYTES_MIN = 4 * MIB
/** Pieces of 1 MiB: fewer than these and readers take them away from each other. */
const COLD_READ_BYTES_MIN = 4 * MIB

export interface BrokerMemory {
  /** Of the remoting port: requests that came in part, those in work, and answers that clients have not taken yet. */
  readonly listener: Pick<RemotingLimits, 'unfinishedBytesMax' | 'requestBytesMax' | 'unsentBytesMax'>
  /** Entries of consume queues that are kept in memory. */
  readonly unitCacheBytes: number
  /** Pieces of the log that are read ahead of consumers of old messages. */
  readonly coldReadBytes: number
}

/** The bounds that follow from a budget in bytes; 0 stands for MEMORY_BUDGET_BYTES_DEFAULT. */
export function brokerMemory(budget: number): BrokerMemory {
  const budgetBytes = budget === 0 ? MEMORY_BUDGET_BYTES_DEFAULT : budget
  return {
    listener: {
      unfinishedBytesMax: shareOf(budgetBytes, 2, 16, FRAME_BYTES_MAX),
      requestBytesMax: shareOf(budgetBytes, 4, 16, FRAME_BYTES_MAX),
      unsentBytesMax: shareOf(budgetBytes, 4, 16, FRAME_BYTES_MAX),
    },
    unitCacheBytes: shareOf(budgetBytes, 1, 16, UNIT_CACHE_BYTES_MIN),
    coldReadBytes: shareOf(budgetBytes, 1, 16, COLD_READ_BYTES_MIN),
  }
}

/** The same for people. */
export function planBrokerMemory(
  { memoryBudget }: Pick<BrokerSettings, 'memoryBudget'>,
  limit: MemoryLimit,
): MemoryPlan {
  const budgetBytes = budgetBytesOf(memoryBudget, limit)
  const { listener, unitCacheBytes, coldReadBytes } = brokerMemory(budgetBytes)
  const { unfinishedBytesMax, requestBytesMax, unsentBytesMax } = listener
  return {
    limit,
    budgetBytes,
    shares: [
      { name: 'unfinished requests', bytes: unfinishedBytesMax, what: 'then connections are read later' },
      { name: 'requests in work', bytes: requestBytesMax, what: 'then SYSTEM_BUSY' },
      { name: 'answers not taken', bytes: unsentBytesMax, what: 'then the slowest reader is closed' },
      { name: 'queue index cache', bytes: unitCacheBytes, what: 'then the least used is read again from its file' },
      { name: 'old messages read ahead', bytes: coldReadBytes, what: 'then each is read from its file alone' },
    ],
  }
}
