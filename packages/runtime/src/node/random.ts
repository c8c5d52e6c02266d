import assert from 'node:assert'
import { randomBytes } from 'node:crypto'
import type { Random } from '../random.ts'

/** Numbers are for spreading load; `bytes` comes from the system's cryptographic source and fits identifiers. */
export const nodeRandom: Random = {
  fraction: () => Math.random(),
  integer(bound) {
    assert(Number.isSafeInteger(bound) && bound > 0, `not a positive safe integer: ${bound}`)
    return Math.floor(Math.random() * bound)
  },
  bytes: (length) => randomBytes(length),
}
