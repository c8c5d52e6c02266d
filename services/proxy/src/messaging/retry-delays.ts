// When a message that was not acknowledged comes again. Java: CustomizedRetryPolicy, ExponentialRetryPolicy.
import { EXPONENTIAL_RETRY_DEFAULT, type GroupRetryPolicy, RETRY_DELAYS_MS } from '@rocketmq-ts/model'
import type { GroupSettings } from '../upstream/upstream.ts'

/** What a group has whose settings no broker knows. */
export const DEFAULT_GROUP: GroupSettings = { fifo: false, retryMax: 16, retryPolicy: { type: 'CUSTOMIZED' } }

/** The policy with every number filled in. */
export type RetryDelays =
  | { readonly kind: 'listed'; readonly delaysMs: readonly number[] }
  | { readonly kind: 'exponential'; readonly initialMs: number; readonly maxMs: number; readonly multiplier: number }

export function retryDelaysOf(policy: GroupRetryPolicy): RetryDelays {
  if (policy.type === 'CUSTOMIZED') {
    const delaysMs = policy.customizedRetryPolicy?.next ?? []
    return { kind: 'listed', delaysMs: delaysMs.length > 0 ? delaysMs : RETRY_DELAYS_MS }
  }
  const { initial, max, multiplier } = policy.exponentialRetryPolicy ?? EXPONENTIAL_RETRY_DEFAULT
  return { kind: 'exponential', initialMs: initial, maxMs: max, multiplier }
}

/** Milliseconds until the delivery after `attempt` (1 is the first). The last listed delay repeats. */
export function retryDelayMs(policy: GroupRetryPolicy, attempt: number): number {
  const delays = retryDelaysOf(policy)
  const step = Math.max(attempt, 1) - 1
  if (delays.kind === 'listed') return delays.delaysMs[Math.min(step, delays.delaysMs.length - 1)] ?? 0
  return Math.min(delays.maxMs, delays.initialMs * delays.multiplier ** step)
}
