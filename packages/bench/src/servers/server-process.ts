// A process under test: started on its cores, ready when it says so, gone at the end whatever happens.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { pinned } from './cores.ts'

/** What npm start sets: threads for files. */
const THREADPOOL_SIZE = '8'
/** What the container image gives Node for a broker of its own. */
export const BROKER_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=2', '--no-maglev', '--v8-pool-size=1']
export const BROKER_ENVIRONMENT: NonNullable<StartOptions['environment']> = { MALLOC_ARENA_MAX: '2' }
const READY_MS_MAX = 60_000
const READY_POLL_MS = 2
const STOP_MS_MAX = 10_000
const LOG_TAIL_CHARS = 2000

export interface ServerProcess {
  /** As in the report: 'broker'. */
  readonly name: string
  readonly pid: number
  /** Milliseconds from the start to the first answer that it is ready. */
  readonly readyMs: number
  /** SIGTERM, and SIGKILL when it does not end in time. */
  stop(): Promise<void>
  /** SIGKILL: what it had not written is lost. */
  kill(): Promise<void>
}

export interface StartOptions {
  readonly name: string
  /** Script and arguments for Node. */
  readonly args: readonly string[]
  /** Besides what this process has itself. */
  readonly environment?: Readonly<Record<string, string>>
  readonly cores: string | undefined
  readonly logFile: string
  /** Folder of compiled code, for a start as fast as the second one of a user. */
  readonly compileCache?: string
  /** True once it serves. */
  readonly isReady: () => Promise<boolean>
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Resolves when the process is ready; rejects with the end of its log when it ends before that. */
export async function startProcess(options: StartOptions): Promise<ServerProcess> {
  const { name, args, environment, cores, logFile, compileCache, isReady } = options
  const log = openSync(logFile, 'a')
  const [command, all] = pinned(cores, process.execPath, args)
  const startedMs = performance.now()
  const child = spawn(command, all, {
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      ...environment,
      UV_THREADPOOL_SIZE: THREADPOOL_SIZE,
      ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
    },
  })
  closeSync(log)
  running.add(child)
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  }).then(() => {
    running.delete(child)
  })

  while (!(await isReady())) {
    const isLate = performance.now() - startedMs > READY_MS_MAX
    if (running.has(child) && !isLate) {
      await sleep(READY_POLL_MS)
      continue
    }
    child.kill('SIGKILL')
    const why = isLate ? `was not ready within ${READY_MS_MAX} ms` : 'ended before it was ready'
    throw new Error(`${name} ${why}; its log ends with:\n${readFileSync(logFile, 'utf8').slice(-LOG_TAIL_CHARS)}`)
  }
  const readyMs = performance.now() - startedMs

  return {
    name,
    pid: child.pid ?? 0,
    readyMs,
    async stop() {
      child.kill('SIGTERM')
      const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await exited
      clearTimeout(overdue)
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
