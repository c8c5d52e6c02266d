// Child processes of a suite. Each leads a process group of its own, as a command typed in a terminal does, so that a
// signal reaches the whole group like Ctrl-C, and nothing outlives the suite.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { atExit } from './exits.ts'

const OUTPUT_CHARS_MAX = 1_000_000
const TAIL_LINES = 15

export interface ProcessOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Standard input stays open until `endInput`; otherwise it is empty. */
  readonly input?: 'open'
  /** Gets everything that it writes to standard output. */
  readonly onOutput?: ((text: string) => void) | undefined
}

export interface EndedProcess {
  /** 128 + signal where a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunningProcess {
  readonly pid: number
  /** Everything written so far, the last million characters of each stream. */
  readonly stdout: string
  readonly stderr: string
  /** Undefined while it runs. */
  readonly exitCode: number | undefined
  readonly ended: Promise<EndedProcess>
  /** Ends its standard input. */
  endInput(): void
  /** To the process alone. */
  signal(name: NodeJS.Signals): void
  /** To the process and everything it started, as a terminal does on Ctrl-C. */
  signalGroup(name: NodeJS.Signals): void
}

const running = new Set<RunningProcess>()
atExit(endAll)

/** Starts a command without a shell. */
export function startProcess(
  command: string,
  args: readonly string[],
  { input, onOutput, ...options }: ProcessOptions = {},
): RunningProcess {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  child.stdin.on('error', () => undefined) // it has ended already
  if (input === undefined) child.stdin.end()
  const ended = Promise.withResolvers<EndedProcess>()
  let stdout = ''
  let stderr = ''
  let exitCode: number | undefined
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-OUTPUT_CHARS_MAX)
    onOutput?.(text)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-OUTPUT_CHARS_MAX)
  })
  const kill = (target: number, name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(target * child.pid, name)
    } catch {
      // It has ended already.
    }
  }
  const started: RunningProcess = {
    pid: child.pid ?? 0,
    get stdout() {
      return stdout
    },
    get stderr() {
      return stderr
    },
    get exitCode() {
      return exitCode
    },
    ended: ended.promise,
    endInput: () => void child.stdin.end(),
    signal: (name) => kill(1, name),
    signalGroup: (name) => kill(-1, name),
  }
  running.add(started)
  child.once('exit', (code, signal) => {
    exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal])
  })
  const end = (code: number) => {
    running.delete(started)
    ended.resolve({ code, stdout, stderr })
  }
  child.once('error', (error) => {
    stderr += `${error.message}\n`
    exitCode = 127
    end(exitCode)
  })
  child.once('close', () => end(exitCode ?? 1))
  return started
}

/** Runs a command to its end; rejects with the end of its output unless it exits with 0 in time. */
export async function runProcess(
  command: string,
  args: readonly string[],
  { deadlineMs, ...options }: ProcessOptions & { readonly deadlineMs: number },
): Promise<EndedProcess> {
  const started = startProcess(command, args, options)
  const timer = setTimeout(() => started.signalGroup('SIGKILL'), deadlineMs)
  const result = await started.ended
  clearTimeout(timer)
  if (result.code !== 0) {
    throw new Error(`${command} ${args.join(' ')} exited with ${result.code}:\n${tailOf(result)}`)
  }
  return result
}

/** The last lines of both streams, for messages. */
export function tailOf({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  const lines = [...stdout.split('\n').slice(-TAIL_LINES), ...stderr.split('\n').slice(-TAIL_LINES)]
  return lines
    .filter((line) => line !== '')
    .map((line) => `      | ${line}`)
    .join('\n')
}

/** Ends everything that still runs, at once. */
function endAll(): void {
  for (const started of running) started.signalGroup('SIGKILL')
}
