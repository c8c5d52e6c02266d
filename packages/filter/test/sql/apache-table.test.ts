// What Apache's own evaluator says (`npm run filters -- --record` writes the table), held against ours. Where we differ on
// purpose a rule says so, and a rule without a row is stale.
import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { compile, Truth } from '../../src/sql/compile.ts'
import { parseSql } from '../../src/sql/parse.ts'

type Row = readonly [expression: string, properties: Readonly<Record<string, string>>, outcome: string]

const { apache, rows } = JSON.parse(readFileSync(new URL('./apache-table.json', import.meta.url), 'utf8')) as {
  readonly apache: string
  readonly rows: readonly Row[]
}

const NAMES = { [Truth.FALSE]: 'false', [Truth.TRUE]: 'true', [Truth.UNKNOWN]: 'unknown', [Truth.FAILED]: 'fails' }

function ourOutcome([expression, properties]: Row): { readonly outcome: string; readonly reason: string } {
  try {
    const truth = compile(parseSql(expression))((name) => properties[name])
    return { outcome: NAMES[truth], reason: '' }
  } catch (error) {
    return { outcome: 'refused', reason: (error as Error).message }
  }
}

/** Differences that are meant. */
const RULES = {
  // Apache's parser stops behind a whole expression, whatever follows: `a LIKE 'x'` is `a`, which nothing matches.
  'text behind the expression is refused': ([, , theirs]: Row, ours: string, reason: string) =>
    theirs !== 'refused' && ours === 'refused' && /the end is missing|there is no LIKE/.test(reason),
  // Apache casts TRUE to a string, and crashes for every message.
  'TRUE = property is property = TRUE': ([, , theirs]: Row, ours: string) =>
    theirs === 'crashes' && (ours === 'true' || ours === 'false'),
}

const differing = rows.map((row) => ({ row, ...ourOutcome(row) })).filter(({ row, outcome }) => row[2] !== outcome)

test(`table: ${rows.length} cases of Apache ${apache} → the same outcome, but for what differs on purpose`, () => {
  expect(rows.length).toBeGreaterThanOrEqual(200)
  expect(new Set(rows.map(([, , outcome]) => outcome)).size).toBe(6)
  const rules = Object.values(RULES)
  expect(
    differing.filter(({ row, outcome, reason }) => !rules.some((rule) => rule(row, outcome, reason))),
  ).toStrictEqual([])
})

test.each(Object.entries(RULES))('table: %s → some case shows it', (_name, rule) => {
  expect(differing.some(({ row, outcome, reason }) => rule(row, outcome, reason))).toBe(true)
})
