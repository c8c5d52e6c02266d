// Steps of random histories of a queue in order, with their weights: what becomes of deliveries, and time that passes.
import * as fc from 'fast-check'

export type DeliveryStep =
  | { kind: 'ack' | 'release' | 'giveUp'; pick: number; isStale: boolean }
  | { kind: 'hide'; pick: number; invisibleMs: number }
  | { kind: 'wait'; ms: number }

const pick = fc.nat(10_000)
const isStale = fc.constantFrom(false, false, false, true)

export const deliverySteps = [
  { weight: 14, arbitrary: fc.record({ kind: fc.constant('ack' as const), pick, isStale }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constantFrom('release' as const, 'giveUp' as const), pick, isStale }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('hide' as const), pick, invisibleMs: fc.constantFrom(5, 50) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 10, 60) }) },
]
