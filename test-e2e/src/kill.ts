// `npm run e2e:kill -- [--messages N] [--kills N] [--seed N] [--size small] [--bundle folder] [--keep]`: nodes of a
// cluster are killed while official clients send and receive, brokers half of the times as by a power loss; nothing
// acknowledged may be lost.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createChecks } from './checks.ts'
import { createBodies, SEGMENT_BYTES, segmentsOf } from './kill/bodies.ts'
import { History } from './kill/history.ts'
import { createLoad, GROUPS, INVISIBLE_MS, type Load, RAW_GROUP, TOPIC } from './kill/load.ts'
import { type Kill, planKills } from './kill/plan.ts'
import { createReaper, type Reaper } from './kill/reaper.ts'
import { judge } from './kill/verdict.ts'
import { writtenSegments } from './commit-log.ts'
import { formatLedger, type GroupLedger, readLedger, writtenOf } from './ledger.ts'
import { testShim } from './power-loss/self-test.ts'
import { createShim, type Shim } from './power-loss/shim.ts'
import type { PowerLoss } from './power-loss/take-back.ts'
import { type ProcessCluster, startCluster } from './process-cluster.ts'
import { createRandom } from './random.ts'
import { createRawClient } from './raw-client.ts'
import { createTell } from './scratch.ts'

const SIZES = { small: { messages: 1_500, kills: 2 }, default: { messages: 10_000, kills: 5 } }
const BROKERS = ['broker-1', 'broker-2']
const PROXIES = ['proxy-1', 'proxy-2']
/** One or both, by the seed. */
const NAMESERVERS = ['nameserver-1', 'nameserver-2']
/** A clean stop takes no longer. */
const STOP_MS_MAX = 5_000
/** Proxies notice within this time that a broker is back, and consumers get its messages. */
const RETURN_MS_MAX = 15_000
/** Everything is drained when proxies know all brokers again and the last invisible time is over, and a little later. */
const DRAIN_MS_MAX = 60_000
const DRAIN_POLL_MS = 200

