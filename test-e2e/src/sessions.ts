// `npm run e2e:sessions -- [--only java,go] [--faults half-open,brokers-killed] [--services folder] [--keep]`: the official
// clients of all languages at once, while proxies, brokers, nameservers and connections go and come back, each fault once.
// Prints fault × language with the longest waits; what src/sessions/expected.ts does not excuse is a failure.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createChecks, someOf } from './checks.ts'
import { chosen } from './chosen.ts'
import { LANGUAGES, missingFor } from './sdk/languages.ts'
import { formatTable } from './sdk/table.ts'
import { takeServices } from './server.ts'
import { BUSY, type Clients, IDLE, startClients } from './sessions/clients.ts'
import { type SessionCluster, startSessionCluster } from './sessions/cluster.ts'
import { type Fault, FAULTS } from './sessions/faults.ts'
import type { Role } from './sessions/journal.ts'
import { expectThat, runCheck } from './steps.ts'

/** Whatever was away: everybody goes on so soon. */
const RESUME_MS_MAX = 10_000
/** A little longer than that, so that a longer wait shows. */
const WATCH_MS = 12_000
/** Nobody waits for so long before the first fault. */
const CALM_MS = 3_000
/** What a client of a killed proxy held is given to others when its lease is over: 60 s. */
const ARRIVES_MS_MAX = 90_000
/** From its start on. */
const IDLE_MS_MAX = 180_000
const CLOSE_MS_MAX = 60_000
const POLL_MS = 100

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
const scratch = mkdtempSync(join(tmpdir(), 'rocketmq-ts-sessions-'))
process.once('exit', () => {
  if (values.keep) console.log(`kept ${scratch}`)
  else rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
})
const startedMs = performance.now()
const tell = (line: string) =>
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}`)
const checks = createChecks(tell)
const rows: { readonly title: string; readonly cells: readonly string[] }[] = []

const seconds = (ms: number) => (ms / 1000).toFixed(1)

/** Builds one after the other, starts side by side. */
async function startAll(cluster: SessionCluster): Promise<Clients[]> {
  const all: Clients[] = []
  for (const language of languages) {
    const { name, client } = language
    const missing = missingFor(language)
    if (missing.length > 0) {
      checks.skip(`${name}: ${client}, all faults`, `${missing.join(' and ')} not in PATH`)
      continue
    }
    await runCheck(checks, `${name}: ${client} builds, and its sessions start`, async () => {
      const home = join(scratch, 'homes', name)
      const { rmq, quietEndpoints, balancer } = cluster
      all.push(await startClients({ language, endpoints: balancer.address, quietEndpoints, rmq, home }))
    })
  }
  return all
}

/** Makes the fault and counts a check for each language: how long its clients waited at most. */
async function runFault(
  { title, served, run }: Fault,
  cluster: SessionCluster,
  all: readonly Clients[],
): Promise<void> {
  tell(title)
  const beginMs = Date.now()
  await run(cluster)
  const backMs = Date.now()
  await sleep(WATCH_MS)
  const fromMs = served === 'after' ? backMs : beginMs
  const toMs = backMs + WATCH_MS
  const cells = all.map(({ language, journal, roles }) => {
    const waits = roles.map((role) => journal.longestWaitMs(BUSY, role, fromMs, toMs))
    const shown = waits.map(seconds).join('/')
    const isInTime = waits.every((ms) => ms <= RESUME_MS_MAX)
    checks.check(`${language.name}: ${title}: goes on (${shown} s)`, isInTime, `the longest waits are ${shown} s`)
    return isInTime ? shown : `failed: ${shown} s`
  })
  rows.push({ title, cells })
}

const groupsOf = ({ roles }: Clients): readonly Role[] => roles.filter((role) => role !== 'producer')

/** Everything that was acknowledged by now arrives in every group. */
async function checkArrival(clients: Clients): Promise<void> {
  const { language, journal } = clients
  const untilMs = Date.now()
  const lacking = () =>
    groupsOf(clients).flatMap((role) => {
      const missing = journal.missing(BUSY, role, untilMs)
      return missing.length > 0 ? [`${role} lacks ${someOf(missing.map(String))}`] : []
    })
  await runCheck(checks, `${language.name}: each group gets everything that was acknowledged`, async () => {
    const endMs = untilMs + ARRIVES_MS_MAX
    while (lacking().length > 0 && Date.now() < endMs) await sleep(POLL_MS)
    const left = lacking()
    expectThat(left.length === 0, left.join(', '))
    return `${journal.timesOf(BUSY, 'producer').size} messages`
  })
}

/** The session that idled for so long sends a second message, and its consumers get it. */
async function checkIdle(clients: Clients): Promise<void> {
  const { language, journal } = clients
  await runCheck(
    checks,
    `${language.name}: after 150 idle seconds a message is sent and received at once`,
    async () => {
      const endMs = Date.now() + IDLE_MS_MAX
      const waits = (): number[] => {
        const sentMs = journal.timesOf(IDLE, 'producer').get(2) ?? Infinity
        return groupsOf(clients).map((role) => (journal.timesOf(IDLE, role).get(2) ?? Infinity) - sentMs)
      }
      const isDone = () => waits().every((ms) => Number.isFinite(ms))
      while (!isDone() && Date.now() < endMs) await sleep(POLL_MS)
      const shown = waits().map(seconds).join('/')
      expectThat(isDone() && Math.max(...waits()) <= RESUME_MS_MAX, `the waits are ${shown} s`)
      return `${shown} s`
    },
  )
}

async function checkEnd({ language: { name }, program }: Clients): Promise<void> {
  await runCheck(checks, `${name}: the clients close, and the program exits with 0`, async () => {
    await program.end(CLOSE_MS_MAX)
    expectThat(program.process.exitCode === 0, `it ended with ${program.process.exitCode}`)
  })
}

async function main(): Promise<void> {
  const cluster = await startSessionCluster(join(scratch, 'cluster'), values.services ?? takeServices())
  tell('two nameservers, two brokers and three proxies are ready')
  const all = await startAll(cluster)
  const idle = all.map(checkIdle)
  await sleep(CALM_MS)
  for (const fault of faults) await runFault(fault, cluster, all)
  await Promise.all([...all.map(checkArrival), ...idle])
  await Promise.all(all.map(checkEnd))
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
