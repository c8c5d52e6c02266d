import { expect, test } from '@jest/globals'
import fs from 'node:fs/promises'
import os from 'node:os'
import { join } from 'node:path'
import {
  discardGenerationsBeyond,
  FileError,
  type Files,
  type Generations,
  readGenerations,
  writeGeneration,
} from '../src/index.ts'
import { createNodeFiles } from '../src/node/index.ts'

const KIND = { kind: 'TEST', versionMax: 2 }

async function withFolder(body: (files: Files, folder: string) => Promise<void>): Promise<void> {
  const folder = await fs.mkdtemp(join(os.tmpdir(), 'rmq-generations-'))
  try {
    await body(createNodeFiles(), folder)
  } finally {
    await fs.rm(folder, { recursive: true })
  }
}

function write(files: Files, path: string, text: string, coversTo = 0): Promise<number> {
  return writeGeneration(files, path, { kind: 'TEST', version: 1, coversTo, payload: Buffer.from(text) })
}

function summary({ valid, damaged }: Generations): unknown {
  return {
    valid: valid.map(({ generation, payload }) => `${generation} ${new TextDecoder().decode(payload)}`),
    damaged: damaged.map(({ generation, reason }) => `${generation} ${reason}`),
  }
}

test('generations: none written → none found, also without the folder', () =>
  withFolder(async (files, folder) => {
    expect(await readGenerations(files, `${folder}/none/file`, KIND)).toEqual({ valid: [], damaged: [] })
  }))

test('generations: every write makes the next one, and the one before stays', () =>
  withFolder(async (files, folder) => {
    const path = `${folder}/offsets`
    await files.open(`${folder}/offsets.json`, 'create').then((file) => file.close())
    for (const text of ['one', 'two', 'three']) await write(files, path, text, 70)
    expect((await files.list(folder)).map(({ name }) => name)).toEqual(['offsets.2', 'offsets.3', 'offsets.json'])
    const found = await readGenerations(files, path, KIND)
    expect(summary(found)).toEqual({ valid: ['3 three', '2 two'], damaged: [] })
    expect(found.valid[0]).toMatchObject({ path: `${path}.3`, kind: 'TEST', version: 1, coversTo: 70 })
  }))

test('generations: the bytes are those of the documented layout', () =>
  withFolder(async (files, folder) => {
    const path = `${folder}/a`
    await writeGeneration(files, path, { kind: 'OFFS', version: 7, coversTo: 2 ** 40 + 5, payload: Buffer.from('hi') })
    const bytes = Buffer.from((await files.readWhole(`${path}.1`, 100)) ?? [])
    expect(bytes.subarray(0, -4).toString('hex')).toBe(
      ['524d5147', '4f464653', '00000007', '0000000000000001', '0000010000000005', '00000002', '6869'].join(''),
    )
    expect(bytes).toHaveLength(38)
    const payload = [Buffer.from('h'), new Uint8Array(0), Buffer.from('i')]
    await writeGeneration(files, `${folder}/b`, { kind: 'OFFS', version: 7, coversTo: 2 ** 40 + 5, payload })
    expect(Buffer.from((await files.readWhole(`${folder}/b.1`, 100)) ?? [])).toEqual(bytes)
  }))

test('generations: any damaged bit or cut → reported with a reason, the one before is found', () =>
  withFolder(async (files, folder) => {
    const path = `${folder}/a`
    await write(files, path, 'good')
    await write(files, path, 'bad')
    const whole = Buffer.from((await files.readWhole(`${path}.2`, 100)) ?? [])
    for (let length = 0; length < whole.length; length += 1) {
      await fs.writeFile(`${path}.2`, whole.subarray(0, length))
      expect((await readGenerations(files, path, KIND)).valid.map(({ generation }) => generation)).toEqual([1])
    }
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const flipped = Buffer.from(whole)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      await fs.writeFile(`${path}.2`, flipped)
      const found = await readGenerations(files, path, KIND)
      expect(found.valid.map(({ generation }) => generation)).toEqual([1])
      expect(found.damaged).toHaveLength(1)
    }
  }))

test('generations: of another kind, of a newer version, or renamed → damaged, saying so', () =>
  withFolder(async (files, folder) => {
    const path = `${folder}/a`
    await writeGeneration(files, path, { kind: 'ELSE', version: 1, coversTo: 0, payload: new Uint8Array(0) })
    await writeGeneration(files, path, { kind: 'TEST', version: 3, coversTo: 0, payload: new Uint8Array(0) })
    expect(summary(await readGenerations(files, path, KIND))).toEqual({
      valid: [],
      damaged: ['2 version 3 is newer than 2, the newest known', "1 of kind 'ELSE' instead of 'TEST'"],
    })
    await fs.rename(`${path}.2`, `${path}.9`)
    const found = await readGenerations(files, path, { kind: 'TEST', versionMax: 3 })
    expect(summary(found)).toMatchObject({ damaged: ['9 holds generation 2 under the name of 9', expect.anything()] })
  }))

test('generations: longer than the caller allows → damaged, nothing is allocated', () =>
  withFolder(async (files, folder) => {
    const path = `${folder}/a`
    await write(files, path, 'x'.repeat(100))
    const found = await readGenerations(files, path, { ...KIND, payloadBytesMax: 99 })
    expect(found.damaged[0]?.reason).toContain('longer than')
  }))

test('generations: the log is not flushed to coversTo yet → the file keeps its temporary name', () =>
  withFolder(async (files, folder) => {
    const path = `${folder}/a`
    const asked: number[] = []
    const writing = writeGeneration(files, path, {
      kind: 'TEST',
      version: 1,
      coversTo: 4096,
      payload: new Uint8Array(3),
      whenFlushed: async (position) => {
        asked.push(position)
        expect((await files.list(folder)).map(({ name }) => name)).toEqual(['a.tmp'])
      },
    })
    expect(await writing).toBe(1)
    expect(asked).toEqual([4096])
    expect((await files.list(folder)).map(({ name }) => name)).toEqual(['a.1'])
  }))

test('generations: the flush fails → rejected, and the generations before are as they were', () =>
  withFolder(async (files, folder) => {
    const path = `${folder}/a`
    await write(files, path, 'one')
    const failing = writeGeneration(files, path, {
      kind: 'TEST',
      version: 1,
      coversTo: 1,
      payload: new Uint8Array(0),
      whenFlushed: () => Promise.reject(new FileError('io', path, 'can not sync')),
    })
    await expect(failing).rejects.toMatchObject({ code: 'io' })
    expect(summary(await readGenerations(files, path, KIND))).toEqual({ valid: ['1 one'], damaged: [] })
    await write(files, path, 'two')
    expect(summary(await readGenerations(files, path, KIND))).toEqual({ valid: ['2 two', '1 one'], damaged: [] })
  }))

test('generations: beyond the recovered end of the log → removed, the others stay', () =>
  withFolder(async (files, folder) => {
    const path = `${folder}/a`
    await write(files, path, 'one', 100)
    await write(files, path, 'two', 101)
    const { valid } = await readGenerations(files, path, KIND)
    const kept = await discardGenerationsBeyond(files, valid, 100)
    expect(kept.map(({ generation }) => generation)).toEqual([1])
    expect((await files.list(folder)).map(({ name }) => name)).toEqual(['a.1'])
  }))
