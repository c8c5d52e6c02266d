// The cells of one language: what its program says, and what the servers and logs say to it.
import { availableParallelism, loadavg } from 'node:os'
import { type Checks, someOf } from '../checks.ts'
import { expectThat, runCheck } from '../steps.ts'
import type { SdkCluster } from './cluster.ts'
import { COMPLAINTS_OF_A_BUSY_MACHINE, EXPECTED_COMPLAINTS, FEATURES } from './expected.ts'
import { apacheVerdict } from './expected-apache.ts'
import type { Language, LanguageName } from './languages.ts'
import { outputOf, type Program, type Report } from './program.ts'
import { commandCell } from './client-commands.ts'
import { messageCell } from './message-questions.ts'
import type { Rmq } from './rmq.ts'
import { unsettled } from './server-side.ts'

const RUN_MS_MAX = 150_000
/** Closing a push consumer waits for its poll to end: 20 s. */
const CLOSE_MS_MAX = 90_000
/** Clients acknowledge in the background. */
const SETTLE_MS_MAX = 30_000
const DEAD_LETTER_MS_MAX = 60_000

/** What is done to the group of a scenario when it asks for it. */
const OPERATED: Readonly<Record<string, (rmq: Rmq, group: string) => Promise<void>>> = {
  'group-reset': (rmq, group) => rmq.resetGroup(group),
  'settings-pushed': (rmq, group) => rmq.orderGroup(group),
}

/** Cells by scenario. */
export type Column = ReadonlyMap<string, string>

/** Counts a check for each scenario as soon as the program tells of it, then ends the program and counts the rest. */
export async function judge(
  checks: Checks,
  { name, logs }: Language,
  program: Program,
  { inside, rmq }: SdkCluster,
  scenarios: readonly string[],
): Promise<Column> {
  const limit = setTimeout(() => program.process.signalGroup('SIGKILL'), RUN_MS_MAX)
  const column = new Map<string, string>()
  const told = scenarios.map(async (scenario) => {
    const { title, cells, after } = FEATURES[scenario] ?? { title: scenario, cells: undefined }
    const operate = OPERATED[scenario]
    if (operate !== undefined && (await program.operatorAsked(scenario))) await operate(rmq, `${name}-${scenario}`)
    const report = await program.reportOf(after ?? scenario)
    let cell = cellOf(report)
    if (scenario === 'dead-letter' && cell === 'ok') cell = await deadLetterCell(name, report?.detail ?? '', rmq)
    if (after !== undefined && cell === 'ok') {
      const ask = after === 'attributes' ? messageCell : commandCell
      cell = await ask(scenario, `${name}-${after}`, rmq)
    }
    const ours = { isExpected: cell === cells?.[name], expected: cells?.[name], shown: cell }
    const { isExpected, expected, shown } = inside === undefined ? apacheVerdict(name, scenario, cell) : ours
    column.set(scenario, isExpected ? shown : `failed: '${cell}' where '${expected}' is expected`)
    const line = cell === 'ok' && isExpected ? title : `${title}: ${cell}`
    checks.check(`${name}: ${line}`, isExpected, `expected: ${expected}`)
  })
  await Promise.all(told)
  clearTimeout(limit)
  if (inside === undefined) {
    program.process.signalGroup('SIGKILL') // how clients leave Apache's servers is nothing of ours
    return column
  }
  const { brokers } = inside
  await runCheck(checks, `${name}: the brokers count everything as acknowledged, filtered or dead`, async () => {
    const topics = scenarios
      .filter((scenario) => column.get(scenario) === 'ok')
      .map((scenario) => `${name}-${scenario}`)
    const left = await unsettled(brokers, topics, SETTLE_MS_MAX)
    expectThat(left.length === 0, someOf(left))
  })
  await runCheck(checks, `${name}: the clients close, and the program exits with 0`, async () => {
    const closingMs = performance.now()
    await program.end(CLOSE_MS_MAX)
    const { exitCode } = program.process
    expectThat(exitCode === 0, `it ended with ${exitCode}:\n${outputOf(program)}`)
    return `${((performance.now() - closingMs) / 1000).toFixed(1)} s`
  })
  await runCheck(checks, `${name}: the log of the client tells of no other warning or error than we know`, () => {
    expectThat(logs === 'stderr' || program.logLength() > 0, 'it wrote no log')
    const complaints = unknownComplaints(name, program)
    expectThat(complaints.length === 0, someOf(complaints))
  })
  return column
}

function cellOf(report: Report | undefined): string {
  if (report === undefined) return 'the program ended without a word about it'
  if (report.none !== undefined) return `none: ${report.none}`
  return report.ok === true ? 'ok' : (report.detail ?? 'it failed')
}

function unknownComplaints(name: LanguageName, program: Program): string[] {
  const isBusy = (loadavg()[0] ?? 0) > availableParallelism()
  const known = [...EXPECTED_COMPLAINTS[name], ...(isBusy ? [COMPLAINTS_OF_A_BUSY_MACHINE] : [])]
  return program.complaints().filter((line) => !known.some((pattern) => pattern.test(line)))
}

/** The message lies in the dead-letter topic of its group, with its id. */
async function deadLetterCell(name: LanguageName, messageId: string, rmq: SdkCluster['rmq']): Promise<string> {
  const topic = `%DLQ%${name}-dead-letter`
  const endMs = performance.now() + DEAD_LETTER_MS_MAX
  let seen = ''
  while (performance.now() < endMs) {
    try {
      const ids = await rmq.receive(topic, `${name}-judge`, '5s')
      if (ids.length === 1 && ids[0] === messageId) return 'ok'
      seen = `it holds ${JSON.stringify(ids)}`
    } catch (error) {
      seen = error instanceof Error ? error.message : String(error) // the topic does not exist yet
    }
  }
  return `${messageId} is not in ${topic}: ${seen}`
}
