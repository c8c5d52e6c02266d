// All checks of the project in order of their cost, each with one line of outcome. One failing does not stop the next.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addCounts, countsOfJest, formatCounts, type Counts, type JestResults } from './counts.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const TOOLING = 'packages/tooling'
const JEST_NODE_FLAGS = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
/** A test that never ends would hold everything up for ever. */
const CHECK_DEADLINE_MS = 15 * 60_000

interface StaticCheck {
  readonly name: string
  readonly args: readonly string[]
}

const STATIC_CHECKS: readonly StaticCheck[] = [
  { name: 'format', args: [bin('oxfmt', 'bin/oxfmt'), '--check', '.'] },
  { name: 'lint', args: [bin('oxlint', 'bin/oxlint'), '--type-aware', '-c', '.oxlintrc.json', '.'] },
  { name: 'types', args: [bin('typescript', 'bin/tsc'), '-p', `${TOOLING}/tsconfig.check.json`] },
  { name: 'layers', args: [`${TOOLING}/src/layer-check.ts`] },
]

/** Runs everything and prints the sum as the last line; resolves with the exit code. */
export async function runChecks(jestArgs: readonly string[]): Promise<number> {
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { name, args } of STATIC_CHECKS) {
    const started = performance.now()
    const { code, output } = await runNode(args, 'collect')
    report(name, code === 0, started)
    if (code !== 0) process.stdout.write(output)
    counts = addCounts(counts, { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 })
  }
  const started = performance.now()
  const tests = await runJest(jestArgs)
  report('tests', tests.failed === 0, started)
  counts = addCounts(counts, tests)
  console.log(formatCounts(counts))
  return counts.failed === 0 ? 0 : 1
}

/** jest's own exit code counts too: it also fails when it finds no test at all. */
async function runJest(jestArgs: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'rocketmq-ts-jest-'))
  const outputFile = join(folder, 'results.json')
  try {
    const jest = [
      bin('jest', 'bin/jest.js'),
      '-c',
      `${TOOLING}/jest.config.mjs`,
      '--json',
      `--outputFile=${outputFile}`,
    ]
    const { code } = await runNode([...JEST_NODE_FLAGS, ...jest, ...jestArgs], 'show')
    const counts = countsOfJest(readResults(outputFile))
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readResults(path: string): JestResults | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as JestResults
  } catch {
    return undefined // jest ended before it wrote any: its exit code tells
  }
}

function runNode(args: readonly string[], output: 'collect' | 'show'): Promise<{ code: number; output: string }> {
  // With --json, jest prints its results on stdout as well as into the file: only its report on stderr is shown.
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', output === 'show' ? 'ignore' : 'pipe', output === 'show' ? 'inherit' : 'pipe'],
    timeout: CHECK_DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }))
  })
}

function bin(name: string, path: string): string {
  return join(ROOT, 'node_modules', name, path)
}

function report(name: string, passed: boolean, started: number): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${passed ? 'passed' : 'FAILED'}  ${name} (${seconds} s)`)
}
