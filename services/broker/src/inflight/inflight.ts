// The in-flight core of the broker: one table per (topic, group, queue) for every mode that acknowledges single
// messages. Invariant: a message at or above the low mark and below the cursor is either in exactly one entry or settled.
import type { Inflight, InflightLimits } from './api.ts'

export * from './api.ts'

export interface InflightOptions {
  /** Default: `INFLIGHT_LIMITS`. */
  readonly limits?: InflightLimits
  /** Deliveries a group makes before a message is dead: retryMaxTimes + 1. Asked at expiry, never at replay. */
  readonly maxAttempts: (group: string) => number
}

/** Creates an empty core. */
export declare function createInflight(options: InflightOptions): Inflight
