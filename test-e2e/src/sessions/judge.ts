// What is judged when all faults are over: what arrived, what was idle, what users and operators were told, how much memory
// it took.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Checks, someOf } from '../checks.ts'
import { readSeries } from '../ledger.ts'
import { outputOf } from '../sdk/program.ts'
import { expectThat, runCheck } from '../steps.ts'
import { BUSY, type Clients, IDLE } from './clients.ts'
import type { SessionCluster } from './cluster.ts'
import { BLAME, OWN_BLAMES } from './expected.ts'
import type { Role } from './journal.ts'
import { memoryOf } from './memory.ts'

/** After whatever was away, and after an idle time: everybody goes on so soon. */
export const RESUME_MS_MAX = 10_000
/** From the start of an idle session on; its second message comes after 150 s. */
const IDLE_MS_MAX = 180_000
/** What a client of a killed proxy held is given to others when its lease is over: 60 s. */
const ARRIVES_MS_MAX = 90_000
const CLOSE_MS_MAX = 60_000
const POLL_MS = 100
/** Of servers and clients, from the first quiet moment to the peak of the faults. */
const GROWTH_MIB_MAX = 200
const REQUESTS = 'rocketmq_ts_grpc_requests_total'
const BLAMING_CODES = new Set(['50000', '50001'])

export const inSeconds = (ms: number): string => (ms / 1000).toFixed(1)

const groupsOf = ({ roles }: Clients): readonly Role[] => roles.filter((role) => role !== 'producer')

/** The session that idles sends its second message in the end, and its consumers get it. */
export async function checkIdle(checks: Checks, clients: Clients): Promise<void> {
  const { language, journal } = clients
  await runCheck(
    checks,
    `${language.name}: after 150 idle seconds a message is sent and received at once`,
    async () => {
      const endMs = Date.now() + IDLE_MS_MAX
      const waits = (): number[] => {
        const sentMs = journal.timesOf(IDLE, 'producer').get(2) ?? -Infinity
        return groupsOf(clients).map((role) => (journal.timesOf(IDLE, role).get(2) ?? Infinity) - sentMs)
      }
      const isDone = () => waits().every((ms) => Number.isFinite(ms))
      while (!isDone() && Date.now() < endMs) await sleep(POLL_MS)
      const shown = waits().map(inSeconds).join('/')
      expectThat(isDone() && Math.max(...waits()) <= RESUME_MS_MAX, `the waits are ${shown} s`)
      return `${shown} s`
    },
  )
}

/** Everything that was acknowledged by now arrives in every group. */
export async function checkArrival(checks: Checks, clients: Clients): Promise<void> {
  const { language, journal } = clients
  const untilMs = Date.now()
  const lacking = () =>
    groupsOf(clients).flatMap((role) => {
      const missing = journal.missing(BUSY, role, untilMs)
      return missing.length > 0 ? [`${role} lacks ${someOf(missing.map(String))}`] : []
    })
  await runCheck(checks, `${language.name}: each group gets everything that was acknowledged`, async () => {
    const endMs = untilMs + ARRIVES_MS_MAX
    const late = lacking().join(', ')
    while (lacking().length > 0 && Date.now() < endMs) await sleep(POLL_MS)
    const left = lacking()
    expectThat(left.length === 0, left.join(', '))
    const sent = journal.timesOf(BUSY, 'producer').size
    expectThat(sent > 0, 'nothing was acknowledged')
    return `${sent} messages${late === '' ? '' : `, ${late} for ${inSeconds(Date.now() - untilMs)} s`}`
  })
}

/** Neither the application nor the client's log is told that a server's inside is to blame. */
export async function checkBlame(checks: Checks, { language, program, journal }: Clients): Promise<void> {
  await runCheck(checks, `${language.name}: no error that reaches the user blames the inside of a server`, () => {
    expectThat(language.logs === 'stderr' || program.logLength() > 0, 'it wrote no log')
    const told = [...journal.failures, ...program.complaints()]
    const blaming = told.filter((line) => BLAME.test(line) && !OWN_BLAMES[language.name].some((own) => own.test(line)))
    expectThat(blaming.length === 0, someOf(blaming))
    return `${journal.failures.length} errors`
  })
}

export async function checkEnd(checks: Checks, { language, program }: Clients): Promise<void> {
  await runCheck(checks, `${language.name}: the clients close, and the program exits with 0`, async () => {
    await program.end(CLOSE_MS_MAX)
    expectThat(program.process.exitCode === 0, `it ended with ${program.process.exitCode}:\n${outputOf(program)}`)
  })
}

/** What the servers say about it themselves. */
export async function checkServers(checks: Checks, { proxies, nodes }: SessionCluster): Promise<void> {
  await runCheck(checks, 'no call was answered with a code that blames the inside of a server', async () => {
    const series = await Promise.all(proxies.map(({ healthUrl }) => readSeries(healthUrl, REQUESTS)))
    expectThat(series.flat().length > 0, `no ${REQUESTS}`)
    const blaming = series.flat().filter(({ labels, value }) => value > 0 && BLAMING_CODES.has(labels['code'] ?? ''))
    expectThat(
      blaming.length === 0,
      someOf(blaming.map(({ labels, value }) => `${value} × ${labels['method']} ${labels['code']}`)),
    )
  })
  await runCheck(checks, 'the logs of the servers have no error', () => {
    const lines = nodes.flatMap(({ logFile }) => readFileSync(logFile, 'utf8').split('\n'))
    const errors = lines.filter((line) => line !== '' && !/"level":"(?:debug|info|warn)"/.test(line))
    expectThat(errors.length === 0, someOf(errors))
  })
}

/** Remembers how much everybody takes, and checks later how much it was at most. */
export function watchMemory(checks: Checks, { nodes }: SessionCluster, all: readonly Clients[]): () => Promise<void> {
  const processes = [...nodes.map((node) => ({ name: node.name, pid: () => node.pid })), ...all.map(programOf)]
  const before = processes.map(({ pid }) => memoryOf(pid()))
  return async () => {
    await runCheck(checks, `servers and clients grow by ${GROWTH_MIB_MAX} MiB at most`, () => {
      const growths = processes.map(({ name, pid }, index) => {
        const [was, now] = [before[index], memoryOf(pid())]
        return {
          name,
          peakMiB: now?.peakMiB ?? 0,
          growthMiB: was === undefined || now === undefined ? 0 : now.peakMiB - was.nowMiB,
        }
      })
      const shown = growths.map(
        ({ name, peakMiB, growthMiB }) => `${name} ${peakMiB.toFixed(0)} (+${growthMiB.toFixed(0)})`,
      )
      expectThat(
        growths.every(({ growthMiB }) => growthMiB <= GROWTH_MIB_MAX),
        shown.join(', '),
      )
      return `peaks in MiB: ${shown.join(', ')}`
    })
  }
}

const programOf = ({ language, program }: Clients) => ({ name: language.name, pid: () => program.process.pid })