const { values } = parseArgs({
  options: {
    messages: { type: 'string' },
    kills: { type: 'string' },
    seed: { type: 'string' },
    size: { type: 'string', default: 'default' },
    bundle: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})

function numberFrom(flag: 'messages' | 'kills' | 'seed', fallback: number): number {
  const value = values[flag] === undefined ? fallback : Number(values[flag])
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${flag}: ${values[flag]} is not a whole number`)
  return value
}

const size = values.size === 'small' ? SIZES.small : SIZES.default
const messages = numberFrom('messages', size.messages)
const kills = numberFrom('kills', size.kills)
const seed = numberFrom('seed', Math.floor(Math.random() * 2 ** 31))
const startedMs = performance.now()
const tell = createTell()

const folder = mkdtempSync(join(tmpdir(), 'rocketmq-ts-kill-'))
const checks = createChecks((line) => console.log(line))
const bodies = createBodies(messages)
const history = new History(bodies, GROUPS)

/** The shim, or undefined where it can not work. */
function openShim(): Shim | undefined {
  const shim = createShim(join(folder, 'shim'))
  if (typeof shim === 'string') {
    checks.skip('power losses', `half of the kills of brokers are left out: ${shim}`)
    return undefined
  }
  const wrong = testShim(shim, join(folder, 'shim-test'))
  checks.check('the shim sees what Node does to files', wrong === undefined, wrong)
  return shim
}

type Ledgers = Map<string, Map<string, GroupLedger>>

/** By broker, then by group. */
async function readLedgers({ brokers }: ProcessCluster): Promise<Ledgers> {
  const ledgers: Ledgers = new Map()
  for (const { name, healthUrl } of brokers) ledgers.set(name, await readLedger(healthUrl, TOPIC))
  return ledgers
}

async function drain(cluster: ProcessCluster): Promise<void> {
  const untilMs = performance.now() + DRAIN_MS_MAX
  while (performance.now() < untilMs) {
    const ledgers = await readLedgers(cluster)
    const isDrained = [...ledgers.values()].every((ofBroker) =>
      GROUPS.every((group) => {
        const ledger = ofBroker.get(group)
        return ledger !== undefined && ledger['acked'] === writtenOf(ledger)
      }),
    )
    if (isDrained) return
    await sleep(DRAIN_POLL_MS)
  }
  tell(`not drained after ${DRAIN_MS_MAX} ms`)
}

async function stopCleanly(cluster: ProcessCluster, which: string): Promise<void> {
  for (const [name, { code, signal, ms }] of await cluster.stop()) {
    const isClean = code === 0 && ms <= STOP_MS_MAX
    checks.check(
      `${which} stop of ${name}: exit code 0 within 5 s`,
      isClean,
      `${code ?? signal} after ${Math.round(ms)} ms`,
    )
  }
}

async function run(): Promise<void> {
  console.log(`e2e:kill: ${messages} messages, ${kills} kills, --seed ${seed}, in ${folder}`)
  const shim = openShim()
  const random = createRandom(seed)
  const nameservers = NAMESERVERS.slice(0, 1 + random.derive('nameservers').integer(NAMESERVERS.length))
  const plan = planKills({
    kills,
    messages,
    segments: segmentsOf(messages) / BROKERS.length,
    withShim: shim !== undefined,
    brokers: BROKERS,
    proxies: PROXIES,
    nameservers,
    random: random.derive('plan'),
  })
  const dataFolder = join(folder, 'data')
  const watches = new Map(
    shim === undefined
      ? []
      : BROKERS.map((name) => [name, shim.watch(join(dataFolder, name), join(folder, 'undo', name))]),
  )
  const reaper = createReaper({ plan, watches, history, random, tell })
  const cluster = await startCluster({
    nameservers: nameservers.length,
    brokers: BROKERS.length,
    proxies: PROXIES.length,
    folder: dataFolder,
    logFolder: join(folder, 'logs'),
    flush: 'sync',
    services: values.bundle,
    // Whatever else is on the disk of this machine: what was sent stays.
    brokerFlags: [`--mapped-file-size-commit-log=${SEGMENT_BYTES}`, '--clean-file-forcibly-enable=false'],
    env: reaper.env,
  })
  await cluster.ready()
  tell(`ready: ${cluster.nodes.map(({ name }) => name).join(', ')}`)
  const load = createLoad({
    proxies: cluster.proxies.map(({ address }) => address),
    brokers: BROKERS,
    messages,
    bodies,
    history,
    random,
  })
  await load.start()
  await reaper.run(cluster, load)

  await load.finish()
  tell(`all ${history.acknowledged} messages are acknowledged; draining`)
  await drain(cluster)
  await load.stopConsuming()
  const ledgers = await readLedgers(cluster)
  tell('drained')
  await load.close()
  judge({ checks, history, ledgers, groups: GROUPS })
  const waits = history.returns.waits()
  const late = waits.filter((ms) => ms > RETURN_MS_MAX)
  checks.check(
    'a broker that is back delivers again within 15 s',
    late.length === 0,
    `${late.map(Math.round).join(', ')} ms`,
  )
  await stopCleanly(cluster, 'first')
  await startAgain(cluster, ledgers)
  const failedLogs = checkLogs(cluster, plan)
  const { counts } = load
  const isSdkPart = counts.sdkSent > 0 && counts.sdkReceived > 0 && counts.sdkAcked > 0
  checks.check('the official SDK sent, received and acknowledged', isSdkPart, JSON.stringify(counts))
  const rolls = cluster.brokers.map(({ folder }) => writtenSegments(folder) - 1)
  checks.check('the log of each broker went on to new files', Math.min(...rolls) > 0, rolls.join(', '))
  if (reaper.losses.length > 0) checkLosses(reaper.losses)
  report({ plan, load, reaper, waits, rolls, failedLogs, nameservers: nameservers.length })
}

/** A clean restart of all nodes keeps the ledgers and brings nothing back. */
async function startAgain(cluster: ProcessCluster, ledgers: Ledgers): Promise<void> {
  for (const node of cluster.nodes) node.start()
  await cluster.ready()
  const ledgersAgain = await readLedgers(cluster)
  const client = createRawClient(cluster.proxies[0]?.address ?? '', 'kill-last')
  for (const brokerName of BROKERS) {
    for (const group of GROUPS) {
      const [before, after] = [ledgers, ledgersAgain].map((of) => formatLedger(of.get(brokerName)?.get(group)))
      const name = `${brokerName}, ${group}: the ledger is the same after a clean restart`
      checks.check(name, before === after, `${before}; then ${after}`)
    }
    const rest = await client.receive({
      topic: TOPIC,
      group: RAW_GROUP,
      brokerName,
      batchSize: 32,
      invisibleMs: INVISIBLE_MS,
      pollMs: 0,
    })
    checks.check(`${brokerName}: nothing is left after a clean restart`, rest.length === 0, `${rest.length} messages`)
  }
  client.close()
  await stopCleanly(cluster, 'second')
}

/** What a broker says of a disk that refuses to sync: of the log, a checkpoint, or the key index, which may be at it just then. */
const DISK_ERROR = /"event":"store\.(?:failed|checkpoint-failed|index-failed)"/

/** Returns how many logs failed: of brokers whose disk was broken, such errors are expected. */
function checkLogs({ nodes }: ProcessCluster, plan: readonly Kill[]): number {
  let failedLogs = 0
  for (const { name, logFile } of nodes) {
    const hadBrokenDisk = plan.some(({ victim, syncsFail }) => syncsFail && victim === name)
    const errors = readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => /"level":"(?:error|fatal)"/.test(line))
    const others = errors.filter((line) => !hadBrokenDisk || !DISK_ERROR.test(line))
    failedLogs += errors.filter((line) => line.includes('"event":"store.failed"')).length
    const other = hadBrokenDisk ? 'no error but that of its disk' : 'no error'
    checks.check(`${name} logged ${other}`, others.length === 0, `${others.length}: ${others[0]}`)
  }
  return failedLogs
}

function sum(losses: readonly PowerLoss[], count: (loss: PowerLoss) => number): number {
  return losses.reduce((total, loss) => total + count(loss), 0)
}

function checkLosses(losses: readonly PowerLoss[]): void {
  const unsupported = losses.flatMap((loss) => loss.unsupported)
  checks.check('the shim understood every change of a file', unsupported.length === 0, unsupported.join(', '))
  checks.check("the shim saw the store's writes", sum(losses, (loss) => loss.interceptedWrites) > 0)
  checks.check('the power losses dropped sectors', sum(losses, (loss) => loss.droppedSectors) > 0)
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / (1024 * 1024))
}

function report(of: {
  readonly plan: readonly Kill[]
  readonly load: Load
  readonly reaper: Reaper
  readonly waits: readonly number[]
  readonly rolls: readonly number[]
  readonly failedLogs: number
  readonly nameservers: number
}): void {
  const { plan, load, reaper, waits, rolls, failedLogs, nameservers } = of
  const { losses, starts, counts: strikes } = reaper
  const { counts } = load
  const attempts = [...history.attempts.values()]
  const killed = (names: readonly string[]): number => plan.filter(({ victim }) => names.includes(victim)).length
  const rows: readonly (readonly [string, number | string])[] = [
    ['cluster', `${nameservers} nameservers, ${BROKERS.length} brokers, ${PROXIES.length} proxies`],
    ['sent (attempts)', attempts.length + history.settled.count],
    ['acknowledged', `${history.acknowledged} (${counts.sdkSent} by rocketmq-client-nodejs, the others raw gRPC)`],
    ['unknown', attempts.filter(({ outcome }) => outcome === 'unknown').length],
    ['second copies', attempts.filter(({ copies }) => copies.length > 1).length],
    ['received', `${history.received} by ${GROUPS.length} groups (${counts.sdkReceived} by rocketmq-client-nodejs)`],
    ['redelivered', history.redelivered],
    ['kept in detail', `${attempts.length}; memory of this process ${mebibytes(process.memoryUsage().rss)} MiB`],
    ['failed calls', counts.failedCalls],
    ['kills', `${killed(BROKERS)} of brokers, ${killed(PROXIES)} of proxies, ${killed(NAMESERVERS)} of nameservers`],
    ['kills under the shim', plan.filter((kill) => kill.watched).length],
    ['both brokers down', strikes.bothDown],
    ['segments rolled', `${rolls.join(' and ')}; ${strikes.atRolls} kills right after a roll`],
    ['power losses', `${losses.length}; ${failedLogs} after a sync had failed`],
    ['intercepted writes', sum(losses, (loss) => loss.interceptedWrites)],
    ['dropped sectors', sum(losses, (loss) => loss.droppedSectors)],
    ['undone renames', sum(losses, (loss) => loss.undoneRenames)],
    ['undone other names', sum(losses, (loss) => loss.undoneNames)],
    ['slowest return', `${Math.round(Math.max(0, ...waits))} ms from ready to the first message of a broker`],
    ['slowest start', `${Math.round(Math.max(0, ...starts))} ms`],
    ['duration', `${((performance.now() - startedMs) / 1000).toFixed(1)} s`],
  ]
  console.log(rows.map(([name, value]) => `  ${name.padEnd(22)}${value}`).join('\n'))
}

try {
  await run()
} catch (error) {
  checks.check(
    'the run came to its end',
    false,
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  )
}
if (checks.failed > 0) {
  console.log(`Run again with: npm run e2e:kill -- --messages ${messages} --kills ${kills} --seed ${seed}`)
}
if (checks.failed > 0 || values.keep) console.log(`Kept: ${folder}`)
else rmSync(folder, { recursive: true, force: true })
console.log(checks.summary())
// The SDK may hold timers; a server that is still there would outlive this process.
process.exit(checks.failed === 0 ? 0 : 1)
