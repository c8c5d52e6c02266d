// Seeds over processes: each takes the next seed when it is done with one, and ends when there is none.
import { type ChildProcess, fork } from 'node:child_process'
import type { SeedReport } from './seed-report.ts'
import process from 'node:process'
import type { StoreSeedReport } from './store-seed-report.ts'

/** A seed of one of the worlds. */
export interface SeedOrder {
  readonly world: 'cluster' | 'store'
  readonly seed: number
}

/** What a worker answers for a seed. */
export type WorkerAnswer =
  | { readonly world: 'cluster'; readonly report: SeedReport }
  | { readonly world: 'store'; readonly report: StoreSeedReport }
  | (SeedOrder & { readonly crashed: string })

/** A seed makes much that dies young: room for it saves most of its collecting. */
const EXEC_ARGS = [...process.execArgv, '--max-semi-space-size=32']

export interface WorkersOptions {
  /** Script that answers seeds, see `serveSeeds`. */
  readonly script: string
  readonly args: readonly string[]
  readonly workers: number
  /** The next seed; undefined when there is none any more. */
  readonly next: () => SeedOrder | undefined
  readonly onAnswer: (answer: WorkerAnswer) => void
}

/** Resolves when every seed was answered; a worker that dies answers for its seed by that. */
export async function runInWorkers({ script, args, workers, next, onAnswer }: WorkersOptions): Promise<void> {
  const work = (): Promise<void> =>
    new Promise((resolve) => {
      const child = fork(script, args, { execArgv: EXEC_ARGS, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      let current: SeedOrder | undefined
      const give = (): void => {
        current = next()
        if (current === undefined) child.disconnect()
        else child.send(current)
      }
      child.on('message', (answer) => {
        current = undefined
        onAnswer(answer as WorkerAnswer)
        give()
      })
      child.on('exit', (code, signal) => {
        const died = current
        if (died !== undefined) onAnswer({ ...died, crashed: `its process ended with ${signal ?? code}` })
        resolve(died === undefined ? undefined : work())
      })
      give()
    })
  await Promise.all(Array.from({ length: workers }, work))
}

/** In a worker: answers each seed that comes. */
export function serveSeeds(run: (order: SeedOrder) => Promise<WorkerAnswer>, own: NodeJS.Process | ChildProcess): void {
  own.on('message', (message) => {
    const order = message as SeedOrder
    run(order).then(
      (answer) => own.send?.(answer),
      (error: unknown) => {
        const crashed = error instanceof Error ? (error.stack ?? error.message) : String(error)
        own.send?.({ ...order, crashed } satisfies WorkerAnswer)
      },
    )
  })
}
