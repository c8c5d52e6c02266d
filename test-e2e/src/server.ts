// The server as a user has it: the bundle that `npm start` makes and runs, as a process of its own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, openSync, closeSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Ports } from './free-ports.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Nothing takes longer to start, not even after the worst crash. */
export const READY_MS_MAX = 30_000
const READY_POLL_MS = 10
const BUNDLE_MS_MAX = 120_000
/** What start.mjs sets. */
const THREADPOOL_SIZE = '8'
const LOG_TAIL_LINES = 20

/**
 * Makes the bundle as `npm start` does, unless `made` is the folder of one, and copies it: a rebuild meanwhile does not
 * change the server under test. Returns the path of its main file.
 */
export function takeBundle(into: string, made?: string): string {
  cpSync(made ?? makeBundle(), into, { recursive: true })
  return join(into, 'main.mjs')
}

function makeBundle(): string {
  const start = spawnSync(process.execPath, ['packages/tooling/src/start.mjs', '--version'], {
    cwd: ROOT,
    timeout: BUNDLE_MS_MAX,
    encoding: 'utf8',
  })
  if (start.status !== 0) throw new Error(`npm start -- --version failed:\n${start.stdout}${start.stderr}`)
  return join(ROOT, 'packages/standalone/dist')
}

export interface ServerOptions {
  /** Path of the bundle's main file. */
  readonly bundle: string
  readonly dataDir: string
  readonly ports: Ports
  readonly flush: 'sync' | 'async'
  /** Gets both outputs of the process, behind what is there. */
  readonly logFile: string
  /** Further flags, e.g. `--host`. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface KillOptions {
  readonly delayMs?: number
  /** Path of the shim's undo log: the kill waits a little for a write that no sync has made durable yet. */
  readonly whenUnsynced?: string | undefined
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Server {
  /** For what /proc tells of it. */
  readonly pid: number
  /** `host:port` for 5.x SDKs. */
  readonly endpoints: string
  /** `http://host:port` of /readyz and /metrics. */
  readonly healthUrl: string
  /** Resolves with the milliseconds since the start when /readyz says 200. Rejects when the process ends before. */
  ready(): Promise<number>
  /** SIGKILL; resolves when the process is gone. */
  kill(options?: KillOptions): Promise<Exit>
  /** SIGTERM; resolves with how it ended and after how long. */
  stop(): Promise<Exit & { readonly ms: number }>
}

/** Starts the process and returns at once. */
export function startServer(options: ServerOptions): Server {
  const { bundle, dataDir, ports, flush, logFile, flags = [], env = {} } = options
  const startedMs = performance.now()
  const child = spawnLogged(
    [
      bundle,
      `--data-dir=${dataDir}`,
      `--flush=${flush}`,
      `--grpc-port=${ports.grpc}`,
      `--broker-port=${ports.broker}`,
      `--nameserver-port=${ports.nameserver}`,
      `--health-port=${ports.health}`,
      ...flags,
    ],
    logFile,
    { UV_THREADPOOL_SIZE: THREADPOOL_SIZE, NODE_COMPILE_CACHE: join(bundle, '../compiled'), ...env },
  )
  const ended = once(child, 'exit').then(([code, signal]): Exit => ({ code, signal }))
  let exit: Exit | undefined
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  void ended.then((it) => {
    exit = it
    process.off('exit', killAtExit)
  })
  const healthUrl = `http://127.0.0.1:${ports.health}`

  async function isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${healthUrl}/readyz`)
      await answer.text()
      return answer.ok
    } catch {
      return false // nobody listens yet
    }
  }

  return {
    pid: child.pid ?? 0,
    endpoints: `127.0.0.1:${ports.grpc}`,
    healthUrl,
    async ready() {
      while (!(await isReady())) {
        if (exit !== undefined) throw new Error(`the server ended (${exit.code ?? exit.signal}):\n${tailOf(logFile)}`)
        if (performance.now() - startedMs > READY_MS_MAX) {
          throw new Error(`the server is not ready after ${READY_MS_MAX} ms:\n${tailOf(logFile)}`)
        }
        await sleep(READY_POLL_MS)
      }
      return performance.now() - startedMs
    },
    kill(options = {}) {
      killFromThread(child, options)
      return ended
    },
    async stop() {
      const askedMs = performance.now()
      child.kill('SIGTERM')
      const how = await ended
      return { ...how, ms: performance.now() - askedMs }
    },
  }
}

/** From a thread: the event loop here is busiest when the server waits for us, so its own timers would spare the server. */
function killFromThread({ pid }: ChildProcess, { delayMs = 0, whenUnsynced }: KillOptions): void {
  new Worker(new URL('./killer.ts', import.meta.url), { workerData: { pid, delayMs, undoLog: whenUnsynced } }).unref()
}

function spawnLogged(args: readonly string[], logFile: string, env: Readonly<Record<string, string>>): ChildProcess {
  const log = openSync(logFile, 'a')
  try {
    return spawn(process.execPath, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } })
  } finally {
    closeSync(log)
  }
}

function tailOf(path: string): string {
  return readFileSync(path, 'utf8').split('\n').slice(-LOG_TAIL_LINES).join('\n')
}
