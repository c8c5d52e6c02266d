// `npm run e2e:first-hour -- [--cold]`: what a person meets on a machine with Node and npm alone, from the clone to the
// first messages in several languages and Ctrl-C. Nothing of the working tree is used but what is committed; `--cold`
// also leaves the package managers' caches out of the first start.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server as NetServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createChecks } from './checks.ts'
import {
  npmStart,
  pressCtrlC,
  processTree,
  residentBytes,
  serverFlags,
  startAlone,
  untilReady,
} from './first-hour/commands.ts'
import { within } from './first-hour/patience.ts'
import { differenceOf, quickStartOf } from './first-hour/readme.ts'
import { checkRoundTrips, prefixOf, ROUND_TRIPS } from './first-hour/round-trips.ts'
import { createToolbox, NODE_COMMANDS, terminalEnv } from './first-hour/toolbox.ts'
import { freePorts, type Ports } from './free-ports.ts'
import { formatLedger, readLedger, writtenOf } from './ledger.ts'
import { runProcess, type RunningProcess, startProcess, tailOf } from './processes.ts'
import { makeScratch } from './scratch.ts'
import { expectThat, runCheck } from './steps.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FIRST_START_MS_MAX = 240_000
const SECOND_START_MS_MAX = 2_000
const READY_MS_MAX = 1_000
const EXIT_MS_MAX = 5_000
const IDLE_MS = 5_000
const RESIDENT_MIB_MAX = 120
const MIB = 1024 * 1024
/** The README's program connects to this one. */
const DOCUMENTED_PORT = 8081
const STARTS_MS_MAX = 30_000
const LOOPBACK = '127.0.0.1'

const { cold } = parseArgs({ options: { cold: { type: 'boolean', default: false } } }).values
const scratch = makeScratch('first-hour')
const clone = join(scratch, 'rocketmq-ts')
const dist = join(clone, 'packages/standalone/dist')
const checks = createChecks((line) => console.log(line))
const nodeAndNpm = createToolbox(join(scratch, 'node-and-npm'), NODE_COMMANDS)
const withoutNpx = createToolbox(join(scratch, 'without-npx'), ['node', 'npm', 'sh'])
const folderOf = (name: string) => join(scratch, 'data', name)
/** Somebody listens on it, and it will not be us. */
const isTaken = (port: number) =>
  new Promise<boolean>((resolve) => {
    const probe: NetServer = createServer().once('error', () => resolve(true))
    probe.listen(port, LOOPBACK, () => probe.close(() => resolve(false)))
  })

async function checkCtrlC(name: string, server: RunningProcess): Promise<void> {
  await runCheck(checks, name, async () => {
    const timer = setTimeout(() => server.signalGroup('SIGKILL'), 2 * EXIT_MS_MAX)
    const { code, ms } = await pressCtrlC(server)
    clearTimeout(timer)
    expectThat(code === 0 && ms <= EXIT_MS_MAX, `exit code ${code} after ${Math.round(ms)} ms:\n${tailOf(server)}`)
    return `${Math.round(ms)} ms`
  })
}

/** Starts the bundle without npm and expects it to give up with 1, saying all of these. */
async function checkRefusal(name: string, ports: Ports, dataDir: string, says: readonly string[]): Promise<void> {
  await runCheck(checks, name, async () => {
    const server = startAlone({ clone, env: terminalEnv(nodeAndNpm), flags: serverFlags(ports, dataDir) })
    const timer = setTimeout(() => server.signalGroup('SIGKILL'), STARTS_MS_MAX)
    const { code, stderr } = await server.ended
    clearTimeout(timer)
    expectThat(code === 1, `exit code ${code}:\n${tailOf(server)}`)
    const silent = says.filter((words) => !stderr.includes(words))
    expectThat(silent.length === 0, `it says nothing of ${silent.join(', ')}:\n${tailOf(server)}`)
    return stderr.trim().split('\n').at(-1)
  })
}

