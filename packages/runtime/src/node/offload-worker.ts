// The other end of node-offload.ts: a thread that does one job after the other. It is an entry point of its own, also in
// a bundle, and imports nothing but the modules of the jobs it is asked for.
import assert from 'node:assert'
import { parentPort } from 'node:worker_threads'
import type { OffloadJob } from '../offload.ts'

/** What the thread is asked. */
export interface JobRequest {
  readonly module: string
  readonly name: string
  readonly input: unknown
}

/** What it answers. */
export type JobAnswer = { readonly ok: true; readonly output: unknown } | { readonly ok: false; readonly error: string }

type AnyJob = OffloadJob<unknown, unknown>

assert(parentPort !== null, 'offload-worker runs as a worker thread only')
const port = parentPort
port.on('message', (request: JobRequest) => void perform(request))
port.on('messageerror', (error) => refuse(error))

async function perform({ module, name, input }: JobRequest): Promise<void> {
  try {
    const job = await find(module, name)
    const output = job.run(input)
    port.postMessage({ ok: true, output } satisfies JobAnswer, [...(job.transfer?.(output) ?? [])])
  } catch (error) {
    refuse(error)
  }
}

function refuse(error: unknown): void {
  port.postMessage({ ok: false, error: error instanceof Error ? error.message : String(error) } satisfies JobAnswer)
}

async function find(module: string, name: string): Promise<AnyJob> {
  const found = Object.values((await import(module)) as Record<string, unknown>).find((value) => isJob(value, name))
  if (found === undefined) throw new Error(`${module} does not export it`)
  return found as AnyJob
}

function isJob(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && 'run' in value && 'name' in value && value.name === name
}
