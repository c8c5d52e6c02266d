// Seeds over processes: each takes the next seed when it is done with one, and ends when there is none.
import { type ChildProcess, fork } from 'node:child_process'
import type { SeedReport } from './seed-report.ts'

/** What a worker answers for a seed. */
export type WorkerAnswer = { readonly report: SeedReport } | { readonly seed: number; readonly crashed: string }

export interface WorkersOptions {
  /** Script that answers seeds, see `serveSeeds`. */
  readonly script: string
  readonly args: readonly string[]
  readonly workers: number
  readonly seeds: readonly number[]
  readonly onAnswer: (answer: WorkerAnswer) => void
}

/** Resolves when every seed was answered; a worker that dies answers for its seed by that. */
export async function runInWorkers({ script, args, workers, seeds, onAnswer }: WorkersOptions): Promise<void> {
  const left = [...seeds]
  const work = (): Promise<void> =>
    new Promise((resolve) => {
      const child = fork(script, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      let current: number | undefined
      const next = (): void => {
        current = left.shift()
        if (current === undefined) child.disconnect()
        else child.send(current)
      }
      child.on('message', (answer) => {
        current = undefined
        onAnswer(answer as WorkerAnswer)
        next()
      })
      child.on('exit', (code, signal) => {
        if (current !== undefined) onAnswer({ seed: current, crashed: `its process ended with ${signal ?? code}` })
        resolve(left.length > 0 && current !== undefined ? work() : undefined)
      })
      next()
    })
  await Promise.all(Array.from({ length: Math.min(workers, seeds.length) }, work))
}

/** In a worker: answers each seed that comes. */
export function serveSeeds(run: (seed: number) => Promise<SeedReport>, own: NodeJS.Process | ChildProcess): void {
  own.on('message', (seed) => {
    run(seed as number).then(
      (report) => own.send?.({ report } satisfies WorkerAnswer),
      (error: unknown) => {
        const crashed = error instanceof Error ? (error.stack ?? error.message) : String(error)
        own.send?.({ seed: seed as number, crashed } satisfies WorkerAnswer)
      },
    )
  })
}
