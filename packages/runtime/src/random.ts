/** Source of randomness. Seeded in the simulation, the system's own in `node/`. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number
  /** An integer in [0, bound). `bound` is a positive safe integer. */
  integer(bound: number): number
  /** `length` random bytes. */
  bytes(length: number): Uint8Array
}
