// `npm run e2e:addresses`: nobody sets an address. Clients behind a port map, by name, on any loopback address, with TLS
// and in plaintext reach the server and are told to come back the way they came. Traffic stays on loopback.
import { mkdirSync, mkdtempSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { connectionsDuring } from './addresses/connections.ts'
import { createForwarder, type Forwarder } from './addresses/forwarder.ts'
import { roundTrip } from './addresses/node-sdk.ts'
import {
  differencesOf,
  type Endpoints,
  expectEchoed,
  queryAssignment,
  queryRoute,
  type RouteQuery,
  type Scheme,
} from './addresses/routes.ts'
import { createChecks } from './checks.ts'
import { freePorts, type Ports } from './free-ports.ts'
import { makeScratch } from './scratch.ts'
import { startServer, takeBundle } from './server.ts'
import { expectThat, runCheck } from './steps.ts'

const TOPIC = 'addresses'
const LOOPBACK = '127.0.0.1'

const scratch = makeScratch('addresses')
const checks = createChecks((line) => console.log(line))
const bundle = takeBundle(join(scratch, 'bundle'))
let topics = 0
/** A new one each time: no message of another check is in it. */
const newTopic = () => `${TOPIC}-${(topics += 1)}`

function endpointsOf(scheme: Scheme, ...addresses: readonly (readonly [host: string, port: number])[]): Endpoints {
  return { scheme, addresses: addresses.map(([host, port]) => ({ host, port })) }
}

/** Runs the checks against a server that listens on this host. */
async function withServer(
  host: string,
  flags: readonly string[],
  work: (ports: Ports) => Promise<void>,
): Promise<void> {
  const ports = await freePorts()
  const folder = mkdtempSync(join(scratch, 'server-'))
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  const logFile = join(folder, 'log')
  const server = startServer({ bundle, dataDir, ports, flush: 'async', logFile, flags: [`--host=${host}`, ...flags] })
  try {
    if (await runCheck(checks, `a server starts on ${host}`, async () => `${Math.round(await server.ready())} ms`)) {
      await work(ports)
    }
  } finally {
    await server.kill()
  }
}

/** Both transports on one port get the same answer, field by field. */
async function checkTransports(name: string, query: Omit<RouteQuery, 'transport'>): Promise<void> {
  await runCheck(checks, `${name}: TLS and plaintext get equal routes that echo the client's endpoints`, async () => {
    const plaintext = await queryRoute({ ...query, transport: 'plaintext' })
    const tls = await queryRoute({ ...query, transport: 'TLS' })
    expectEchoed(plaintext, query.endpoints)
    const differences = differencesOf(tls, plaintext)
    expectThat(differences.length === 0, `TLS / plaintext differ in ${differences.join(', ')}`)
    return expectEchoed(tls, query.endpoints)
  })
}

async function checkSdk(name: string, endpoints: string): Promise<void> {
  await runCheck(checks, `${name}: the Node SDK sends, receives and acknowledges`, () =>
    roundTrip(endpoints, newTopic()),
  )
}

async function checkBehindForwarder(name: string, forwarder: Forwarder): Promise<void> {
  const { address, port, farSockets } = forwarder
  await runCheck(
    checks,
    `${name}: the Node SDK sends, receives and acknowledges, through that port alone`,
    async () => {
      const seen = await connectionsDuring(() => roundTrip(address, newTopic()), forwarder)
      expectThat(
        seen.size === 1 && seen.has(address),
        `it connected to ${[...seen].join(', ')}, not to ${address} alone`,
      )
      return `${farSockets.size} connections forwarded`
    },
  )
  await checkTransports(name, { target: address, topic: TOPIC, endpoints: endpointsOf('IPv4', [LOOPBACK, port]) })
}

/** What clients call the server, be it a name or a port that only they know. */
async function checkEchoes(ports: Ports): Promise<void> {
  const asked: Record<string, Endpoints> = {
    'another port': endpointsOf('IPv4', [LOOPBACK, 18_081]),
    'an address that the server does not have': endpointsOf('IPv4', ['192.0.2.7', ports.grpc]),
    'several addresses': endpointsOf('IPv4', ['192.0.2.7', 8081], ['192.0.2.8', 8082]),
    'a name that the server can not resolve': endpointsOf('DOMAIN_NAME', ['mq.example', 443]),
    'an IPv6 address': endpointsOf('IPv6', ['2001:db8::7', 8081]),
  }
  for (const [name, endpoints] of Object.entries(asked)) {
    await runCheck(checks, `routes and assignments echo ${name}`, async () => {
      const query = { target: `${LOOPBACK}:${ports.grpc}`, transport: 'plaintext', topic: TOPIC, endpoints } as const
      expectEchoed(await queryAssignment(query), endpoints)
      return expectEchoed(await queryRoute(query), endpoints)
    })
  }
}

async function checkDefaultHost(): Promise<void> {
  await withServer(LOOPBACK, [], async (ports) => {
    const forwarder = await createForwarder(LOOPBACK, ports.grpc)
    await checkBehindForwarder('behind a port map', forwarder)
    await forwarder.close()
    await checkEchoes(ports)
    const target = `${LOOPBACK}:${ports.grpc}`
    await checkTransports(target, { target, topic: TOPIC, endpoints: endpointsOf('IPv4', [LOOPBACK, ports.grpc]) })
    for (const host of [LOOPBACK, 'localhost']) await checkSdk(`by ${host}`, `${host}:${ports.grpc}`)
  })
}

async function checkAllAddresses(): Promise<void> {
  await withServer('0.0.0.0', ['--allow-open'], async (ports) => {
    for (const [host, scheme] of [
      [LOOPBACK, 'IPv4'],
      ['127.0.0.2', 'IPv4'],
      ['localhost', 'DOMAIN_NAME'],
    ] as const) {
      const target = `${host}:${ports.grpc}`
      await checkSdk(`bound to 0.0.0.0, by ${host}`, target)
      const endpoints = endpointsOf(scheme, [host, ports.grpc])
      await checkTransports(`bound to 0.0.0.0, by ${host}`, { target, topic: TOPIC, endpoints })
    }
  })
}

async function checkIpv6(): Promise<void> {
  const addresses = Object.values(networkInterfaces()).flatMap((known) => known ?? [])
  if (!addresses.some(({ address }) => address === '::1')) {
    checks.skip('IPv6', 'this machine has no ::1')
    return
  }
  await withServer('::1', [], async (ports) => {
    const target = `[::1]:${ports.grpc}`
    await checkTransports('by ::1', { target, topic: TOPIC, endpoints: endpointsOf('IPv6', ['::1', ports.grpc]) })
    // The Node SDK takes no IPv6 address, but it does not have to know of one.
    const forwarder = await createForwarder('::1', ports.grpc)
    await checkBehindForwarder('IPv4 outside, IPv6 inside', forwarder)
    await forwarder.close()
  })
}

try {
  await checkDefaultHost()
  await checkAllAddresses()
  await checkIpv6()
} catch (error) {
  checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
}
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
