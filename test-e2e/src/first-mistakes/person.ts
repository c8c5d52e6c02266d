// What a person does in a terminal: runs a program with an SDK, rmq, a service, a browser; and what they read there.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { PartKind } from '../parts.ts'
import { startProcess } from '../processes.ts'
import { expectThat } from '../steps.ts'

const RUN_MS_MAX = 60_000
const LOG_MS_MAX = 15_000
const LOG_POLL_MS = 50
const PROGRAM = fileURLToPath(new URL('./program.mjs', import.meta.url))
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export interface Person {
  /** Runs the SDK's program with these arguments; it must end with the code. */
  program(code: number, ...args: readonly string[]): Promise<string>
  rmq(code: number, ...args: readonly string[]): Promise<string>
  /** Starts a service that must not start. */
  service(name: PartKind, flags: readonly string[], env?: Terminal['env']): Promise<string>
  /** `npm start -- flags`, which must not start. */
  npmStart(...flags: readonly string[]): Promise<string>
}

/** `services` is the folder with the bundles; `home` gets what the programs leave behind. */
export function createPerson(services: string, home: string): Person {
  return {
    program: (code, ...args) => outputOf(code, [PROGRAM, ...args], { home }),
    rmq: (code, ...args) => outputOf(code, [join(services, 'rmq.mjs'), ...args], { home }),
    service: (name, flags, env = {}) => refusalOf([join(services, `${name}.mjs`), ...flags], { home, env }),
    npmStart: (...flags) => refusalOf([join(ROOT, 'packages/tooling/src/start.mjs'), ...flags], { home }),
  }
}

interface Terminal {
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
}

/** Both outputs of a Node program that must end with the code. */
export function outputOf(code: number, args: readonly string[], terminal: Terminal): Promise<string> {
  return textOf(process.execPath, args, terminal, [code])
}

/** Both outputs of a service that did not start: its settings are wrong, or it can not run here. */
function refusalOf(args: readonly string[], terminal: Terminal): Promise<string> {
  return textOf(process.execPath, args, terminal, [1, 2])
}

/** Both outputs of a command that must end, in time, with one of the codes. */
export async function textOf(
  command: string,
  args: readonly string[],
  { home, env = {} }: Terminal,
  codes: readonly number[],
): Promise<string> {
  const run = startProcess(command, args, { cwd: home, env: { ...process.env, HOME: home, ...env } })
  const timer = setTimeout(() => run.signalGroup('SIGKILL'), RUN_MS_MAX)
  const { code, stdout, stderr } = await run.ended
  clearTimeout(timer)
  const text = `${stdout}${stderr}`
  expectThat(codes.includes(code), `it ended with ${code}, not ${codes.join(' or ')}:\n${text}`)
  return text
}

/** All files below a folder, as a person finds them who looks for logs; '' where there is none. */
export function textsIn(folder: string): string {
  if (!existsSync(folder)) return ''
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  return paths.map((path) => (statSync(path).isFile() ? readFileSync(path, 'utf8') : '')).join('')
}

/** What the address bar of a browser gets, whatever its code. */
export async function browse(port: number): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(RUN_MS_MAX) })).text()
}

/** The log of a service since a mark, as soon as it holds the text; all of it when it never does. */
export async function logWith(logFile: string, from: number, text: string): Promise<string> {
  const endMs = performance.now() + LOG_MS_MAX
  for (;;) {
    const log = readFileSync(logFile, 'utf8').slice(from)
    if (log.includes(text) || performance.now() > endMs) return log
    await sleep(LOG_POLL_MS)
  }
}

/** Where a log ends now. */
export function logMark(logFile: string): number {
  return readFileSync(logFile, 'utf8').length
}