async function checkFirstStart(): Promise<void> {
  const ports = await freePorts()
  const flags = serverFlags(ports, folderOf('first'))
  let server: RunningProcess | undefined
  await runCheck(
    checks,
    'npm start on a fresh clone, with Node and npm alone: installs, builds and is ready',
    async () => {
      const startedMs = performance.now()
      const env = terminalEnv(nodeAndNpm, cold ? { HOME: join(scratch, 'empty-home') } : {})
      server = npmStart({ clone, env, flags })
      await untilReady(server, ports.health, FIRST_START_MS_MAX)
      return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`
    },
  )
  if (server === undefined || server.exitCode !== undefined) return
  await runCheck(checks, 'the banner names the port that clients use', () => {
    expectThat(server?.stderr.includes(`${LOOPBACK}:${ports.grpc}`) === true, tailOf(server as RunningProcess))
  })
  await checkCtrlC('Ctrl-C after the first start: exit code 0 within 5 s', server)
}

async function checkServerStart(): Promise<void> {
  await runCheck(checks, 'the server process is ready within 1 s', () =>
    within(READY_MS_MAX, async () => {
      const ports = await freePorts()
      const startedMs = performance.now()
      const server = startAlone({ clone, env: terminalEnv(withoutNpx), flags: serverFlags(ports, folderOf('first')) })
      await untilReady(server, ports.health, STARTS_MS_MAX)
      const readyMs = performance.now() - startedMs
      await pressCtrlC(server)
      return readyMs
    }),
  )
}

/** Leaves the server running. */
async function checkSecondStart(ports: Ports): Promise<RunningProcess | undefined> {
  const builtMs = statSync(join(dist, 'stamp')).mtimeMs
  let server: RunningProcess | undefined
  await runCheck(checks, 'the second npm start, without npx in PATH: ready within 2 s', () =>
    within(SECOND_START_MS_MAX, async () => {
      if (server !== undefined) await pressCtrlC(server)
      const startedMs = performance.now()
      server = npmStart({ clone, env: terminalEnv(withoutNpx), flags: serverFlags(ports, folderOf('first')) })
      await untilReady(server, ports.health, STARTS_MS_MAX)
      return performance.now() - startedMs
    }),
  )
  if (server === undefined || server.exitCode !== undefined) return undefined
  const { pid, stderr, stdout } = server
  await runCheck(checks, 'the second npm start neither installs nor builds', () => {
    const said = /install|npx|pnpm|bundl/i.exec(stdout + stderr)
    expectThat(said === null, `it says ${JSON.stringify(said?.[0])}:\n${tailOf({ stdout, stderr })}`)
    expectThat(statSync(join(dist, 'stamp')).mtimeMs === builtMs, 'the bundle was made again')
    const others = processTree(pid)?.filter(({ command }) => !/^npm start|^sh -c|start\.mjs/.test(command)) ?? []
    expectThat(others.length === 0, `it runs ${others.map(({ command }) => command).join('; ')}`)
  })
  const [serverPid] =
    processTree(pid)
      ?.map((one) => one.pid)
      .slice(-1) ?? []
  if (serverPid === undefined) checks.skip('memory of the idle server', 'this system has no /proc')
  else await checkMemory(serverPid)
  return server
}

async function checkMemory(pid: number): Promise<void> {
  await runCheck(checks, `memory of the idle server is below ${RESIDENT_MIB_MAX} MiB`, async () => {
    await delay(IDLE_MS)
    const mib = (residentBytes(pid) ?? Number.NaN) / MIB
    expectThat(mib < RESIDENT_MIB_MAX, `${mib.toFixed(1)} MiB`)
    return `${mib.toFixed(1)} MiB`
  })
}

async function checkQuickStart(ports: Ports): Promise<void> {
  const where =
    ports.grpc === DOCUMENTED_PORT ? 'word for word' : `with port ${ports.grpc}, as ${DOCUMENTED_PORT} is taken here`
  let messageId: string | undefined
  await runCheck(
    checks,
    `the quick start of README.md, ${where}: prints what the README says, exit code 0`,
    async () => {
      const { program, fileName, install, output } = quickStartOf(readFileSync(join(clone, 'README.md'), 'utf8'))
      const folder = join(scratch, 'quick-start')
      const home = join(scratch, 'home')
      mkdirSync(folder)
      mkdirSync(home)
      const env = terminalEnv(nodeAndNpm)
      await runProcess(join(nodeAndNpm, 'npm'), ['i', install], { cwd: folder, env, deadlineMs: STARTS_MS_MAX * 4 })
      writeFileSync(join(folder, fileName), program.replaceAll(`:${DOCUMENTED_PORT}`, `:${ports.grpc}`))
      const options = { cwd: folder, env: { ...env, HOME: home }, deadlineMs: STARTS_MS_MAX * 2 }
      const { stdout, stderr } = await runProcess(join(nodeAndNpm, 'node'), [fileName], options)
      messageId = /^sent (\S+)$/m.exec(stdout)?.[1]
      const difference = differenceOf(stdout + stderr, output)
      expectThat(difference === undefined, difference ?? '')
      const left = readdirSync(home)
      expectThat(left.length === 0, `it leaves ${left.join(', ')} in the home folder`)
      const manifest = readFileSync(join(folder, 'node_modules', install, 'package.json'), 'utf8')
      return `${install} ${(JSON.parse(manifest) as { version: string }).version}`
    },
  )
  if (messageId !== undefined) await checkTrace(ports, messageId)
}

async function checkTrace(ports: Ports, messageId: string): Promise<void> {
  await runCheck(
    checks,
    'rmq message trace: its message was sent, stored, given to its client, acknowledged',
    async () => {
      const rmq = ['run', '-s', 'rmq', '--', 'message', 'trace', messageId, '--json']
      const args = [...rmq, '--nameserver', `${LOOPBACK}:${ports.nameserver}`]
      const options = { cwd: clone, env: terminalEnv(nodeAndNpm), deadlineMs: STARTS_MS_MAX }
      const { stdout, stderr } = await runProcess(join(nodeAndNpm, 'npm'), args, options)
      expectThat(stdout.startsWith('{'), stdout + stderr)
      const { events } = JSON.parse(stdout) as { events: readonly { event: string; client?: string }[] }
      const told = events.map(({ event }) => event).join(', ')
      expectThat(told === 'sent, stored, delivered, acknowledged', told)
      // As the Node client calls itself: host, process, and more.
      const client = events.find(({ event }) => event === 'delivered')?.client ?? ''
      expectThat(/^[^@]+@\d+@/.test(client), `the client is '${client}'`)
      return client
    },
  )
}

async function checkLedgers(ports: Ports): Promise<void> {
  for (const language of ROUND_TRIPS) {
    for (const [scenario, kind] of Object.entries({ 'receive-sync': 'SimpleConsumer', push: 'PushConsumer' })) {
      const topic = `${prefixOf(language)}-${scenario}`
      const ledgers = await readLedger(`http://${LOOPBACK}:${ports.health}`, topic)
      if (ledgers.size === 0) continue // its program did not run, which is a line above
      await runCheck(checks, `${language}: the server counts what ${kind} got as acknowledged, all of it`, () => {
        const ledger = ledgers.get(topic)
        expectThat(ledger !== undefined && ledger['acked'] === writtenOf(ledger), formatLedger(ledger))
      })
    }
  }
}

