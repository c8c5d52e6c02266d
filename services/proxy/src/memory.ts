// What clients can make a proxy hold, as shares of its memory budget.
import {
  budgetBytesOf,
  MEMORY_BUDGET_BYTES_DEFAULT,
  type MemoryLimit,
  type MemoryPlan,
  shareOf,
} from '@rocketmq-ts/config'
import type { GrpcLimits } from '@rocketmq-ts/grpc'
import type { ProxyConfig } from './config.ts'

/** What one held delivery takes: its handle, its names, its places in maps and in the wheel. Measured: 1.0 KiB. */
const HELD_DELIVERY_BYTES = 1280

export interface ProxyMemory {
  /** Requests that have arrived in part, of all connections. */
  readonly unfinishedBytesMax: number
  /** Requests that are being answered. */
  readonly requestBytesMax: number
  /** Receives that wait for messages. */
  readonly receiveBytesMax: number
  /** Deliveries that are renewed for push consumers. */
  readonly heldMessagesMax: number
}

type MemorySettings = Pick<ProxyConfig, 'memoryBudget' | 'heldMessagesMax' | 'grpcMaxInboundMessageSize'>

/** The bounds that follow from a budget; 0 stands for MEMORY_BUDGET_BYTES_DEFAULT. A largest request always fits. */
export function proxyMemory(config: MemorySettings): ProxyMemory {
  const { memoryBudget: budget, heldMessagesMax, grpcMaxInboundMessageSize: largest } = config
  const budgetBytes = budget === 0 ? MEMORY_BUDGET_BYTES_DEFAULT : budget
  return {
    unfinishedBytesMax: shareOf(budgetBytes, 2, 16, largest),
    requestBytesMax: shareOf(budgetBytes, 4, 16, largest),
    receiveBytesMax: shareOf(budgetBytes, 2, 16, largest),
    heldMessagesMax:
      heldMessagesMax === 0 ? Math.floor(shareOf(budgetBytes, 4, 16) / HELD_DELIVERY_BYTES) : heldMessagesMax,
  }
}

/** What the gRPC port is to keep to. */
export function grpcLimitsOf(config: MemorySettings): Partial<GrpcLimits> {
  const { unfinishedBytesMax } = proxyMemory(config)
  return { requestBytesMax: config.grpcMaxInboundMessageSize, unfinishedBytesMax }
}

/** The same for people. */
export function planProxyMemory(config: MemorySettings, limit: MemoryLimit): MemoryPlan {
  const budgetBytes = budgetBytesOf(config.memoryBudget, limit)
  const bounds = proxyMemory({ ...config, memoryBudget: budgetBytes })
  const { unfinishedBytesMax, requestBytesMax, receiveBytesMax, heldMessagesMax } = bounds
  return {
    limit,
    budgetBytes,
    shares: [
      { name: 'unfinished requests', bytes: unfinishedBytesMax, what: 'then calls are read later' },
      { name: 'requests in work', bytes: requestBytesMax, what: 'then TOO_MANY_REQUESTS' },
      { name: 'receives that wait', bytes: receiveBytesMax, what: 'then TOO_MANY_REQUESTS' },
      {
        name: 'held deliveries',
        bytes: heldMessagesMax * HELD_DELIVERY_BYTES,
        what: `${heldMessagesMax} messages, then push consumers get no more`,
      },
    ],
  }
}
