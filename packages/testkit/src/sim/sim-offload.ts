// Offload without threads: a job takes a seeded time, then its function runs in the process that asked. Inputs and outputs
// are cloned and moved as between threads; a process that died gets no answer.
import { createOffload, type JobCall, type Offload, OffloadError } from '@rocketmq-ts/runtime'
import type { Engine } from './engine.ts'
import { EventKind, type Owner } from './event-queue.ts'
import type { Prng } from './prng.ts'

const THREADS = 2

export interface SimOffloadOptions {
  readonly engine: Engine
  readonly process: Owner
  /** Asked at the first job, so that processes without jobs draw nothing. */
  readonly random: () => Prng
}

export function createSimOffload({ engine, process, random }: SimOffloadOptions): Offload {
  let own: Prng | undefined
  let ended = false

  function perform({ job, input, transfer }: JobCall): Promise<unknown> {
    own ??= random()
    const delayMs = own.within(engine.latencies.job)
    return new Promise((resolve, reject) => {
      const handedOver = attempt('not-clonable', job.name, () => structuredClone(input, { transfer: [...transfer] }))
      if (handedOver instanceof OffloadError) {
        reject(handedOver)
        return
      }
      const run = (): void => {
        if (ended) return
        const output = attempt('job-failed', job.name, () => {
          const output = job.run(handedOver)
          return structuredClone(output, { transfer: [...(job.transfer?.(output) ?? [])] })
        })
        if (output instanceof OffloadError) reject(output)
        else resolve(output)
      }
      engine.schedule({ owner: process, kind: EventKind.job, delayMs, run })
    })
  }

  return createOffload({
    count: THREADS,
    perform,
    async end() {
      ended = true
    },
  })
}

/** What `action` answers; what it throws as an `OffloadError`. No clone is one: clones lose their class. */
function attempt(code: 'not-clonable' | 'job-failed', job: string, action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return new OffloadError(code, job, error)
  }
}
