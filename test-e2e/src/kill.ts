// `npm run e2e:kill -- [--messages N] [--kills N] [--seed N] [--size small] [--bundle folder] [--keep]`: the server is
// killed while official clients send and receive, half of the times as by a power loss; nothing acknowledged may be lost.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createChecks } from './checks.ts'
import { freePorts } from './free-ports.ts'
import { History } from './kill/history.ts'
import { createLoad, GROUPS, INVISIBLE_MS, type Load, RAW_GROUP, TOPIC } from './kill/load.ts'
import { describeKill, type Kill, planKills } from './kill/plan.ts'
import { judge } from './kill/verdict.ts'
import { formatLedger, readLedger, writtenOf } from './ledger.ts'
import { testShim } from './power-loss/self-test.ts'
import { createShim, type Shim } from './power-loss/shim.ts'
import { type PowerLoss, takeBack } from './power-loss/take-back.ts'
import { createRandom } from './random.ts'
import { createRawClient } from './raw-client.ts'
import { type Server, startServer, takeBundle } from './server.ts'

const SIZES = { small: { messages: 1_500, kills: 2 }, default: { messages: 10_000, kills: 5 } }
/** A clean stop takes no longer. */
const STOP_MS_MAX = 5_000
/** Everything is drained when the last invisible time is over, and a little later. */
const DRAIN_MS_MAX = 3 * INVISIBLE_MS
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

