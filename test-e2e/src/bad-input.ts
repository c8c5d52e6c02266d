// `npm run e2e:bad-input -- [--bundle folder]`: a real server gets what no client should send: every limit at −1, 0 and
// +1, texts, frames and connections that are wrong. Each case has its answer, and another client must not notice.
// Loopback only.
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createBystander, expectBounded, usageOf } from './bad-input/bystander.ts'
import {
  allClosed,
  almostWholeFrames,
  almostWholeMessages,
  bigPromises,
  calledBack,
  callsWithoutReading,
  type Crowd,
  halfOpen,
  idleCrowd,
  idleOnGrpc,
  idleOnRemoting,
  receivesWithoutReading,
  pingsWithoutReading,
  remotingWithoutReading,
  telemetryWithoutReading,
  unknownTopics,
  unfinishedCalls,
  waitingReceives,
} from './bad-input/crowds.ts'
import { largeBatch, staleHandles } from './bad-input/deliveries.ts'
import { differenceOf as grpcDifferenceOf } from './bad-input/grpc-case.ts'
import { GRPC_TABLES } from './bad-input/grpc-cases.ts'
import { METHODS, openGrpc } from './bad-input/grpc-wire.ts'
import { differenceOf as portDifferenceOf, handshake, PORT_CASES } from './bad-input/port-cases.ts'
import { differenceOf as remotingDifferenceOf } from './bad-input/remoting-case.ts'
import { REMOTING_TABLES } from './bad-input/remoting-cases.ts'
import { createTopicFrame, routeFrame } from './bad-input/remoting-requests.ts'
import { exchange } from './bad-input/remoting-wire.ts'
import { strictGrpcCases, strictRemotingCases } from './bad-input/strict-cases.ts'
import { createChecks, someOf } from './checks.ts'
import { freePorts, type Ports } from './free-ports.ts'
import { createParts } from './parts.ts'
import { makeScratch } from './scratch.ts'
import { startServer, takeBundle, takeServices } from './server.ts'
import { expectThat, runCheck, withDeadline } from './steps.ts'

const MIB = 1024 * 1024
/** What a group of cases may add to the memory of the server: one that is buffered without a bound adds more. */
const RSS_GROWTH_MAX = 256 * MIB
const SOCKETS_GROWTH_MAX = 4
const SETTLED_MS_MAX = 5_000
const ROWS_AT_ONCE = 16
/** A server gives new connections 10 s to say what they speak. */
const UNDECIDED_MS_MAX = 13_000
/** The deadline of such calls, and time for all of them. */
const UNFINISHED_MS_MAX = 10_000
const PROBE_MS_MAX = 2_000
const STRICT_TOPIC = 'there'

const { values } = parseArgs({ options: { bundle: { type: 'string' } } })
const scratch = makeScratch('bad-input')
const checks = createChecks((line) => console.log(line))
const ports = await freePorts()
const logFile = join(scratch, 'log')
const dataDir = join(scratch, 'data')
mkdirSync(dataDir)
const server = startServer({
  bundle: takeBundle(join(scratch, 'bundle'), values.bundle),
  dataDir,
  ports,
  flush: 'async',
  logFile,
})
await server.ready()
const bystander = await createBystander(ports)
const before = usageOf(server.pid)
let rssBytes = before?.rssBytes ?? 0

/** After each group, and meanwhile where connections stay: then those count, and memory has the same bound. */
async function checkOthers(group: string, socketsMore = SOCKETS_GROWTH_MAX): Promise<void> {
  await runCheck(checks, `${group}: another client is unaffected`, () => bystander.expectUnaffected())
  if (before === undefined) {
    checks.skip(`${group}: memory and connections`, 'this system has no /proc')
    return
  }
  const bounds = { rssBytes: rssBytes + RSS_GROWTH_MAX, sockets: before.sockets + socketsMore }
  await runCheck(checks, `${group}: memory and connections are bounded`, () =>
    expectBounded(server.pid, bounds, SETTLED_MS_MAX),
  )
  rssBytes = usageOf(server.pid)?.rssBytes ?? rssBytes
}

