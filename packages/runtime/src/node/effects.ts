import type { Effects } from '../effects.ts'
import { nodeClock } from './clock.ts'
import { createNodeFiles } from './files.ts'
import { createNodeNetwork } from './network.ts'
import { createNodeOffload } from './node-offload.ts'
import { nodeRandom } from './random.ts'
import { nodeScheduler } from './scheduler.ts'

/** The machine itself. */
export function createNodeEffects(): Effects {
  return {
    clock: nodeClock,
    random: nodeRandom,
    scheduler: nodeScheduler,
    files: createNodeFiles(),
    network: createNodeNetwork(),
    offload: createNodeOffload({ scheduler: nodeScheduler }),
  }
}
