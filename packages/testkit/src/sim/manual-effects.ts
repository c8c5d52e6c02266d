// Effects for unit tests: everything is in memory and done at once, and time moves only when the test says so.
import type { Effects } from '@rocketmq-ts/runtime'
import { NO_LATENCIES } from './faults.ts'
import type { SimMachine } from './sim-machine.ts'
import { createWorld, type World } from './world.ts'

export interface ManualEffectsOptions {
  readonly seed?: number
  /** What the wall clock shows at the start. */
  readonly nowMs?: number
}

export interface ManualEffects extends Effects {
  /** Lets virtual time pass: runs what becomes due on the way, in order, and all that follows from it. */
  advance(ms: number): Promise<void>
  /** Waits until all that is due now has run, and all that follows from it: only time can bring more. */
  settle(): Promise<void>
  /** For faults of the disk, jumps of the clock, and a second process at the same place. */
  readonly machine: SimMachine
  readonly world: World
}

/** Effects with files and a network in memory. Operations on them need no `advance`: their promises simply resolve. */
export function createManualEffects(options?: ManualEffectsOptions): ManualEffects {
  const world = createWorld({
    seed: options?.seed ?? 1,
    latencies: NO_LATENCIES,
    eager: true,
    ...(options?.nowMs === undefined ? {} : { wallStartMs: options.nowMs }),
  })
  const machine = world.machine('test')
  const { effects } = machine.start('test', () => undefined)
  return {
    ...effects,
    machine,
    world,
    advance: (ms) => world.run(ms),
    settle: () => world.run(0),
  }
}
