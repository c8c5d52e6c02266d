// When a message that was not acknowledged comes again. Java: CustomizedRetryPolicy, ExponentialRetryPolicy.
import {
  EXPONENTIAL_RETRY_DEFAULT,
  type GroupRetryPolicy,
  RETRY_DELAY_MS_MAX,
  RETRY_DELAYS_COUNT_MAX,
  RETRY_DELAYS_MS,
  RETRY_MULTIPLIER_MAX,
} from '@rocketmq-ts/model'
import type { GroupSettings } from '../upstream/upstream.ts'

/** What a group has whose settings no broker knows. */
export const DEFAULT_GROUP: GroupSettings = { fifo: false, retryMax: 16, retryPolicy: { type: 'CUSTOMIZED' } }

/** Attempts where a group has no bound: the most that a client can be told. */
const ATTEMPTS_UNBOUNDED = 2 ** 31 - 1

/** Deliveries of a message in all. */
export function attemptsMaxOf({ retryMax }: GroupSettings): number {
  return retryMax < 0 ? ATTEMPTS_UNBOUNDED : Math.min(retryMax + 1, ATTEMPTS_UNBOUNDED)
}

/** A policy may come from Apache's broker, which takes any number. */
function within(min: number, value: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}

/** The policy with every number filled in, within what clients and brokers can work with. */
export type RetryDelays =
  | { readonly kind: 'listed'; readonly delaysMs: readonly number[] }
  | { readonly kind: 'exponential'; readonly initialMs: number; readonly maxMs: number; readonly multiplier: number }

/** Apache's defaults stand for what a policy does not say. */
export function retryDelaysOf(policy: GroupRetryPolicy): RetryDelays {
  if (policy.type === 'CUSTOMIZED') {
    const listed = policy.customizedRetryPolicy?.next ?? []
    const delaysMs = listed.slice(0, RETRY_DELAYS_COUNT_MAX).map((delayMs) => within(0, delayMs, RETRY_DELAY_MS_MAX))
    return { kind: 'listed', delaysMs: delaysMs.length > 0 ? delaysMs : RETRY_DELAYS_MS }
  }
  const { initial, max, multiplier } = policy.exponentialRetryPolicy ?? EXPONENTIAL_RETRY_DEFAULT
  const maxMs = within(1, max, RETRY_DELAY_MS_MAX)
  const initialMs = within(1, initial, maxMs)
  return { kind: 'exponential', initialMs, maxMs, multiplier: within(1, multiplier, RETRY_MULTIPLIER_MAX) }
}

/** Milliseconds until the delivery after `attempt` (1 is the first). The last listed delay repeats. */
export function retryDelayMs(policy: GroupRetryPolicy, attempt: number): number {
  const delays = retryDelaysOf(policy)
  const step = Math.max(attempt, 1) - 1
  if (delays.kind === 'listed') return delays.delaysMs[Math.min(step, delays.delaysMs.length - 1)] ?? 0
  return Math.min(delays.maxMs, delays.initialMs * delays.multiplier ** step)
}
