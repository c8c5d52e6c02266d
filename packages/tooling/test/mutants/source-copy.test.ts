// A workspace of three packages on the disk, with a jest of its own: what the copy's tests load is the copy.
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { runJest } from '../../src/mutants/jest-run.ts'
import type { Mutant } from '../../src/mutants/mutant.ts'
import { runMutants } from '../../src/mutants/run-mutants.ts'
import { copySources } from '../../src/mutants/source-copy.ts'
import type { TestsRequest } from '../../src/mutants/tests-run.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const JEST_FILES = ['packages/tooling/jest.config.mjs', 'packages/tooling/src/jest-environment.mjs']
/** Several jest processes, one after the other. */
const RUNS_DEADLINE_MS = 180_000

let root = ''

function write(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), text)
}

function link(from: string, to: string): void {
  mkdirSync(join(root, from, '..'), { recursive: true })
  symlinkSync(to, join(root, from), 'dir')
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mutants-test-'))
  write('package.json', '{ "type": "module" }')
  for (const name of ['packages/tooling', 'packages/below', 'services/above']) {
    const exports = { '.': './src/index.ts' }
    write(
      `${name}/package.json`,
      JSON.stringify({ name: `@rocketmq-ts/${name.split('/')[1]}`, type: 'module', exports }),
    )
  }
  for (const path of JEST_FILES) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    cpSync(join(ROOT, path), join(root, path))
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'), 'dir')
  write(
    'packages/below/src/index.ts',
    'export const low: number = 1\nexport const unseen: number = 7\nexport const isEndless: boolean = false\n',
  )
  write('packages/below/dist/index.js', 'built')
  link('services/above/node_modules/@rocketmq-ts/below', '../../../../packages/below')
  write(
    'services/above/test/above.test.ts',
    `import { expect, test } from '@jest/globals'
import { isEndless, low } from '@rocketmq-ts/below'
test('above: sees what is below', () => {
  while (isEndless) {}
  expect(low).toBe(1)
})
test('above: does not care', () => expect(low).toBeGreaterThan(0))
test('above: takes its time', () => new Promise((resolve) => setTimeout(resolve, 20)), 1)
`,
  )
})
afterEach(() => rmSync(root, { recursive: true }))

test('copy of the sources: packages and their links, without build results; the original is never touched', async () => {
  const copy = copySources(root)
  expect(await copy.read('packages/below/src/index.ts')).toContain('low: number = 1')
  expect(existsSync(join(copy.root, 'packages/below/dist'))).toBe(false)
  await copy.write('packages/below/src/index.ts', 'changed')
  expect(await copy.read('services/above/node_modules/@rocketmq-ts/below/src/index.ts')).toBe('changed')
  copy.remove()
  expect(existsSync(copy.root)).toBe(false)
  expect(existsSync(join(root, 'node_modules/jest'))).toBe(true)
})

test('copy of the sources: a link between packages that leads out of the copy → refused', () => {
  link('services/above/node_modules/@rocketmq-ts/tooling', join(root, 'packages/tooling'))
  expect(() => copySources(root)).toThrow('services/above: @rocketmq-ts/tooling leads out of the copy')
})

test(
  'mutants: in real files, by a real jest → the fault below is what the test above sees; others survive or are rotten',
  async () => {
    const fault: Mutant = {
      name: 'Low is high',
      file: 'packages/below/src/index.ts',
      text: 'low: number = 1',
      replacement: 'low: number = 2',
      testFile: 'services/above/test/above.test.ts',
      test: 'above: sees what is below',
    }
    const mutants = [
      fault,
      { ...fault, text: 'unseen: number = 7', replacement: 'unseen: number = 8' },
      { ...fault, text: 'was here once' },
      { ...fault, file: 'packages/below/src/moved.ts' },
      { ...fault, replacement: 'low: number = = 2' },
    ]
    const results = await runMutants(mutants, {
      createCopy: () => copySources(root),
      runTests: runJest,
      nowMs: () => 0,
      onBaseline: () => undefined,
      onResult: () => undefined,
    })
    expect(results.map(({ verdict }) => verdict.kind)).toEqual(['caught', 'survived', 'rotten', 'rotten', 'rotten'])
    expect(results[0]?.verdict.reason).toContain('Expected: 1 Received: 2')
  },
  RUNS_DEADLINE_MS,
)

test(
  'run of tests: in the given order, until the first failure, or one name only; one that never ends is ended',
  async () => {
    write(
      'packages/below/test/ok.test.ts',
      "import { test } from '@jest/globals'\ntest('below: is well', () => undefined)\n",
    )
    const run = (testFiles: readonly string[], request: Partial<TestsRequest> = {}) =>
      runJest(realpathSync(root), { testFiles, deadlineMs: () => RUNS_DEADLINE_MS, untilFailure: true, ...request })
    const [above, below] = ['services/above/test/above.test.ts', 'packages/below/test/ok.test.ts']
    expect([...(await run([above, below])).passed]).toEqual([
      'above: sees what is below',
      'above: does not care',
      'above: takes its time',
      'below: is well',
    ])
    expect([...(await run([above], { tests: ['above: is not there', 'above: %s not care'] })).passed]).toEqual([
      'above: does not care',
    ])
    write('packages/below/src/index.ts', 'export const low = 2\nexport const isEndless = false\n')
    expect([...(await run([above, below])).failed.keys()]).toEqual(['above: sees what is below'])
    write('packages/below/src/index.ts', 'export const low = 1\nexport const isEndless = true\n')
    const late = { testFile: above, afterMs: 3000 }
    expect(await run([above, below], { deadlineMs: () => late.afterMs })).toMatchObject({ late, passed: new Set() })
    write('packages/below/src/index.ts', 'export const low = = 1\n')
    expect((await run([above])).broken[0]).toContain(`${above} could not be run`)
    write('packages/below/test/ok.test.ts', 'process.exit(1)')
    expect((await run([below])).broken[0]).toContain(`jest ended before ${below}`)
  },
  RUNS_DEADLINE_MS,
)
