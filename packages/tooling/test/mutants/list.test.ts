import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { MUTANTS } from '../../src/mutants/list/index.ts'
import { SURVIVORS } from '../../src/mutants/list/survivors.ts'
import { mutate } from '../../src/mutants/mutant.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

function readSource(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

test('list of mutants: every text is in its file exactly once, every test is in its file', () => {
  const faults = MUTANTS.flatMap((mutant) => {
    const { name, file, testFile, test: testName } = mutant
    if (!existsSync(join(ROOT, file))) return [`${name}: no file ${file}`]
    const mutation = mutate(readSource(file), mutant)
    if (mutation.kind === 'rotten') return [`${name}: ${mutation.reason}`]
    if (!existsSync(join(ROOT, testFile))) return [`${name}: no test file ${testFile}`]
    return readSource(testFile).includes(`'${testName}'`) ? [] : [`${name}: ${testFile} has no test '${testName}'`]
  })
  expect(faults).toEqual([])
})

test('list of mutants: only sources of the product are changed, each under a name of its own', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  expect(MUTANTS.length).toBeGreaterThanOrEqual(22)
  for (const { file, text, replacement } of MUTANTS) {
    expect(file).toMatch(/^(?:packages|services)\/[\w-]+\/src\//u)
    expect(replacement).not.toBe(text)
  }
})

test('list of survivors: every line is still in its file, and says why no test can notice the change', () => {
  for (const { file, line, changed, why } of SURVIVORS) {
    const lines = readSource(file).split('\n')
    expect(lines.map((each) => each.trim())).toContain(line)
    expect(changed).not.toBe(line)
    expect(why.length).toBeGreaterThan(20)
  }
})