/** Runs rows side by side; each is a check. */
async function checkRows<Row extends { readonly name: string }>(
  rows: readonly Row[],
  difference: (row: Row) => Promise<string | undefined>,
): Promise<void> {
  const left = [...rows]
  const work = async () => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) {
      const found = await difference(row)
      checks.check(row.name, found === undefined, found)
    }
  }
  await Promise.all(Array.from({ length: ROWS_AT_ONCE }, work))
}

async function checkGrpc(): Promise<void> {
  const asked = new Set(Object.values(GRPC_TABLES).flatMap((rows) => rows.map(({ method }) => method)))
  const forgotten = METHODS.filter((method) => !asked.has(method))
  checks.check('gRPC: every method of the service has its rows', forgotten.length === 0, forgotten.join(', '))
  for (const [group, rows] of Object.entries(GRPC_TABLES)) {
    const connection = openGrpc(ports.grpc)
    await checkRows(rows, async (row) => {
      const { alone = false, trickled = false } = row
      if (!alone && !trickled) return grpcDifferenceOf(connection, row)
      const own = openGrpc(ports.grpc, { trickled })
      const difference = await grpcDifferenceOf(own, row)
      own.close()
      return difference
    })
    checks.check(`gRPC, ${group}: the connection survives all of it`, !connection.closed)
    connection.close()
    await checkOthers(`gRPC, ${group}`)
  }
}

async function checkDeliveries(): Promise<void> {
  await runCheck(checks, 'stale handles settle nothing', () => staleHandles(ports.grpc))
  await runCheck(checks, 'a batch of 2^31 − 1 gets what fits into one', () => largeBatch(ports.grpc))
}

async function checkRemoting(): Promise<void> {
  for (const [group, rows] of Object.entries(REMOTING_TABLES)) {
    await checkRows(rows, (row) => remotingDifferenceOf(ports, row))
    await checkOthers(`remoting, ${group}`)
  }
}

/** Separate processes that make no topic and no group on demand. */
async function checkStrict(): Promise<void> {
  const parts = createParts(takeServices(), scratch)
  const nameserver = await parts.start('nameserver')
  const at = `--namesrv-addr=${nameserver.address}`
  const flags = [at, '--no-auto-create-topic-enable', '--no-auto-create-subscription-group']
  const broker = await parts.start('broker', { flags })
  const proxy = await parts.start('proxy', { flags: [at] })
  const strict: Ports = { grpc: proxy.port, broker: broker.port, nameserver: nameserver.port, health: proxy.healthPort }
  await runCheck(checks, 'a strict cluster: its topic is made', () => makeTopic(strict, STRICT_TOPIC))
  const connection = openGrpc(proxy.port)
  await checkRows(strictGrpcCases(STRICT_TOPIC), (row) => grpcDifferenceOf(connection, row))
  connection.close()
  await checkRows(strictRemotingCases(STRICT_TOPIC), (row) => remotingDifferenceOf(strict, row))
  const stopped = await Promise.all([proxy, broker, nameserver].map(({ process: running }) => running.stop()))
  checks.check(
    'a strict cluster: it lives, and stops in order',
    stopped.every(({ code }) => code === 0),
  )
}

/** Resolves when the nameserver has it, too. */
async function makeTopic({ broker, nameserver }: Ports, topic: string): Promise<void> {
  const codeOf = async (port: number, frame: Buffer) => {
    const outcome = await exchange(port, [frame])
    return outcome.kind === 'answered' ? outcome.reply.code : outcome.kind
  }
  const made = await codeOf(broker, createTopicFrame(topic))
  expectThat(made === 0, `the broker answered ${made}`)
  const untilMs = performance.now() + SETTLED_MS_MAX
  while ((await codeOf(nameserver, routeFrame(topic))) !== 0) {
    expectThat(performance.now() < untilMs, `no nameserver has it after ${SETTLED_MS_MAX} ms`)
  }
}

async function checkPorts(): Promise<void> {
  await checkRows(
    PORT_CASES.map((row) => ({ ...row, name: `${row.port} port: ${row.name} is closed` })),
    (row) => portDifferenceOf(ports, row),
  )
  for (const [port, protocol] of [
    ['grpc', 'http/1.1'],
    ['broker', 'h2'],
    ['nameserver', 'h2'],
    ['health', 'http/1.1'],
  ] as const) {
    await runCheck(checks, `${port} port: TLS for ${protocol} is refused`, async () => {
      const outcome = await handshake(ports[port], protocol)
      expectThat(outcome === 'refused', `it was ${outcome}`)
    })
  }
  await checkOthers('wrong protocols')
}

