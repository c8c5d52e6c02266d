// `npm run e2e:crash-semantics [-- --minutes N --seed N --bundle FOLDER --keep]`: brokers and proxies are killed at random
// while messages in order, for later and of transactions run. Nothing is lost, early, out of order, or visible when it was
// rolled back.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createChecks, someOf } from './checks.ts'
import { createDelayed } from './crash-semantics/delayed.ts'
import { createOrdered } from './crash-semantics/ordered.ts'
import { Scene } from './crash-semantics/scene.ts'
import { strike } from './crash-semantics/strikes.ts'
import { createTransactions, TRANSACTION_FLAGS } from './crash-semantics/transactions.ts'
import { formatLedger, readLedgers } from './ledger.ts'
import { type ProcessCluster, startCluster } from './process-cluster.ts'
import { createRandom } from './random.ts'
import { makeScratch, createTell } from './scratch.ts'
import { createRmq } from './sdk/rmq.ts'
import { takeServices } from './server.ts'

const MINUTES = 10
const MINUTE_MS = 60_000
/** Everything has come when the last delays, questions and invisible times are over, and a little later. */
const DRAIN_MS_MAX = 90_000
const DRAIN_POLL_MS = 200
/** Nothing comes that must not, either. */
const QUIET_MS = 5_000
/** Of a group that has all: nothing is in these buckets. */
const LEFT = ['waiting', 'ready', 'inFlight']

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    bundle: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})

function numberFrom(flag: 'minutes' | 'seed', fallback: number): number {
  const value = values[flag] === undefined ? fallback : Number(values[flag])
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${flag}: ${values[flag]} is not a number of 0 or more`)
  return value
}

const minutes = numberFrom('minutes', MINUTES)
const seed = numberFrom('seed', Math.floor(Math.random() * 2 ** 31))
const folder = makeScratch('crash-semantics', { keep: values.keep })
const checks = createChecks((line) => console.log(line))
const tell = createTell()

async function until(holds: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + DRAIN_MS_MAX
  while (!(await holds()) && performance.now() < untilMs) await sleep(DRAIN_POLL_MS)
}

/** Groups that have something left, by broker. */
async function leftAt({ brokers }: ProcessCluster, topics: readonly string[]): Promise<string[]> {
  const left: string[] = []
  for (const { name, healthUrl } of brokers) {
    const ledgers = await readLedgers(healthUrl)
    for (const topic of topics) {
      for (const [group, ledger] of ledgers.get(topic) ?? []) {
        if (LEFT.some((bucket) => (ledger[bucket] ?? 0) > 0))
          left.push(`${name} ${topic} ${group}: ${formatLedger(ledger)}`)
      }
    }
  }
  return left
}

async function run(): Promise<void> {
  console.log(`e2e:crash-semantics: ${minutes} minutes, --seed ${seed}, in ${folder}`)
  const services = values.bundle ?? takeServices()
  const cluster = await startCluster({
    brokers: 2,
    proxies: 2,
    folder: join(folder, 'data'),
    logFolder: join(folder, 'logs'),
    flush: 'sync',
    services,
    brokerFlags: TRANSACTION_FLAGS,
  })
  await cluster.ready()
  const random = createRandom(seed)
  const scene = new Scene(
    cluster.proxies.map(({ address }) => address),
    cluster.brokers.map(({ name }) => name),
    random,
  )
  const kinds = [createOrdered(scene), createDelayed(scene), createTransactions(scene)]
  const rmq = createRmq(services, cluster.nameservers.map(({ address }) => address).join(';'))
  for (const kind of kinds) {
    await kind.create(rmq)
    // A group begins at the end of the queues: each broker must know it before the first message.
    for (const group of kind.groups) {
      for (const brokerName of scene.brokers) {
        const one = { topic: kind.topic, group, brokerName, batchSize: 1, invisibleMs: 10_000, pollMs: 0 }
        await scene.client(0).receive(one)
      }
    }
  }
  tell('ready')
  const consuming = kinds.map((kind) => scene.consume(kind))
  const sending = kinds.map((kind) => kind.send())
  const strikes = await strike(cluster, minutes * MINUTE_MS, random.derive('strikes'), tell)
  scene.isSending = false
  await Promise.all(sending)
  tell('all is sent; draining')
  const topics = kinds.map(({ topic }) => topic)
  await until(
    async () => kinds.every((kind) => kind.missing() === undefined) && (await leftAt(cluster, topics)).length === 0,
  )
  await sleep(QUIET_MS)
  const kills = `${strikes.brokers} of brokers, ${strikes.proxies} of proxies, ${strikes.duringRecovery} during a recovery`
  checks.check('brokers and proxies were killed', Math.min(strikes.brokers, strikes.proxies) > 0, kills)
  for (const kind of kinds) {
    checks.check(`${kind.topic}: some were sent`, kind.acknowledged > 0)
    const missing = kind.missing()
    checks.check(`${kind.topic}: everything that was acknowledged has come`, missing === undefined, missing)
    kind.judge(checks)
    for (const group of kind.groups) {
      const again = scene.arrivals.cameAgain(group)
      checks.check(`${group}: nothing came twice without reason`, again.length === 0, someOf(again))
    }
  }
  const left = await leftAt(cluster, topics)
  checks.check('the ledgers have nothing left', left.length === 0, someOf(left))
  scene.isConsuming = false
  await Promise.all(consuming)
  scene.close()
  checkStops(await cluster.stop())
  checkLogs(cluster)
  const rows = [
    ['kills', kills],
    ...kinds.map(({ topic, acknowledged }) => [topic, `${acknowledged} acknowledged`]),
    ...kinds.flatMap((kind) => kind.counts()),
    ['received', scene.arrivals.received],
    ['failed calls', scene.failedCalls],
  ]
  console.log(rows.map(([name, value]) => `  ${String(name).padEnd(20)}${value}`).join('\n'))
}

function checkStops(ends: Awaited<ReturnType<ProcessCluster['stop']>>): void {
  for (const [name, { code, signal }] of ends)
    checks.check(`${name} stops with exit code 0`, code === 0, `${code ?? signal}`)
}

function checkLogs({ nodes }: ProcessCluster): void {
  for (const { name, logFile } of nodes) {
    const errors = readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => /"level":"(?:error|fatal)"/.test(line))
    checks.check(`${name} logged no error`, errors.length === 0, someOf(errors, 2))
  }
}

try {
  await run()
} catch (error) {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  checks.check('the run came to its end', false, text)
}
if (checks.failed > 0) console.log(`Run again with: npm run e2e:crash-semantics -- --minutes ${minutes} --seed ${seed}`)
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
