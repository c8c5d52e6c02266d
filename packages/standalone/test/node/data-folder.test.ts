import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { openDataFolder } from '../../src/node/data-folder.ts'

let parent = ''
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'data-folder-'))
})
afterEach(() => rmSync(parent, { recursive: true }))

test('data folder: kept → made, and there after the end', () => {
  const folder = openDataFolder({ dataDir: join(parent, 'a/b'), ephemeral: false, isChosen: true })
  folder.remove()
  expect(existsSync(join(parent, 'a/b'))).toBe(true)
})

test('data folder: ephemeral inside a chosen one → removed alone, twice is fine', () => {
  writeFileSync(join(parent, 'other'), '')
  const folder = openDataFolder({ dataDir: parent, ephemeral: true, isChosen: true })
  expect(dirname(folder.path)).toBe(parent)
  writeFileSync(join(folder.path, 'file'), '')
  folder.remove()
  folder.remove()
  expect(readdirSync(parent)).toEqual(['other'])
})

test('data folder: ephemeral without a chosen one → among the temporary files', () => {
  const folder = openDataFolder({ dataDir: './data', ephemeral: true, isChosen: false })
  expect(dirname(folder.path)).toBe(tmpdir())
  folder.remove()
  expect(existsSync(folder.path)).toBe(false)
})
