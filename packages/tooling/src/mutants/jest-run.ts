// Runs test files of a workspace in a jest process of their own and says how each test ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { join, relative } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type TestEvent, TestsLog, type TestsRequest, type TestsRun } from './tests-run.ts'

const NODE_FLAGS = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
const EVENTS = fileURLToPath(new URL('jest-events.mjs', import.meta.url))
const ENVIRONMENT = fileURLToPath(new URL('patient-environment.mjs', import.meta.url))
const GIVEN_ORDER = fileURLToPath(new URL('given-order.mjs', import.meta.url))
/** Last characters kept of what jest says, for the case that it tells nothing of tests. */
const OUTPUT_CHARS_MAX = 4000

const running = new Set<ChildProcess>()

/** Ends all processes that run tests: nobody waits for them any more. */
export function endRuns(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Runs the files, given from `root`, in one process. Never rejects for what they do. */
export async function runJest(root: string, request: TestsRequest): Promise<TestsRun> {
  const log = new TestsLog()
  // jest takes no files for all files.
  if (request.testFiles.length === 0) return log
  const child = spawn(process.execPath, argumentsOf(root, request), {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const outputOf = keepOutput(child)
  const waiting = [...request.testFiles]
  let watchdog = setTimeout(() => undefined, 0)
  const watch = () => {
    clearTimeout(watchdog)
    const [testFile] = waiting
    if (testFile === undefined) return
    const afterMs = request.deadlineMs(testFile)
    watchdog = setTimeout(() => {
      log.late = { testFile, afterMs }
      child.kill('SIGKILL')
    }, afterMs)
  }
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    const event = eventOf(line)
    if (event === undefined) return
    log.add({ ...event, path: relative(root, event.path) })
    if (event.kind === 'file') {
      waiting.shift()
      watch()
    }
    if (request.untilFailure && log.isDecided) child.kill('SIGKILL')
  })
  watch()
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  clearTimeout(watchdog)
  running.delete(child)
  if (waiting.length > 0 && !log.isDecided) log.broken.push(`jest ended before ${waiting[0]}: ${outputOf().trim()}`)
  return log
}

/** Undefined for what a process was writing when it was ended. */
function eventOf(line: string): TestEvent | undefined {
  try {
    return JSON.parse(line) as TestEvent
  } catch {
    return undefined
  }
}

function argumentsOf(root: string, { testFiles, tests }: TestsRequest): string[] {
  const ours = [`--reporters=${EVENTS}`, `--testSequencer=${GIVEN_ORDER}`, `--testEnvironment=${ENVIRONMENT}`]
  return [
    ...NODE_FLAGS,
    join(root, 'node_modules/jest/bin/jest.js'),
    '-c',
    join(root, 'packages/tooling/jest.config.mjs'),
    '--runInBand',
    '--forceExit',
    ...ours,
    ...(tests === undefined ? [] : [`--testNamePattern=${tests.map(patternOf).join('|')}`]),
    `--cacheDirectory=${join(root, '.jest-cache')}`,
    '--runTestsByPath',
    ...testFiles.map((path) => join(root, path)),
  ]
}

/** All of the name, and nothing else. */
function patternOf(title: string): string {
  return `^${title.replaceAll(/[\\^$.*+?()[\]{}|]/gu, '\\$&').replaceAll('%s', '.*')}$`
}

function keepOutput(child: ChildProcess): () => string {
  let output = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-OUTPUT_CHARS_MAX)
  })
  return () => output
}
