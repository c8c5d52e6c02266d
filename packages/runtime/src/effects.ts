import type { Clock } from './clock.ts'
import type { Files } from './files.ts'
import type { Network } from './network.ts'
import type { Offload } from './offload.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** Everything that reaches outside of a service, handed in at its creation. */
export interface Effects {
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
  readonly files: Files
  readonly network: Network
  readonly offload: Offload
}
