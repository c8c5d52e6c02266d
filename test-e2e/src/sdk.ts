// `npm run e2e:sdk -- [--only java,go] [--scenarios push,tls] [--against apache] [--services folder] [--keep]`: every
// feature with the official client of each language, against a cluster of two brokers and two proxies. Prints
// language × feature; a cell that is not what src/sdk/expected.ts says, in either direction, is a failure. Against
// Apache's servers of Maven Central a cell without the feature must be without it, too.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { apacheVersion, missingForApache } from './apache/class-path.ts'
import { createChecks, someOf } from './checks.ts'
import { chosen } from './chosen.ts'
import { createTell, makeScratch } from './scratch.ts'
import { startApacheCluster } from './sdk/apache-cluster.ts'
import { type Inside, type SdkCluster, startSdkCluster } from './sdk/cluster.ts'
import { FEATURES, programScenarios } from './sdk/expected.ts'
import { type Column, judge } from './sdk/judge.ts'
import { BUILD_MS_MAX, buildOnce, type Language, LANGUAGES, type LanguageName, missingFor } from './sdk/languages.ts'
import { type Program, startProgram } from './sdk/program.ts'
import { createResources } from './sdk/resources.ts'
import { serverComplaints, unexpectedAnswers } from './sdk/server-side.ts'
import { formatTable } from './sdk/table.ts'
import { takeServices } from './server.ts'
import { expectThat, runCheck } from './steps.ts'

/** Where clients that check certificates look for the ones that they trust. */
const TRUST_VARIABLES = ['NODE_EXTRA_CA_CERTS', 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', 'SSL_CERT_FILE']

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    scenarios: { type: 'string' },
    against: { type: 'string', default: 'ours' },
    services: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const [against = 'ours'] = chosen(values.against, 'cluster', ['ours', 'apache'] as const, (name) => name)
const languages = chosen(values.only, 'language', LANGUAGES, ({ name }) => name)
const scenarios = chosen(values.scenarios, 'scenario', Object.keys(FEATURES), (name) => name)
const scratch = makeScratch('sdk', { keep: values.keep })
const tell = createTell()
const checks = createChecks(tell)

/** Those that its program is asked for. */
function scenariosOf(name: LanguageName): string[] {
  return scenarios.filter((scenario) => FEATURES[scenario]?.cells[name] !== undefined)
}

/** Builds the program and starts it; undefined where that failed or something is missing, which is counted. */
async function startIn(language: Language, cluster: SdkCluster): Promise<Program | undefined> {
  const { name, client } = language
  const missing = missingFor(language)
  if (missing.length > 0) {
    checks.skip(`${name}: ${client}, all of its features`, `${missing.join(' and ')} not in PATH`)
    return undefined
  }
  let program: Program | undefined
  const start = async () => {
    const command = await buildOnce(language)
    const topics = against === 'apache' ? 'all' : 'not those of the proxy'
    await createResources(cluster.rmq, name, scenariosOf(name), topics)
    program = startProgram({
      command,
      endpoints: cluster.endpoints,
      prefix: name,
      scenarios: programScenarios(scenariosOf(name)).map((one) =>
        one === 'topic-refused' ? `${one}@${cluster.strictEndpoints}` : one,
      ),
      home: join(scratch, 'homes', name),
      env: {
        ...Object.fromEntries(TRUST_VARIABLES.map((variable) => [variable, cluster.trusted])),
        ...(against === 'apache' && { AWAITS_SETTINGS: 'yes' }),
      },
    })
  }
  await runCheck(checks, `${name}: the program builds with ${client}`, start, BUILD_MS_MAX)
  return program
}

async function checkServers({ nodes, proxies, readySince }: Inside): Promise<void> {
  await runCheck(checks, 'no call was answered with another code than the scenarios ask for', async () => {
    const answers = await unexpectedAnswers(proxies)
    expectThat(answers.length === 0, someOf(answers))
  })
  await runCheck(checks, 'the logs of the servers have no warning and no error but dead letters', () => {
    const complaints = serverComplaints(nodes, readySince)
    expectThat(complaints.length === 0, someOf(complaints))
  })
}

function absenceOf(name: LanguageName, scenario: string): string {
  return scenariosOf(name).includes(scenario) ? 'skipped' : '-'
}

function printTable(columns: ReadonlyMap<LanguageName, Column>): void {
  const rows = scenarios.map((scenario) => ({
    title: FEATURES[scenario]?.title ?? scenario,
    cells: languages.map(({ name }) => columns.get(name)?.get(scenario) ?? absenceOf(name, scenario)),
  }))
  console.log(`\n${formatTable({ columns: languages.map(({ name }) => name), rows })}\n`)
}

async function startAgainst(folder: string, services: string): Promise<SdkCluster> {
  if (against === 'apache') {
    const cluster = await startApacheCluster(folder, services)
    tell(`Apache's nameserver, broker and proxy ${apacheVersion()} are ready`)
    return cluster
  }
  const cluster = await startSdkCluster(folder, services)
  tell('two brokers and three proxies are ready')
  return cluster
}

async function main(): Promise<void> {
  const cluster = await startAgainst(join(scratch, 'cluster'), values.services ?? takeServices())
  const columns = new Map<LanguageName, Column>()
  const running: Promise<unknown>[] = []
  for (const language of languages) {
    // Builds one after the other; programs mostly wait, so they run side by side.
    const program = await startIn(language, cluster)
    if (program === undefined) continue
    const judged = judge(checks, language, program, cluster, scenariosOf(language.name)).then((column) =>
      columns.set(language.name, column),
    )
    running.push(judged)
    // Java's servers are slow while they are young: the first program has them alone, since some clients wait for 3 s only.
    if (against === 'apache' && running.length === 1) await judged
  }
  await Promise.all(running)
  if (cluster.inside !== undefined) await checkServers(cluster.inside)
  await cluster.stop()
  printTable(columns)
}

try {
  const missing = against === 'apache' ? missingForApache() : []
  if (missing.length > 0) checks.skip("the clients with Apache's servers", `${missing.join(' and ')} not in PATH`)
  else await main()
} catch (error) {
  checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
}
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
