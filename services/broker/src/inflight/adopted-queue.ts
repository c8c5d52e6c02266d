// A queue that this broker did not consume so far.

/** A delivery of another broker that is neither acknowledged nor given up. */
export interface AdoptedClaim {
  readonly offset: number
  /** Deliveries made, this one included. */
  readonly attempts: number
  readonly popTime: number
  /** Not before `popTime`. One of the past expires at once. */
  readonly deadlineMs: number
}

/** A queue as another broker left it. */
export interface AdoptedQueue {
  /** First offset that was never delivered. */
  readonly cursor: number
  /** Ascending by offset, each below the cursor. Everything else below it is settled. */
  readonly claimed: readonly AdoptedClaim[]
}
