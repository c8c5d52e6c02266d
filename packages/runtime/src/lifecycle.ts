// Starting and stopping in order. What was started last is stopped first, each with its share of the deadline.

/** Something that runs until it is stopped. `stop` may be called twice and also after a failed start. */
export interface Service {
  start(): Promise<void>
  /** Drains and stops. Must settle by itself; the owner enforces the deadline. */
  stop(): Promise<void>
}

/** State that health reports show. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }
