// `npm start` as a person types it, and the server process that it becomes.
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ports } from '../free-ports.ts'
import { type EndedProcess, type RunningProcess, startProcess, tailOf } from '../processes.ts'
import { expectThat } from '../steps.ts'

const PROBE_MS = 10
const PROBE_ANSWER_MS = 1_000
const KIB = 1024

/** The flags for these ports and this data folder. */
export function serverFlags(ports: Ports, dataDir: string): string[] {
  const flags = {
    'grpc-port': ports.grpc,
    'broker-port': ports.broker,
    'nameserver-port': ports.nameserver,
    'health-port': ports.health,
    'data-dir': dataDir,
  }
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`])
}

export interface StartOptions {
  readonly clone: string
  readonly env: NodeJS.ProcessEnv
  readonly flags: readonly string[]
}

/** `npm start -- flags` in the clone. */
export function npmStart({ clone, env, flags }: StartOptions): RunningProcess {
  const npm = join(env['PATH'] ?? '', 'npm')
  return startProcess(npm, ['start', '--', ...flags], { cwd: clone, env })
}

/** What `npm start` runs once everything is installed, without npm. */
export function startAlone({ clone, env, flags }: StartOptions): RunningProcess {
  const node = join(clone, 'node_modules/node/bin/node')
  return startProcess(node, ['packages/tooling/src/start.mjs', ...flags], { cwd: clone, env })
}

/** Resolves when `/readyz` says 200; rejects with the output when the process ends before or the time is over. */
export async function untilReady(server: RunningProcess, healthPort: number, deadlineMs: number): Promise<void> {
  const endMs = performance.now() + deadlineMs
  while ((await statusOf(healthPort, '/readyz')) !== 200) {
    expectThat(server.exitCode === undefined, `it ended with ${server.exitCode}:\n${tailOf(server)}`)
    expectThat(performance.now() < endMs, `it is not ready after ${deadlineMs} ms:\n${tailOf(server)}`)
    await delay(PROBE_MS)
  }
}

/** SIGINT to the process group, as a terminal does; resolves with the milliseconds until all of it is gone. */
export async function pressCtrlC(server: RunningProcess): Promise<EndedProcess & { readonly ms: number }> {
  const pressedMs = performance.now()
  server.signalGroup('SIGINT')
  const ended = await server.ended
  return { ...ended, ms: performance.now() - pressedMs }
}

/** The process itself and all below it, parents first, with their command lines; undefined where there is no /proc. */
export function processTree(pid: number): readonly { readonly pid: number; readonly command: string }[] | undefined {
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined // it has ended, or the system tells it in another way
    }
  }
  const command = read(`/proc/${pid}/cmdline`)?.split('\0').join(' ').trim()
  if (command === undefined) return undefined
  const children = read(`/proc/${pid}/task/${pid}/children`)?.trim().split(' ') ?? []
  const below = children.filter((child) => child !== '').flatMap((child) => processTree(Number(child)) ?? [])
  return [{ pid, command }, ...below]
}

/** Resident memory in bytes; undefined where there is no /proc. */
export function residentBytes(pid: number): number | undefined {
  try {
    const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kib === undefined ? undefined : Number(kib) * KIB
  } catch {
    return undefined
  }
}

function statusOf(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false, timeout: PROBE_ANSWER_MS }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}
