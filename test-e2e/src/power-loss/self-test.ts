// Shows before a run that the shim sees what Node does to files: a child changes files in every way the server does,
// syncs some, and is killed; what was synced must be there afterwards, and nothing else.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from '../random.ts'
import type { Shim } from './shim.ts'
import { takeBack } from './take-back.ts'

const CHILD_MS_MAX = 30_000

const CHILD = `
import fs from 'node:fs'
const [, root] = process.argv
const path = (name) => root + '/' + name
const sync = (name) => { const fd = fs.openSync(path(name), 'r'); fs.fsyncSync(fd); fs.closeSync(fd) }
const step = (call, ...args) => new Promise((done, failed) => call(...args, (error) => error ? failed(error) : done()))

const log = fs.openSync(path('log'), 'w+')
fs.writeSync(log, Buffer.from('kept'), 0, 4, 0)
fs.writeFileSync(path('replaced'), 'old'); sync('replaced')
fs.writeFileSync(path('removed'), 'back'); sync('removed')
await step(fs.fdatasync, log)
sync('.')

fs.writeSync(log, Buffer.from('LOST'), 0, 4, 2)
fs.writevSync(log, [Buffer.from('lo'), Buffer.from('st')], 6)
await step(fs.ftruncate, log, 9000)
fs.writeFileSync(path('new.tmp'), 'new'); sync('new.tmp')
await step(fs.rename, path('new.tmp'), path('replaced'))
await step(fs.rm, path('removed'), { recursive: true, force: true })
await step(fs.mkdir, path('folder/inner'), { recursive: true })
fs.writeFileSync(path('folder/inner/file'), 'gone')
process.kill(process.pid, 'SIGKILL')
`

const EXPECTED: Readonly<Record<string, string>> = { log: 'kept', removed: 'back', replaced: 'old' }

/** Undefined when all is well, else what is wrong. */
export function testShim(shim: Shim, folder: string): string | undefined {
  const root = join(folder, 'files')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  const watch = shim.watch(root, join(folder, 'undo'))
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', CHILD, root], {
    env: { ...process.env, ...watch.env },
    timeout: CHILD_MS_MAX,
    encoding: 'utf8',
  })
  if (child.signal !== 'SIGKILL') return `the child ended with ${child.status ?? child.signal}: ${child.stderr}`
  const loss = takeBack({ watch, kind: 'all', random: createRandom(0) })
  if (loss.unsupported.length > 0) return `unsupported calls: ${loss.unsupported.join(', ')}`
  const found = Object.fromEntries(
    readdirSync(root)
      .sort()
      .map((name) => [name, readFileSync(join(root, name), 'utf8')]),
  )
  if (JSON.stringify(found) === JSON.stringify(EXPECTED)) return undefined
  return `found ${JSON.stringify(found)} instead of ${JSON.stringify(EXPECTED)}`
}
