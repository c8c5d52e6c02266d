// `npm run filters`: our SQL92 filters beside Apache's own. Needs java and mvn; no test does.
//
//   npm run filters -- --record            writes the table that packages/filter/test/sql compares with
//   npm run filters -- --fuzz 100000       compares so many random expressions; --seed N for the same ones again
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { apacheVersion, createApacheEvaluator, type Outcome, type Question } from './apache-evaluator.ts'
import { questions } from './cases.ts'
import { difference } from './our-outcome.ts'
import { randomQuestions } from './random-questions.ts'

const TABLE = fileURLToPath(new URL('../../../filter/test/sql/apache-table.json', import.meta.url))
const QUESTIONS_PER_PROCESS = 50_000
const SHOWN_MAX = 20

function record(): void {
  const asked = questions()
  const outcomes = createApacheEvaluator()(asked)
  const rows = asked.map(({ expression, properties }, index) =>
    JSON.stringify([expression, properties, outcomes[index]]),
  )
  writeFileSync(TABLE, `{ "apache": "${apacheVersion()}",\n  "rows": [\n    ${rows.join(',\n    ')}\n  ] }\n`)
  console.log(`${rows.length} rows written, of Apache ${apacheVersion()}`)
}

function fuzz(count: number, seed: number): boolean {
  const ask = createApacheEvaluator()
  const outcomes: Partial<Record<Outcome, number>> = {}
  let failed = 0
  for (let from = 0; from < count; from += QUESTIONS_PER_PROCESS) {
    const asked: readonly Question[] = randomQuestions(seed + from, Math.min(QUESTIONS_PER_PROCESS, count - from))
    for (const [index, theirs] of ask(asked).entries()) {
      const question = asked[index]!
      outcomes[theirs] = (outcomes[theirs] ?? 0) + 1
      const ours = difference(question, theirs)
      if (ours === undefined) continue
      failed += 1
      if (failed <= SHOWN_MAX) console.log(`Apache: ${theirs}, ours: ${ours}: ${JSON.stringify(question)}`)
    }
    console.log(`${Math.min(count, from + QUESTIONS_PER_PROCESS)} of ${count}, ${failed} differ`)
  }
  console.log(`seed ${seed}; Apache said ${JSON.stringify(outcomes)}`)
  console.log(`${count - failed} passed, ${failed} failed`)
  return failed === 0
}

const { values } = parseArgs({
  options: { record: { type: 'boolean' }, fuzz: { type: 'string' }, seed: { type: 'string', default: '1' } },
})
if (values.record === true) record()
else if (values.fuzz !== undefined) process.exitCode = fuzz(Number(values.fuzz), Number(values.seed)) ? 0 : 1
else {
  console.error('say --record or --fuzz N')
  process.exitCode = 1
}
