/** Time as a service sees it. The real clock is in `node/`, the simulated one in `testkit`. */
export interface Clock {
  /** Wall clock: milliseconds since the Unix epoch. May jump in either direction. */
  nowMs(): number
  /** Milliseconds since an arbitrary start. Never goes back; the base of every timeout. */
  monotonicMs(): number
}
