// `npm run e2e:sdk -- [--only java,go] [--services folder] [--keep]`: every feature for normal messages with the
// official client of each language, against a cluster of two brokers and two proxies. Prints language × feature; a cell
// that is not what src/sdk/expected.ts says, in either direction, is a failure.
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createChecks, someOf } from './checks.ts'
import { freePortList } from './free-ports.ts'
import { startCluster } from './process-cluster.ts'
import { launch, takeServices } from './server.ts'
import { expectThat, runCheck } from './steps.ts'
import { createCertificates } from './sdk/certificates.ts'
import { createRmq } from './sdk/rmq.ts'
import { COMPLAINTS_OF_A_BUSY_MACHINE, EXPECTED_COMPLAINTS, FEATURES } from './sdk/expected.ts'
import { BUILD_MS_MAX, buildOnce, type Language, LANGUAGES, type LanguageName, missingFor } from './sdk/languages.ts'
import { outputOf, type Program, startProgram } from './sdk/program.ts'
import { formatTable } from './sdk/table.ts'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/rocketmq-ts/sdk', import.meta.url))
/** Closing a push consumer waits for its poll to end: 20 s, in some clients one poll after the other. */
const RUN_MS_MAX = 150_000
const CLOSE_MS_MAX = 60_000
const DEAD_LETTER_ATTEMPTS = 2
const DEAD_LETTER_MS_MAX = 60_000

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    scenarios: { type: 'string' },
    services: { type: 'string' },
    keep: { type: 'boolean' },
  },
})
const only = values.only?.split(',')
const scenarios = values.scenarios?.split(',') ?? Object.keys(FEATURES)
const scratch = mkdtempSync(join(tmpdir(), 'rocketmq-ts-sdk-'))
process.once('exit', () => {
  if (values.keep === true) console.log(`kept ${scratch}`)
  else rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
})
const startedMs = performance.now()
const tell = (line: string) =>
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}`)
const checks = createChecks(tell)

async function main(): Promise<void> {
  const services = values.services ?? takeServices()
  const certificates = await createCertificates(scratch)
  const cluster = await startCluster({
    brokers: 2,
    proxies: 2,
    folder: join(scratch, 'data'),
    logFolder: join(scratch, 'logs'),
    flush: 'async',
    services,
    proxyFlags: [`--tls-cert-path=${certificates.certificate}`, `--tls-key-path=${certificates.key}`],
  })
  await cluster.ready()
  const nameservers = cluster.nameservers.map(({ address }) => address).join(';')
  const rmq = createRmq(services, nameservers)
  // A third proxy that may not create topics.
  const [strictPort = 0, strictHealthPort = 0] = await freePortList(2)
  const strict = launch({
    main: join(services, 'proxy.mjs'),
    flags: [
      `--namesrv-addr=${nameservers}`,
      `--grpc-server-port=${strictPort}`,
      `--health-port=${strictHealthPort}`,
      `--tls-self-signed-folder=${join(scratch, 'data/strict')}`,
    ],
    healthUrl: `http://127.0.0.1:${strictHealthPort}`,
    logFile: join(scratch, 'logs/strict-proxy.log'),
  })
  await strict.ready()
  tell(`${cluster.nodes.length + 1} processes are ready`)

  const endpoints = cluster.proxies.map(({ address }) => address)
  const running: Promise<void>[] = []
  const cells = new Map<LanguageName, ReadonlyMap<string, string>>()
  for (const language of LANGUAGES.filter(({ name }) => only?.includes(name) ?? true)) {
    const { name, client } = language
    const missing = missingFor(language)
    if (missing.length > 0) {
      checks.skip(`${name}: ${client}`, `${missing.join(' and ')} not in PATH`)
      continue
    }
    let command: readonly string[] = []
    const build = async () => {
      command = await buildOnce(join(CACHE, name), language)
    }
    const isBuilt = await runCheck(checks, `${name}: the program builds with ${client}`, build, BUILD_MS_MAX)
    if (!isBuilt) continue
    await rmq.createTopic(`${name}-dead-letter`)
    await rmq.createGroup(`${name}-dead-letter`, DEAD_LETTER_ATTEMPTS)
    const program = startProgram({
      command,
      endpoints,
      prefix: name,
      scenarios: scenarios.map((one) => (one === 'topic-refused' ? `${one}@127.0.0.1:${strictPort}` : one)),
      home: join(scratch, 'homes', name),
      // Where clients that check certificates look for the ones that they trust.
      env: Object.fromEntries(
        ['NODE_EXTRA_CA_CERTS', 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', 'SSL_CERT_FILE'].map((name) => [
          name,
          certificates.trusted,
        ]),
      ),
    })
    running.push(
      judge(language, program, rmq).then((column) => {
        cells.set(name, column)
      }),
    )
  }
  await Promise.all(running)
  printTable(cells)
  await strict.stop()
  await cluster.stop()
}

