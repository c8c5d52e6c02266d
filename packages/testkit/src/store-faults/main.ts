// `npm run store-faults [-- --faults N] [--from N] [--show]`: plants faults into stores and asks `rmq store check`'s check
// for each. Ends with `N passed, N failed` over the faults; a field listed as uncovered that hides none fails too.
import process from 'node:process'
import { parseArgs } from 'node:util'
import { createFaultRunner } from './run-faults.ts'
import { UNCOVERED_FIELDS } from './uncovered.ts'

const FAULTS_DEFAULT = 10_000
const PROGRESS_EVERY = 1000

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: String(FAULTS_DEFAULT) },
    from: { type: 'string', default: '0' },
    show: { type: 'boolean', default: false },
  },
})
const faults = Number(values.faults)
const from = Number(values.from)
const runner = await createFaultRunner()
const kinds = new Map<string, number>()
const fields = new Map<string, number>()
let found = 0
let failed = 0

for (let seed = from; seed < from + faults; seed += 1) {
  const { outcome, store, fault, ...rest } = await runner.run(seed)
  if (outcome === 'found') found += 1
  if (outcome === 'missed') {
    failed += 1
    console.log(`MISSED  seed ${seed}, ${store}: ${fault.kind}, ${fault.what}`)
  }
  if (values.show) console.log(seed, outcome, store, fault.what, rest.kinds.join(' '), rest.fields.join(' '))
  for (const kind of rest.kinds) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  for (const field of rest.fields) fields.set(field, (fields.get(field) ?? 0) + 1)
  if ((seed - from + 1) % PROGRESS_EVERY === 0) console.log(`${seed - from + 1} faults planted, ${failed} missed`)
}

const sorted = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
console.log(`found by: ${sorted(kinds)}`)
console.log(`not found, and listed as uncovered: ${faults - found - failed} (${sorted(fields)})`)
for (const field of UNCOVERED_FIELDS) {
  if (await runner.hides(field)) continue
  failed += 1
  console.log(`LISTED  ${field} hides no fault: take it from the list`)
}
console.log(`${faults + UNCOVERED_FIELDS.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
