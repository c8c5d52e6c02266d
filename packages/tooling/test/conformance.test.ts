// What users of Apache's cluster rely on, line by line, and where it is tested here. A line without a test, or with one that
// is not there any more, is red.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'

const ROOT = new URL('../../../', import.meta.url)
/** Lines of the checklist of behaviour that this list covers. */
const LINES = 115
/** What is not offered yet; the lines wait for it. */
const LATER = ['4.x clients', 'high availability']
const SEPARATOR = ' › '

interface Line {
  readonly line: number
  readonly rule: string
  /** `path › text`: what the file calls the test, or the case of a table. */
  readonly tests?: readonly string[]
  /** Apache's cluster does it otherwise, and why or how. */
  readonly difference?: string
  readonly later?: string
}

const lines = JSON.parse(readFileSync(new URL('test-e2e/conformance.json', ROOT), 'utf8')) as readonly Line[]

/** What is wrong with the list, as `readText` finds the files; undefined for one that is not there. */
function faultsOf(list: readonly Line[], readText: (path: string) => string | undefined): string[] {
  const faults: string[] = []
  for (let number = 1; number <= LINES; number += 1) {
    const count = list.filter(({ line }) => line === number).length
    if (count !== 1) faults.push(`line ${number} is there ${count} times`)
  }
  for (const { line, rule, tests = [], difference, later } of list) {
    if (rule.trim() === '') faults.push(`line ${line} has no rule`)
    if (later !== undefined && (tests.length > 0 || !LATER.includes(later)))
      faults.push(`line ${line} is later: ${later}`)
    if (later === undefined && tests.length === 0 && difference === undefined) faults.push(`line ${line} has no test`)
    for (const each of tests) {
      const [path = '', text = ''] = each.split(SEPARATOR)
      const content = readText(path)
      if (content === undefined) faults.push(`line ${line}: ${path} is not there`)
      else if (text === '' || !content.includes(text)) faults.push(`line ${line}: ${path} has no test '${text}'`)
    }
  }
  return faults
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(fileURLToPath(new URL(path, ROOT)), 'utf8')
  } catch {
    return undefined
  }
}

test('conformance: each line of the checklist → its test, an intended difference, or what it waits for', () => {
  expect(faultsOf(lines, readFile)).toEqual([])
})

test('conformance: a line that is missing, twice, without a test, or whose test is gone → told', () => {
  const [first, second, third, ...others] = lines as readonly [Line, Line, Line, ...Line[]]
  const broken = [
    second,
    { ...second, tests: [`nowhere.test.ts${SEPARATOR}x`] },
    { line: third.line, rule: third.rule },
    ...others.map((line) => (line.line === 4 ? { ...line, tests: [`package.json${SEPARATOR}no such text`] } : line)),
  ]
  expect(faultsOf(broken, readFile)).toEqual([
    `line ${first.line} is there 0 times`,
    `line ${second.line} is there 2 times`,
    `line ${second.line}: nowhere.test.ts is not there`,
    `line ${third.line} has no test`,
    `line 4: package.json has no test 'no such text'`,
  ])
})