async function checkWhileRunning(server: RunningProcess, ports: Ports): Promise<void> {
  await checkQuickStart(ports)
  const parts = {
    grpc: 'the proxy',
    broker: 'the broker',
    nameserver: 'the nameserver',
    health: 'the health server',
  } as const
  for (const [port, part] of Object.entries(parts) as [keyof Ports, string][]) {
    const others = { ...(await freePorts()), [port]: ports[port] }
    const says = [`${ports[port]}`, part, `--${port}-port`]
    await checkRefusal(`the port of ${part} is taken: exit code 1, the message names it`, others, folderOf(port), says)
  }
  const holder = `process ${processTree(server.pid)?.at(-1)?.pid ?? ''}`
  const says = ['--data-dir', holder]
  await checkRefusal(
    'the data folder is in use: exit code 1, the message names the holder',
    await freePorts(),
    folderOf('first'),
    says,
  )
  await checkRoundTrips(checks, `${LOOPBACK}:${ports.grpc}`, join(scratch, 'round-trips'))
  await checkLedgers(ports)
  const wait = fileURLToPath(new URL('../sdk/node/wait.mjs', import.meta.url))
  const client = startProcess(process.execPath, [wait, `${LOOPBACK}:${ports.grpc}`, 'nothing-comes'])
  const endMs = performance.now() + STARTS_MS_MAX
  while (!client.stdout.includes('waiting') && performance.now() < endMs) await delay(100)
  await delay(500) // the poll is with the server
  await checkCtrlC('Ctrl-C while a client waits for messages: exit code 0 within 5 s', server)
  client.signalGroup('SIGKILL')
}

async function main(): Promise<void> {
  const git = ['clone', '--quiet', ROOT, clone]
  await runProcess('git', git, { deadlineMs: STARTS_MS_MAX })
  await checkFirstStart()
  await checkServerStart()
  const free = await freePorts()
  const ports = (await isTaken(DOCUMENTED_PORT)) ? free : { ...free, grpc: DOCUMENTED_PORT }
  const server = await checkSecondStart(ports)
  if (server !== undefined) await checkWhileRunning(server, ports)
}

try {
  await main()
} catch (error) {
  checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
}
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
