import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { installStampOf, run } from '../src/bootstrap.mjs'
import { sourceStampOf, threadModulesOf } from '../src/bundle.mjs'

let root = ''

function write(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), text)
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bootstrap-'))
  for (const path of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'packages/tooling/src/bundle.mjs'])
    write(path, '1')
  write('packages/model/package.json', '{}')
  write('packages/model/src/deep/a.ts', '1')
  write('services/broker/src/main.ts', '1')
})
afterEach(() => rmSync(root, { recursive: true }))

test.each(['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'packages/model/package.json'])(
  'bootstrap: %s changes → install again',
  (path) => {
    const before = installStampOf(root)
    expect(installStampOf(root)).toBe(before)
    write(path, '2')
    expect(installStampOf(root)).not.toBe(before)
  },
)

test('bootstrap: a new package → install again; a changed source → not', () => {
  const before = installStampOf(root)
  write('packages/model/src/deep/a.ts', '22')
  expect(installStampOf(root)).toBe(before)
  write('services/proxy/package.json', '{}')
  expect(installStampOf(root)).not.toBe(before)
})

test.each([
  'packages/model/src/deep/a.ts',
  'services/broker/src/main.ts',
  'packages/model/src/new.ts',
  'pnpm-lock.yaml',
])('bundle: %s changes → made again', (path) => {
  const before = sourceStampOf(root)
  expect(sourceStampOf(root)).toBe(before)
  write(path, '22')
  expect(sourceStampOf(root)).not.toBe(before)
})

test('bundle: the same size at another time → made again; a test changes → not', () => {
  const before = sourceStampOf(root)
  write('packages/model/test/a.test.ts', '1')
  expect(sourceStampOf(root)).toBe(before)
  utimesSync(join(root, 'packages/model/src/deep/a.ts'), 1, 1)
  expect(sourceStampOf(root)).not.toBe(before)
})

test('bundle: what threads import → entries of their own; the jobs of tests → not', () => {
  for (const path of ['packages/runtime/src/node/offload-worker.ts', 'packages/model/src/deep/check.job.ts'])
    write(path, '1')
  write('packages/testkit/src/contracts/some.job.ts', '1')
  write('packages/model/test/some.job.ts', '1')
  expect(threadModulesOf(root)).toEqual([
    'packages/model/src/deep/check.job.ts',
    'packages/runtime/src/node/offload-worker.ts',
  ])
})

test('run: a child ends by itself or by a signal → its exit code, or 128 and the signal', async () => {
  const options = { stdio: 'ignore' } as const
  expect(await run(process.execPath, ['-e', 'process.exit(7)'], options)).toBe(7)
  expect(await run(process.execPath, ['-e', "process.kill(process.pid, 'SIGKILL')"], options)).toBe(137)
  const threads = 'process.exit(Number(process.env.UV_THREADPOOL_SIZE))'
  expect(await run(process.execPath, ['-e', threads], options)).toBe(8)
})

test('run: a command that does not exist → an error', async () => {
  await expect(run('no-such-command-here', [])).rejects.toMatchObject({ code: 'ENOENT' })
})