function tell(line: string): void {
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}`)
}

const folder = mkdtempSync(join(tmpdir(), 'rocketmq-ts-kill-'))
const dataDir = join(folder, 'data')
const logFile = join(folder, 'server.log')
const checks = createChecks((line) => console.log(line))
const history = new History()
const losses: PowerLoss[] = []
const starts: number[] = []

/** The shim, or undefined where it can not work. */
function openShim(): Shim | undefined {
  const shim = createShim(join(folder, 'shim'))
  if (typeof shim === 'string') {
    checks.skip('power losses', `half of the kills are left out: ${shim}`)
    return undefined
  }
  const wrong = testShim(shim, join(folder, 'shim-test'))
  checks.check('the shim sees what Node does to files', wrong === undefined, wrong)
  return shim
}

/** Waits for the message that the plan names; false where all were acknowledged before. */
async function waitFor({ at }: Kill, load: Load): Promise<boolean> {
  if (at.during === 'recovery') return true
  return Promise.race([load.reached(at.acknowledged).then(() => true), load.produced.then(() => false)])
}

function losePower(kill: Kill, shim: Shim | undefined): string {
  if (kill.powerLoss === undefined || shim === undefined) return ''
  const random = createRandom(seed).derive(`loss ${losses.length}`)
  const loss = takeBack({ root: dataDir, shim, kind: kill.powerLoss, random })
  losses.push(loss)
  history.losePower()
  const { unsyncedWrites, droppedSectors, undoneRenames, undoneNames } = loss
  return `; ${unsyncedWrites} unsynced writes, ${droppedSectors} sectors dropped, ${undoneRenames} renames and ${undoneNames} other names undone`
}

async function drain(server: Server): Promise<void> {
  const untilMs = performance.now() + DRAIN_MS_MAX
  while (performance.now() < untilMs) {
    const ledgers = await readLedger(server.healthUrl, TOPIC)
    const isDrained = GROUPS.every((group) => {
      const ledger = ledgers.get(group)
      return ledger !== undefined && ledger['acked'] === writtenOf(ledger)
    })
    if (isDrained) return
    await sleep(DRAIN_POLL_MS)
  }
  tell(`not drained after ${DRAIN_MS_MAX} ms`)
}

async function stopCleanly(server: Server, name: string): Promise<void> {
  const { code, signal, ms } = await server.stop()
  const isClean = code === 0 && ms <= STOP_MS_MAX
  checks.check(`${name} stop: exit code 0 within 5 s`, isClean, `${code ?? signal} after ${Math.round(ms)} ms`)
}

function errorLines(): string[] {
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => /"level":"(?:error|fatal)"/.test(line))
}

async function run(): Promise<void> {
  console.log(`e2e:kill: ${messages} messages, ${kills} kills, --seed ${seed}, in ${folder}`)
  mkdirSync(dataDir)
  const shim = openShim()
  const bundle = takeBundle(join(folder, 'server'), values.bundle)
  const ports = await freePorts()
  const random = createRandom(seed)
  const plan = planKills({ kills, messages, withShim: shim !== undefined, random: random.derive('plan') })
  const load = createLoad({ endpoints: `127.0.0.1:${ports.grpc}`, messages, history, random })
  let struck = 0
  let last: Server | undefined

  for (const kill of [...plan, undefined]) {
    history.run += 1
    const isWatched = kill?.watched === true && shim !== undefined
    const env = isWatched ? shim.envFor(dataDir) : {}
    const server = startServer({ bundle, dataDir, ports, flush: 'sync', logFile, env })
    last = server
    if (kill?.at.during !== 'recovery') {
      starts.push(await server.ready())
      tell(`run ${history.run}: ready after ${Math.round(starts.at(-1) ?? 0)} ms; ${history.acknowledged} acknowledged`)
      if (history.run === 1) await load.start()
    }
    if (kill === undefined) break
    tell(`run ${history.run}: will end by ${describeKill(kill)}`)
    if (await waitFor(kill, load)) struck += 1
    await server.kill({
      delayMs: kill.delayMs,
      whenUnsynced: kill.whenUnsynced ? shim?.undoLog : undefined,
    })
    tell(`run ${history.run}: killed${losePower(kill, shim)}`)
  }
  if (last === undefined) throw new Error('no server')

  await load.produced
  tell(`all ${messages} messages are acknowledged; draining`)
  await drain(last)
  await load.stopConsuming()
  const ledgers = await readLedger(last.healthUrl, TOPIC)
  tell('drained')
  await load.close()
  checks.check('every kill struck while messages were sent', struck === plan.length, `${struck} of ${plan.length}`)
  judge({ checks, history, ledgers, groups: GROUPS })
  await stopCleanly(last, 'first')

  history.run += 1
  const again = startServer({ bundle, dataDir, ports, flush: 'sync', logFile })
  starts.push(await again.ready())
  const ledgersAgain = await readLedger(again.healthUrl, TOPIC)
  for (const group of GROUPS) {
    const [before, after] = [formatLedger(ledgers.get(group)), formatLedger(ledgersAgain.get(group))]
    checks.check(`${group}: the ledger is the same after a clean restart`, before === after, `${before}; then ${after}`)
  }
  const client = createRawClient(again.endpoints, 'kill-last')
  const rest = await client.receive({
    topic: TOPIC,
    group: RAW_GROUP,
    batchSize: 32,
    invisibleMs: INVISIBLE_MS,
    pollMs: 0,
  })
  client.close()
  checks.check('nothing is left to receive after a clean restart', rest.length === 0, `${rest.length} messages`)
  await stopCleanly(again, 'second')

  const errors = errorLines()
  checks.check('the server logged no error', errors.length === 0, `${errors.length}: ${errors[0]}`)
  const { counts } = load
  const isSdkPart = counts.sdkSent > 0 && counts.sdkReceived > 0 && counts.sdkAcked > 0
  checks.check('the official SDK sent, received and acknowledged', isSdkPart, JSON.stringify(counts))
  if (shim !== undefined && losses.length > 0) checkLosses()
  report(plan, load)
}

function sum(count: (loss: PowerLoss) => number): number {
  return losses.reduce((total, loss) => total + count(loss), 0)
}

function checkLosses(): void {
  const unsupported = losses.flatMap((loss) => loss.unsupported)
  checks.check('the shim understood every change of a file', unsupported.length === 0, unsupported.join(', '))
  checks.check("the shim saw the store's writes", sum((loss) => loss.interceptedWrites) > 0)
  checks.check('the power losses dropped sectors', sum((loss) => loss.droppedSectors) > 0)
}

function report(plan: readonly Kill[], load: Load): void {
  const outcomes = [...history.attempts.values()].map(({ outcome }) => outcome)
  const { counts } = load
  const rows: readonly (readonly [string, number | string])[] = [
    ['sent (attempts)', outcomes.filter((outcome) => outcome !== 'unsent').length],
    ['acknowledged', `${history.acknowledged} (${counts.sdkSent} by rocketmq-client-nodejs, the others raw gRPC)`],
    ['unknown', outcomes.filter((outcome) => outcome === 'unknown').length],
    ['received', `${history.received} by ${GROUPS.length} groups (${counts.sdkReceived} by rocketmq-client-nodejs)`],
    ['redelivered', history.redelivered],
    ['failed calls', counts.failedCalls],
    ['kills', plan.length],
    ['kills under the shim', plan.filter((kill) => kill.watched).length],
    ['power losses', losses.length],
    ['intercepted writes', sum((loss) => loss.interceptedWrites)],
    ['dropped sectors', sum((loss) => loss.droppedSectors)],
    ['undone renames', sum((loss) => loss.undoneRenames)],
    ['undone other names', sum((loss) => loss.undoneNames)],
    ['slowest start', `${Math.round(Math.max(...starts))} ms`],
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
