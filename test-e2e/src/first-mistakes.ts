// `npm run e2e:first-mistakes`: the ten most common wrong first steps, each done as a person does it. Where that person
// looks then, there must be why it went wrong and what helps. Loopback only; the Python client comes from its registry.
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createChecks } from './checks.ts'
import { absentParts } from './first-mistakes/absent.ts'
import { clockEnv, shiftedClient, wrongClocks } from './first-mistakes/clocks.ts'
import { checkMistakes } from './first-mistakes/mistake.ts'
import { createParts, type Part } from './parts.ts'
import { createPerson, textOf, textsIn } from './first-mistakes/person.ts'
import { wrongPorts, wrongTls } from './first-mistakes/ports.ts'
import { createTopic, missingTopics, unknownGroups, wrongTypes } from './first-mistakes/resources.ts'
import { takenFolders, takenPorts, wrongSettings } from './first-mistakes/starts.ts'
import { freePortList, freePorts } from './free-ports.ts'
import { makeScratch } from './scratch.ts'
import { buildIn, LANGUAGES, missingFor } from './sdk/languages.ts'
import { startServer, takeBundle, takeServices } from './server.ts'
import { runCheck } from './steps.ts'

const HOUR_MS = 3_600_000
const TOPIC = 'hello'
const PYTHON_PROGRAM = fileURLToPath(new URL('./first-mistakes/program.py', import.meta.url))
const NODE_PROGRAM = fileURLToPath(new URL('./first-mistakes/program.mjs', import.meta.url))

const scratch = makeScratch('first-mistakes')
const checks = createChecks((line) => console.log(line))
const services = takeServices()
const person = createPerson(services, scratch)
const parts = createParts(services, scratch)
const at = ({ address }: Part) => `--namesrv-addr=${address}`

/** Nothing is created on demand: that is how a cluster for production is set up. */
async function checkCluster(): Promise<void> {
  const nameserver = await parts.start('nameserver')
  const strict = ['--no-auto-create-topic-enable', '--no-auto-create-subscription-group']
  const broker = await parts.start('broker', { flags: [at(nameserver), ...strict] })
  const [proxy, disabled, enforcing] = await Promise.all([
    parts.start('proxy', { flags: [at(nameserver)] }),
    parts.start('proxy', { flags: [at(nameserver), '--tls-mode=disabled'] }),
    parts.start('proxy', { flags: [at(nameserver), '--tls-mode=enforcing'] }),
  ])
  const cluster = { person, nameserver, broker, proxy, scratch }
  await createTopic(cluster, TOPIC)
  const lostBroker = await parts.launch('broker', { flags: [at(proxy)] })
  const lostProxy = await parts.start('proxy', { flags: [at(broker)] })
  await checkMistakes(checks, wrongPorts({ ...cluster, lostBroker, lostProxy }))
  await Promise.all([lostBroker, lostProxy].map((it) => it.process.stop()))
  await checkPython(nameserver, enforcing)
  await checkMistakes(checks, wrongTls({ person, permissive: proxy, disabled, enforcing }))
  await checkMistakes(checks, missingTopics(cluster))
  await checkMistakes(checks, wrongTypes(cluster, TOPIC))
  await checkMistakes(checks, unknownGroups(cluster, TOPIC))
  await checkMistakes(checks, takenPorts(cluster))
  await checkMistakes(checks, wrongSettings(cluster))
  const ports = await freePorts()
  const dataDir = join(scratch, 'data')
  const standalone = startServer({
    bundle: takeBundle(join(scratch, 'bundle')),
    dataDir,
    ports,
    flush: 'async',
    logFile: join(scratch, 'standalone.log'),
  })
  await standalone.ready()
  await checkMistakes(checks, takenFolders(cluster, { dataDir, pid: standalone.pid }))
  await Promise.all(
    [standalone, ...[proxy, disabled, enforcing, broker, nameserver].map((it) => it.process)].map((it) => it.stop()),
  )
}

/** A client in another language, over C-core: what it makes of our answers is its own. */
async function checkPython(nameserver: Part, enforcing: Part): Promise<void> {
  const python = LANGUAGES.find(({ name }) => name === 'python')
  const missing = python === undefined ? ['its program'] : missingFor(python)
  if (python === undefined || missing.length > 0) {
    checks.skip('wrong port and TLS: the Python SDK', `${missing.join(' and ')} not in PATH`)
    return
  }
  let command = ''
  const isBuilt = await runCheck(checks, 'the Python SDK is installed', async () => {
    ;[command = ''] = await buildIn(join(scratch, 'python'), python)
  })
  if (!isBuilt) return
  // Its exception says that it has no route; why, it writes into a log in the home folder.
  const run = async (part: Part) => {
    const home = mkdtempSync(join(scratch, 'python-home-'))
    return (await textOf(command, [PYTHON_PROGRAM, part.address, TOPIC], { home }, [1])) + textsIn(join(home, 'logs'))
  }
  await checkMistakes(checks, [
    {
      name: 'wrong port: the Python SDK at the port of the nameserver → its log',
      read: () => run(nameserver),
      cause: 'this is the remoting port of a nameserver',
      remedy: 'connect to the gRPC port of a proxy',
    },
    {
      name: 'TLS: the Python SDK with plaintext to a proxy that takes TLS only → its log',
      read: () => run(enforcing),
      cause: 'this port takes TLS only',
      remedy: 'turn TLS on in the client',
    },
  ])
}

async function checkAbsent(): Promise<void> {
  const nameserver = await parts.start('nameserver')
  const [port = 0] = await freePortList(1)
  const nobody = `127.0.0.1:${port}`
  const [creating, plain, alone] = await Promise.all([
    parts.start('proxy', { flags: [at(nameserver), '--auto-create-topic'] }),
    parts.start('proxy', { flags: [at(nameserver)] }),
    parts.start('proxy', { flags: [`--namesrv-addr=${nobody}`] }),
  ])
  await checkMistakes(checks, absentParts({ person, nameserver, creating, plain, alone, nobody }))
  await Promise.all([creating, plain, alone, nameserver].map((it) => it.process.stop()))
}

async function checkClocks(): Promise<void> {
  const shifted = async (what: string, aheadMs: number) => {
    const nameserver = await parts.start('nameserver')
    const broker = await parts.start('broker', { flags: [at(nameserver)], env: clockEnv(scratch, aheadMs) })
    const proxy = await parts.start('proxy', { flags: [at(nameserver), '--auto-create-topic'] })
    return { what, aheadMs, proxy, all: [proxy, broker, nameserver] }
  }
  const clusters = await Promise.all([shifted('behind', -HOUR_MS), shifted('ahead', HOUR_MS)])
  await checkMistakes(checks, wrongClocks(person, clusters, TOPIC))
  const [{ proxy }] = clusters
  for (const [what, aheadMs] of [
    ['behind', -HOUR_MS],
    ['ahead', HOUR_MS],
  ] as const) {
    await runCheck(checks, `clock: a client an hour ${what} → nothing depends on it`, () =>
      shiftedClient(NODE_PROGRAM, clockEnv(scratch, aheadMs), proxy, scratch),
    )
  }
  await Promise.all(clusters.flatMap(({ all }) => all.map((it) => it.process.stop())))
}

for (const part of [checkCluster, checkAbsent, checkClocks]) {
  try {
    await part()
  } catch (error) {
    checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
  }
}
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