/** Waits for the program and compares its cells. */
async function judge(
  { name }: Language,
  program: Program,
  rmq: ReturnType<typeof createRmq>,
): Promise<ReadonlyMap<string, string>> {
  const limit = setTimeout(() => program.process.signalGroup('SIGKILL'), RUN_MS_MAX)
  const column = new Map<string, string>()
  const reported = scenarios.map(async (scenario) => {
    const report = await program.reportOf(scenario)
    let cell = 'nothing was said of it'
    if (report?.none !== undefined) cell = `none: ${report.none}`
    else if (report?.ok === true) cell = 'ok'
    else if (report !== undefined) cell = report.detail ?? 'it is not ok'
    if (scenario === 'dead-letter' && cell === 'ok') cell = await deadLetterCell(name, report?.detail ?? '', rmq)
    column.set(scenario, cell)
    const { title, cells } = FEATURES[scenario] ?? { title: scenario, cells: {} as Record<LanguageName, string> }
    const expected = cells[name]
    checks.check(`${name}: ${title}${cell === 'ok' ? '' : `: ${cell}`}`, cell === expected, `expected: ${expected}`)
  })
  await Promise.all(reported)
  clearTimeout(limit)
  await runCheck(checks, `${name}: the clients close, and the program exits with 0`, async () => {
    const closingMs = performance.now()
    await program.end(CLOSE_MS_MAX)
    const { exitCode } = program.process
    expectThat(exitCode === 0, `it ended with ${exitCode}:\n${outputOf(program)}`)
    return `${((performance.now() - closingMs) / 1000).toFixed(1)} s`
  })
  await runCheck(checks, `${name}: the client's log tells of no warning and no error`, () => {
    const expected = EXPECTED_COMPLAINTS[name]
    const isBusy = (loadavg()[0] ?? 0) > availableParallelism()
    const patterns = isBusy ? [...expected, COMPLAINTS_OF_A_BUSY_MACHINE] : expected
    const complaints = program.complaints().filter((line) => !patterns.some((pattern) => pattern.test(line)))
    expectThat(complaints.length === 0, someOf(complaints))
  })
  return column
}

/** The message lies in the dead-letter topic of its group, with its id. */
async function deadLetterCell(name: string, messageId: string, rmq: ReturnType<typeof createRmq>): Promise<string> {
  const topic = `%DLQ%${name}-dead-letter`
  const endMs = performance.now() + DEAD_LETTER_MS_MAX
  let seen = 'the topic does not exist'
  while (performance.now() < endMs) {
    try {
      const ids = await rmq.receive(topic, `${name}-judge`, '5s')
      if (ids.length === 1 && ids[0] === messageId) return 'ok'
      seen = `it holds ${JSON.stringify(ids)}`
    } catch (error) {
      seen = error instanceof Error ? error.message : String(error)
    }
  }
  return `${messageId} is not in ${topic}: ${seen}`
}

function printTable(cells: ReadonlyMap<LanguageName, ReadonlyMap<string, string>>): void {
  const columns = LANGUAGES.map(({ name }) => name)
  const rows = scenarios.map((scenario) => ({
    title: FEATURES[scenario]?.title ?? scenario,
    cells: columns.map((name) => cells.get(name)?.get(scenario) ?? 'skipped'),
  }))
  console.log(`\n${formatTable({ columns, rows })}\n`)
}

try {
  await main()
} catch (error) {
  checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
}
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
