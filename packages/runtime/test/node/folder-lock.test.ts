import { afterEach, expect, test } from '@jest/globals'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createNodeFiles } from '../../src/node/index.ts'

const HOLDER = fileURLToPath(new URL('./fixtures/lock-holder.ts', import.meta.url))
const files = createNodeFiles()
const folders: string[] = []
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true })
})

function makeFolder(name = ''): string {
  const base = fs.mkdtempSync(join(os.tmpdir(), 'rmq-lock-'))
  folders.push(base)
  const folder = join(base, name)
  fs.mkdirSync(folder, { recursive: true })
  return folder
}

/** A process that tries to take the folder, and its first line: 'held' or why not. */
async function startHolder(
  folder: string,
  holder: string,
): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const child = spawn(process.execPath, [HOLDER, folder, holder], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  return { child, line: chunk.toString().trim() }
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

test('lock: held by another process → locked naming it; killed with SIGKILL → free at once', async () => {
  const folder = makeFolder()
  const { child, line } = await startHolder(folder, 'broker-a')
  expect(line).toBe('held')
  await expect(files.lockFolder(folder, 'broker-b')).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining(`held by process ${child.pid}, broker-a;`),
  })
  await kill(child)
  expect(fs.readdirSync(folder)).toHaveLength(1)
  const lock = await files.lockFolder(folder, 'broker-b')
  expect(fs.readdirSync(folder)).toHaveLength(1)
  await lock.release()
  expect(fs.readdirSync(folder)).toEqual([])
})

test('lock: several processes race for the folder of a killed one → one wins, the others name it', async () => {
  const folder = makeFolder()
  const dead = await startHolder(folder, 'dead')
  await kill(dead.child)
  const starts = await Promise.all(['a', 'b', 'c'].map((name) => startHolder(folder, `starter-${name}`)))
  const winners = starts.filter(({ line }) => line === 'held')
  expect(winners).toHaveLength(1)
  const winner = ['a', 'b', 'c'][starts.indexOf(winners[0] as (typeof starts)[number])]
  for (const { line } of starts) if (line !== 'held') expect(line).toContain(`starter-${winner}`)
})

test('lock: a holder that is stopped and can not answer → still locked', async () => {
  const folder = makeFolder()
  const { child } = await startHolder(folder, 'broker-a')
  child.kill('SIGSTOP')
  await expect(files.lockFolder(folder, 'broker-b')).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining('does not answer'),
  })
})

test('lock: a path longer than a socket may have → works all the same', async () => {
  const folder = makeFolder(join('a'.repeat(120), 'b'.repeat(120)))
  const lock = await files.lockFolder(folder, 'broker-a')
  expect(fs.readdirSync(folder)).toHaveLength(1)
  await expect(files.lockFolder(folder, 'broker-b')).rejects.toMatchObject({
    message: expect.stringContaining('broker-a'),
  })
  await lock.release()
  expect(fs.readdirSync(folder)).toEqual([])
})

test('lock: sockets left by dead processes, published or not → removed by the next holder', async () => {
  const folder = makeFolder()
  for (const name of ['.lock.0000000000000000', '.lock.ffffffffffffffff', '.lock-new.1111111111111111']) {
    const { child } = await startHolder(folder, name)
    await kill(child)
    const [left] = fs
      .readdirSync(folder)
      .filter((entry) => !fs.existsSync(join(folder, 'kept', entry)) && entry !== 'kept')
    fs.mkdirSync(join(folder, 'kept'), { recursive: true })
    fs.renameSync(join(folder, left as string), join(folder, 'kept', name))
  }
  for (const name of fs.readdirSync(join(folder, 'kept'))) fs.renameSync(join(folder, 'kept', name), join(folder, name))
  fs.rmdirSync(join(folder, 'kept'))
  expect(fs.readdirSync(folder)).toHaveLength(3)
  const lock = await files.lockFolder(folder, 'broker')
  expect(fs.readdirSync(folder)).toHaveLength(1)
  await lock.release()
})

test('lock: held → does not keep the process alive', async () => {
  const folder = makeFolder()
  const child = spawn(process.execPath, [HOLDER, folder, 'broker', 'end'], { stdio: 'ignore' })
  children.push(child)
  const [code] = (await once(child, 'exit')) as [number | null]
  expect(code).toBe(0)
  await (await files.lockFolder(folder, 'next')).release()
})

test('lock: the disk lets its file not be removed → released all the same, and the next one takes the folder', async () => {
  const folder = makeFolder()
  const lock = await files.lockFolder(folder, 'first')
  const [name = ''] = fs.readdirSync(folder)
  // In its place something that can not be removed as a file, for who has all rights as well.
  fs.rmSync(join(folder, name))
  fs.mkdirSync(join(folder, name))
  await lock.release()
  fs.rmdirSync(join(folder, name))
  const next = await files.lockFolder(folder, 'second')
  await next.release()
})
