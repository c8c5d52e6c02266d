// A run of one language's program: its lines become cells, its logs are searched for what we should not have caused.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type RunningProcess, startProcess, tailOf } from '../processes.ts'

const LINE_POLL_MS = 50
/** As the loggers of the clients mark them. */
const COMPLAINT = /\b(?:WARN|WARNING|ERRO|ERROR|FATAL|panicked)\b/

/** What a program says of a scenario. */
export interface Report {
  readonly scenario: string
  readonly ok?: boolean
  readonly detail?: string
  /** Why the client has no such feature. */
  readonly none?: string
}

export interface ProgramOptions {
  readonly command: readonly string[]
  /** Proxies that its clients connect to in turn, `host:port`. */
  readonly endpoints: readonly string[]
  /** Of its topics and groups. */
  readonly prefix: string
  /** Names; `name@host:port` for one that needs a proxy of its own. */
  readonly scenarios: readonly string[]
  /** Gets the logs that clients write into the home folder. */
  readonly home: string
  readonly env?: NodeJS.ProcessEnv
  /** Gets everything that it writes to standard output. */
  readonly onOutput?: (text: string) => void
}

export interface Program {
  readonly process: RunningProcess
  readonly reports: readonly Report[]
  /** Resolves with what it says of this scenario, or undefined when it ended without a word. */
  reportOf(scenario: string): Promise<Report | undefined>
  /** Resolves when the scenario waits for what an operator does to its group (true), or is over. */
  operatorAsked(scenario: string): Promise<boolean>
  /** Ends its input: it closes its clients. Resolves when the process is gone. */
  end(deadlineMs: number): Promise<void>
  /** Length of the logs that its clients wrote into files. */
  logLength(): number
  /** Lines of its logs that warn or tell of an error, each with its cause where that is on the next line. */
  complaints(): readonly string[]
}

/** Starts the program; its scenarios run side by side, and its clients stay open until `end`. */
export function startProgram(options: ProgramOptions): Program {
  const { command, endpoints, prefix, scenarios, home, env, onOutput } = options
  mkdirSync(home, { recursive: true })
  const [file = '', ...args] = command
  const started = startProcess(file, [...args, endpoints.join(','), prefix, ...scenarios], {
    cwd: home,
    // Java takes the home folder from the system's table of users.
    env: { ...process.env, HOME: home, JAVA_TOOL_OPTIONS: `-Duser.home=${home}`, ...env },
    input: 'open',
    onOutput,
  })
  const program: Program = {
    process: started,
    get reports() {
      return started.stdout.split('\n').flatMap(parseReport)
    },
    async reportOf(scenario) {
      for (;;) {
        const isOver = started.exitCode !== undefined
        const report = program.reports.find((one) => one.scenario === scenario)
        if (report !== undefined || isOver) return report
        await delay(LINE_POLL_MS)
      }
    },
    async operatorAsked(scenario) {
      const isAsked = () => started.stdout.includes(`{"asks":"${scenario}"}\n`)
      while (!isAsked()) {
        const isOver = started.exitCode !== undefined || program.reports.some((one) => one.scenario === scenario)
        if (isOver) return false
        await delay(LINE_POLL_MS)
      }
      return true
    },
    async end(deadlineMs) {
      started.endInput()
      const timer = setTimeout(() => started.signalGroup('SIGKILL'), deadlineMs)
      await started.ended
      clearTimeout(timer)
    },
    logLength: () => logsIn(home).join('').length,
    complaints: () =>
      [started.stderr, ...logsIn(home)].flatMap((text) => {
        const lines = text.split('\n')
        return lines.flatMap((line, index) => (COMPLAINT.test(line) ? [line + causeIn(lines[index + 1])] : []))
      }),
  }
  return program
}

/** The end of its output, for messages. */
export function outputOf({ process: started }: Program): string {
  return tailOf(started)
}

function parseReport(line: string): Report[] {
  if (!line.startsWith('{')) return []
  try {
    return [JSON.parse(line) as Report]
  } catch {
    return [] // not whole yet
  }
}

/** A line of its own begins with its time. */
function causeIn(next = ''): string {
  return /^(?:\d{4}-|[A-Z][a-z]{2} \d)/.test(next) || next === '' ? '' : ` ${next}`
}

function logsIn(home: string): string[] {
  const folder = join(home, 'logs')
  if (!existsSync(folder)) return []
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  return paths.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, 'utf8'))
}
