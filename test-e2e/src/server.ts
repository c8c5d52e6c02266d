// Servers as users have them: bundles, as processes of their own. None outlives the suite.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, openSync, closeSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { atExit } from './exits.ts'
import type { Ports } from './free-ports.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Nothing takes longer to start, not even after the worst crash. */
export const READY_MS_MAX = 30_000
const READY_POLL_MS = 10
const BUNDLE_MS_MAX = 120_000
/** What start.mjs sets. */
const THREADPOOL_SIZE = '8'
const LOG_TAIL_LINES = 20

const running = new Set<ChildProcess>()
atExit(() => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Makes the bundle as `npm start` does, unless `made` is the folder of one, and copies it: a rebuild meanwhile does not
 * change the server under test. Returns the path of its main file.
 */
export function takeBundle(into: string, made?: string): string {
  cpSync(made ?? makeBundle(), into, { recursive: true })
  return join(into, 'main.mjs')
}

function makeBundle(): string {
  runTool('start.mjs', '--version')
  return join(ROOT, 'packages/standalone/dist')
}

/**
 * The folder with `nameserver.mjs`, `broker.mjs`, `proxy.mjs` and `rmq.mjs` as the container image has them. It belongs
 * to the sources as they are now, and does not change.
 */
export function takeServices(): string {
  return runTool('bundle-services.mjs').trim().split('\n').at(-1) ?? ''
}

function runTool(name: string, ...args: readonly string[]): string {
  const path = `packages/tooling/src/${name}`
  const run = spawnSync(process.execPath, [path, ...args], { cwd: ROOT, timeout: BUNDLE_MS_MAX, encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`node ${path} ${args.join(' ')} failed:\n${run.stdout}${run.stderr}`)
  return run.stdout
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

export interface LaunchOptions {
  /** Path of the bundle's main file, and its arguments. */
  readonly main: string
  readonly flags: readonly string[]
  /** Where its flags put /readyz and /metrics. */
  readonly healthUrl: string
  readonly logFile: string
  readonly env?: Readonly<Record<string, string>> | undefined
}

export interface KillOptions {
  /** Folder of a broker: the kill waits until its log has gone on to a new file. The times below begin then. */
  readonly whenRolled?: string | undefined
  /** Once it resolves, no roll is waited for any more. */
  readonly rollLate?: Promise<unknown>
  /** Path of the shim's mark: from here on its syncs fail. */
  readonly failSyncs?: string | undefined
  readonly delayMs?: number
  /** Path of the shim's undo log: the kill waits a little for a write that no sync has made durable yet. */
  readonly whenUnsynced?: string | undefined
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A service that runs, of any kind. */
export interface ServiceProcess {
  /** For what /proc tells of it. */
  readonly pid: number
  /** `http://host:port` of /readyz and /metrics. */
  readonly healthUrl: string
  /** Undefined while it runs. */
  readonly exit: Exit | undefined
  /** Resolves with the milliseconds since the start when /readyz says 200. Rejects when the process ends before. */
  ready(): Promise<number>
  /** SIGKILL; resolves when the process is gone. */
  kill(options?: KillOptions): Promise<Exit>
  /** SIGTERM; resolves with how it ended and after how long. */
  stop(): Promise<Exit & { readonly ms: number }>
}

export interface Server extends ServiceProcess {
  /** `host:port` for 5.x SDKs. */
  readonly endpoints: string
}

/** Starts the process and returns at once. */
export function startServer(options: ServerOptions): Server {
  const { bundle, dataDir, ports, flush, logFile, flags = [], env } = options
  const started = launch({
    main: bundle,
    flags: [
      `--data-dir=${dataDir}`,
      `--flush=${flush}`,
      `--grpc-port=${ports.grpc}`,
      `--broker-port=${ports.broker}`,
      `--nameserver-port=${ports.nameserver}`,
      `--health-port=${ports.health}`,
      ...flags,
    ],
    healthUrl: `http://127.0.0.1:${ports.health}`,
    logFile,
    env,
  })
  return Object.assign(started, { endpoints: `127.0.0.1:${ports.grpc}` })
}

/** Starts a bundled service and returns at once. Its output goes behind what is in the log file. */
export function launch({ main, flags, healthUrl, logFile, env = {} }: LaunchOptions): ServiceProcess {
  const startedMs = performance.now()
  const child = spawnLogged([main, ...flags], logFile, {
    UV_THREADPOOL_SIZE: THREADPOOL_SIZE,
    NODE_COMPILE_CACHE: join(main, '../compiled'),
    ...env,
  })
  let exit: Exit | undefined
  const ended = once(child, 'exit').then(([code, signal]): Exit => {
    running.delete(child)
    exit = { code, signal }
    return exit
  })
  running.add(child)

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
    healthUrl,
    get exit() {
      return exit
    },
    async ready() {
      while (!(await isReady())) {
        if (exit !== undefined) throw new Error(`${main} ended (${exit.code ?? exit.signal}):\n${tailOf(logFile)}`)
        if (performance.now() - startedMs > READY_MS_MAX) {
          throw new Error(`${main} is not ready after ${READY_MS_MAX} ms:\n${tailOf(logFile)}`)
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
function killFromThread({ pid }: ChildProcess, { rollLate, ...options }: KillOptions): void {
  const isRollLate = new Int32Array(new SharedArrayBuffer(4))
  void rollLate?.then(() => Atomics.store(isRollLate, 0, 1))
  new Worker(new URL('./killer.ts', import.meta.url), { workerData: { pid, options, isRollLate } }).unref()
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
