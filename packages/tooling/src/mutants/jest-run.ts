// Runs test files of a workspace in a jest process of their own and says how each test ended.
import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { stripVTControlCharacters } from 'node:util'

const NODE_FLAGS = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
/** A fault can make tests run for ever. Of one file of tests, and of all of a package. */
const FILE_DEADLINE_MS = 90_000
const PACKAGE_DEADLINE_MS = 600_000
/** Last characters kept of what jest says, for the case that it leaves no results. */
const OUTPUT_CHARS_MAX = 4000
/** Of one failure. */
const FAILURE_CHARS_MAX = 300

/** The tests of some files by how they ended. */
export interface TestsRun {
  readonly passed: ReadonlySet<string>
  /** With what each said, in one line. */
  readonly failed: ReadonlyMap<string, string>
  /** Why tests could not be run at all: a file that does not load, or jest itself. */
  readonly broken: readonly string[]
}

/** The part of jest's `--json` output that is read. */
interface JestResults {
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages?: readonly string[] | null
    }[]
  }[]
}

/** Sorts jest's results. A file without any test could not be loaded, which is no verdict on its tests. */
export function testsOf(results: JestResults): TestsRun {
  const all = results.testResults.flatMap(({ assertionResults }) => assertionResults)
  const ended = (status: string) => all.filter((test) => test.status === status)
  const broken = results.testResults
    .filter(({ assertionResults }) => assertionResults.length === 0)
    .map(({ name, message }) => `${name} could not be run: ${message.trim()}`)
  return {
    passed: new Set(ended('passed').map(({ fullName }) => fullName)),
    failed: new Map(ended('failed').map(({ fullName, failureMessages }) => [fullName, inOneLine(failureMessages)])),
    broken,
  }
}

/** What was expected and what came instead, without the stack. */
function inOneLine(messages: readonly string[] | null | undefined): string {
  const [text = ''] = stripVTControlCharacters(messages?.[0] ?? '').split(/\n\s+at /u)
  return text.replaceAll(/\s+/gu, ' ').trim().slice(0, FAILURE_CHARS_MAX)
}

/** Runs the files, given from `root`, in one process. Never rejects for what they do. */
export async function runJest(root: string, testFiles: readonly string[]): Promise<TestsRun> {
  const outputFile = join(root, 'mutants-results.json')
  await rm(outputFile, { force: true })
  const options = ['--runInBand', '--forceExit', '--json', `--outputFile=${outputFile}`]
  const args = [
    ...NODE_FLAGS,
    join(root, 'node_modules/jest/bin/jest.js'),
    '-c',
    join(root, 'packages/tooling/jest.config.mjs'),
    ...options,
    `--cacheDirectory=${join(root, '.jest-cache')}`,
    '--runTestsByPath',
    ...testFiles.map((path) => join(root, path)),
  ]
  const output = await runNode(root, args, testFiles.length > 1 ? PACKAGE_DEADLINE_MS : FILE_DEADLINE_MS)
  try {
    return testsOf(JSON.parse(await readFile(outputFile, 'utf8')) as JestResults)
  } catch {
    return { passed: new Set(), failed: new Map(), broken: [`jest left no results: ${output.trim()}`] }
  }
}

function runNode(cwd: string, args: readonly string[], timeout: number): Promise<string> {
  const child = spawn(process.execPath, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout,
    killSignal: 'SIGKILL',
  })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-OUTPUT_CHARS_MAX)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (_code, signal) => resolve(signal === null ? output : `${output}\nended by ${signal}`))
  })
}
