// `npm run e2e:sessions -- [--only java,go] [--faults half-open,brokers-killed] [--services folder] [--keep]`: the official
// clients of all languages at once, while proxies, brokers, nameservers and connections go and come back, each fault once.
// Prints fault × language with the longest waits; what src/sessions/expected.ts does not excuse is a failure.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createChecks } from './checks.ts'
import { chosen } from './chosen.ts'
import { createTell, makeScratch } from './scratch.ts'
import { BUILD_MS_MAX, buildOnce, LANGUAGES, missingFor } from './sdk/languages.ts'
import { formatTable } from './sdk/table.ts'
import { takeServices } from './server.ts'
import { BUSY, type Clients, startClients } from './sessions/clients.ts'
import { type SessionCluster, startSessionCluster } from './sessions/cluster.ts'
import { type Fault, FAULTS } from './sessions/faults.ts'
import {
  checkArrival,
  checkBlame,
  checkEnd,
  checkIdle,
  checkServers,
  inSeconds,
  RESUME_MS_MAX,
  watchMemory,
} from './sessions/judge.ts'
import { runCheck } from './steps.ts'

/** A little longer than that, so that a longer wait shows. */
const WATCH_MS = 12_000
/** What was received just before a fault is told a little later. */
const LAST_WORDS_MS = 2_000
/** Nobody waits for so long before the first fault. */
const CALM_MS = 3_000
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    faults: { type: 'string' },
    services: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const languages = chosen(values.only, 'language', LANGUAGES, ({ name }) => name)
const faults = chosen(values.faults, 'fault', FAULTS, ({ name }) => name)
const scratch = makeScratch('sessions', { keep: values.keep })
const tell = createTell()
const checks = createChecks(tell)
const rows: { readonly title: string; readonly cells: readonly string[] }[] = []

/** Builds one after the other, starts side by side. */
async function startAll(cluster: SessionCluster): Promise<Clients[]> {
  const all: Clients[] = []
  const starting: Promise<boolean>[] = []
  for (const language of languages) {
    const { name, client } = language
    const missing = missingFor(language)
    if (missing.length > 0) {
      checks.skip(`${name}: ${client}, all faults`, `${missing.join(' and ')} not in PATH`)
      continue
    }
    let command: readonly string[] = []
    const build = async () => void (command = await buildOnce(language))
    if (!(await runCheck(checks, `${name}: the program builds with ${client}`, build, BUILD_MS_MAX))) continue
    const start = async () =>
      void all.push(await startClients(language, command, cluster, join(scratch, 'homes', name)))
    starting.push(runCheck(checks, `${name}: its sessions start`, start))
  }
  await Promise.all(starting)
  return all.toSorted((one, other) => languages.indexOf(one.language) - languages.indexOf(other.language))
}

/** Makes the fault and counts a check for each language: how long its clients waited at most. */
async function runFault(
  { title, meanwhile, awayMs, run }: Fault,
  cluster: SessionCluster,
  all: readonly Clients[],
): Promise<void> {
  tell(title)
  const beginMs = Date.now()
  await run(cluster, awayMs)
  const backMs = Date.now()
  await sleep(WATCH_MS)
  const fromMs = meanwhile === 'nobody' ? backMs : beginMs
  const waitsIn = ({ journal, roles }: Clients, range: readonly [number, number]) =>
    roles.map((role) => journal.longestWaitMs(BUSY, role, ...range))
  const cells = all.map((clients) => {
    const waits = waitsIn(clients, [fromMs, backMs + WATCH_MS])
    const shown = waits.map(inSeconds).join('/')
    const isInTime = waits.every((ms) => ms <= RESUME_MS_MAX)
    checks.check(`${clients.language.name}: ${title}: goes on (${shown} s)`, isInTime)
    return isInTime ? shown : `failed: ${shown} s`
  })
  rows.push({ title, cells })
  if (meanwhile === 'others') return
  const served = all.filter((clients) => waitsIn(clients, [beginMs, backMs]).some((ms) => ms < awayMs - LAST_WORDS_MS))
  const names = served.map(({ language }) => language.name).join(', ')
  checks.check(`${title}: nobody is served meanwhile`, served.length === 0, names)
}

async function main(): Promise<void> {
  const cluster = await startSessionCluster(join(scratch, 'cluster'), values.services ?? takeServices())
  tell('two nameservers, two brokers and three proxies are ready')
  const all = await startAll(cluster)
  const idle = all.map((clients) => checkIdle(checks, clients))
  await sleep(CALM_MS)
  const checkMemory = watchMemory(checks, cluster, all)
  for (const fault of faults) await runFault(fault, cluster, all)
  await Promise.all([...all.map((clients) => checkArrival(checks, clients)), ...idle])
  await checkMemory()
  for (const clients of all) await checkBlame(checks, clients)
  await checkServers(checks, cluster)
  await Promise.all(all.map((clients) => checkEnd(checks, clients)))
  await cluster.stop()
  console.log(`\n${formatTable({ columns: all.map(({ language }) => language.name), rows })}\n`)
}

try {
  await main()
} catch (error) {
  checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
}
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
