// `npm run e2e:bad-input`: a real server gets what no client should send: every limit at −1, 0 and +1, texts, frames and
// connections that are wrong. Each case has its answer, and another client must not notice. Loopback only.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBystander, expectBounded, usageOf } from './bad-input/bystander.ts'
import { differenceOf as grpcDifferenceOf } from './bad-input/grpc-case.ts'
import { GRPC_TABLES } from './bad-input/grpc-cases.ts'
import { openGrpc } from './bad-input/grpc-wire.ts'
import { differenceOf as remotingDifferenceOf } from './bad-input/remoting-case.ts'
import { REMOTING_TABLES } from './bad-input/remoting-cases.ts'
import { createChecks } from './checks.ts'
import { freePorts } from './free-ports.ts'
import { startServer, takeBundle } from './server.ts'
import { runCheck } from './steps.ts'

const MIB = 1024 * 1024
/** What a group of cases may add to the memory of the server for good. */
const RSS_GROWTH_MAX = 256 * MIB
const SOCKETS_GROWTH_MAX = 4
const SETTLED_MS_MAX = 5_000
const ROWS_AT_ONCE = 16

const scratch = mkdtempSync(join(tmpdir(), 'rocketmq-ts-bad-input-'))
process.once('exit', () =>
  process.env.KEEP ? console.log(scratch) : rmSync(scratch, { recursive: true, force: true, maxRetries: 3 }),
)
const checks = createChecks((line) => console.log(line))
const ports = await freePorts()
const dataDir = join(scratch, 'data')
mkdirSync(dataDir)
const server = startServer({
  bundle: takeBundle(join(scratch, 'bundle')),
  dataDir,
  ports,
  flush: 'async',
  logFile: join(scratch, 'log'),
})
await server.ready()
const bystander = await createBystander(ports)
const before = usageOf(server.pid)

/** After each group. */
async function checkOthers(group: string): Promise<void> {
  await runCheck(checks, `${group}: another client is unaffected`, () => bystander.expectUnaffected())
  if (before === undefined) {
    checks.skip(`${group}: memory and connections`, 'this system has no /proc')
    return
  }
  const bounds = { rssBytes: before.rssBytes + RSS_GROWTH_MAX, sockets: before.sockets + SOCKETS_GROWTH_MAX }
  await runCheck(checks, `${group}: memory and connections are bounded`, () =>
    expectBounded(server.pid, bounds, SETTLED_MS_MAX),
  )
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
  for (const [group, rows] of Object.entries(GRPC_TABLES)) {
    const connection = openGrpc(ports.grpc)
    await checkRows(rows, (row) => grpcDifferenceOf(connection, row))
    checks.check(`gRPC, ${group}: the connection survives all of it`, !connection.closed)
    connection.close()
    await checkOthers(`gRPC, ${group}`)
  }
}

async function checkRemoting(): Promise<void> {
  for (const [group, rows] of Object.entries(REMOTING_TABLES)) {
    await checkRows(rows, (row) => remotingDifferenceOf(ports, row))
    await checkOthers(`remoting, ${group}`)
  }
}

try {
  await checkGrpc()
  await checkRemoting()
} catch (error) {
  checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
}
bystander.close()
await server.kill()
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