async function checkCrowd(
  name: string,
  gather: (ports: Ports) => Promise<Crowd>,
  meanwhile: (crowd: Crowd) => Promise<void> = async () => {},
): Promise<void> {
  const crowd = await gather(ports)
  try {
    await checkOthers(`${name}, meanwhile`, Infinity)
    await meanwhile(crowd)
  } finally {
    crowd.leave()
  }
  await checkOthers(`${name}, after`)
}

async function checkCrowds(): Promise<void> {
  await checkCrowd('1,000 half-open connections', halfOpen, async (crowd) => {
    await runCheck(checks, '1,000 half-open connections: the server closes its side too', async () => {
      expectThat(await allClosed(crowd, SETTLED_MS_MAX), `${crowd.open()} are still open`)
    })
  })
  await checkCrowd('1,000 silent connections, remoting', idleOnRemoting)
  await checkCrowd('1,000 silent connections, gRPC', idleOnGrpc, async (crowd) => {
    await runCheck(checks, '1,000 silent connections, gRPC: closed when they say nothing for long', async () => {
      expectThat(await allClosed(crowd, UNDECIDED_MS_MAX), `${crowd.open()} are still open`)
    })
  })
  const atHealth = (all: Ports) => idleCrowd(all.health, Buffer.from('GET /li'), 200)
  await checkCrowd('200 silent connections, health', atHealth, async () => {
    await runCheck(checks, '200 silent connections, health: a probe is answered', async () => {
      const probe = get(`${server.healthUrl}/readyz`, { agent: false, timeout: PROBE_MS_MAX })
      const [answer] = (await withDeadline(PROBE_MS_MAX, () => once(probe, 'response'))) as [IncomingMessage]
      answer.resume()
      expectThat(answer.statusCode === 200, `/readyz said ${answer.statusCode}`)
    })
  })
  await checkCrowd('200 frames that announce 16 MiB', bigPromises)
  await checkCrowd('32 frames of 16 MiB without their last byte', almostWholeFrames)
  await checkCrowd('128 messages of 4 MiB without their last byte, gRPC', almostWholeMessages)
  await checkCrowd('answers that nobody reads, remoting', remotingWithoutReading)
  await checkCrowd('messages that nobody reads, gRPC', receivesWithoutReading)
  await checkCrowd('answers that nobody reads, gRPC', callsWithoutReading)
  await checkCrowd('settings whose answers nobody reads, gRPC', telemetryWithoutReading)
  await checkCrowd('pings whose answers nobody reads, gRPC', pingsWithoutReading)
  await checkCrowd('1,000 calls that are never ended, gRPC', unfinishedCalls, async (crowd) => {
    await runCheck(checks, '1,000 calls that are never ended, gRPC: they end with their deadline', async () => {
      expectThat(await allClosed(crowd, UNFINISHED_MS_MAX), `${crowd.open()} are still open`)
    })
  })
  await checkCrowd('10,000 calls taken back, gRPC', calledBack)
  await checkCrowd('4,000 receives that wait, gRPC', waitingReceives)
  await checkCrowd('2,000 unknown topics at once', unknownTopics)
}

try {
  await checkPorts()
  await checkCrowds()
  await checkGrpc()
  await checkDeliveries()
  await checkRemoting()
  await checkStrict()
} catch (error) {
  checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
}
bystander.close()
await runCheck(checks, 'the server lives, and stops in order', async () => {
  const { code, signal, ms } = await server.stop()
  expectThat(code === 0, `it ended with ${code ?? signal}`)
  return `${Math.round(ms)} ms`
})
const wrong = readFileSync(logFile, 'utf8')
  .split('\n')
  .filter((line) => /"level":"(error|fatal)"|^ +at /.test(line))
checks.check(
  'nothing that a client sends is an error of the server',
  wrong.length === 0,
  someOf(wrong.map((line) => line.slice(0, 600))),
)
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
