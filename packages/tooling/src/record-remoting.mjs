// Records what Apache's own servers and client say to each other, as fixtures for packages/remoting. It runs a
// nameserver and a broker of Apache with relays in front of them, and RecordRequests.java as the client.
//
//   node packages/tooling/src/record-remoting.mjs <folder of jars> [output file]
//
// The folder holds rocketmq-namesrv and rocketmq-broker with what they depend on (mvn dependency:copy-dependencies).
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const [jars, output = fileURLToPath(new URL('../../remoting/test/fixtures/apache-5.3.3.json', import.meta.url))] =
  process.argv.slice(2)
const LOOPBACK = '127.0.0.1'
const START_MS_MAX = 60_000
/** Requests of one code with one answer code that are kept. */
const KEPT_PER_KIND = 2
const GET_BROKER_RUNTIME_INFO = 28
const REGISTER_BROKER = 103

const exchanges = []

/** What pairs a frame with its answer; JSON or binary header. */
function readHeader(frame) {
  const binary = frame[4] === 1
  if (binary) return { binary, code: frame.readInt16BE(8), opaque: frame.readInt32BE(13), flag: frame.readInt32BE(17) }
  return { binary, ...JSON.parse(frame.toString('utf8', 8, 8 + frame.readUIntBE(5, 3))) }
}

/** Cuts a stream into frames. */
function frameReader(onFrame) {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const frame = rest.subarray(0, 4 + rest.readInt32BE(0))
      rest = rest.subarray(frame.length)
      onFrame(frame, readHeader(frame))
    }
  }
}

/** Passes everything on and keeps request and answer together. */
async function relay(server, targetPort) {
  const listener = net.createServer((near) => {
    const far = net.connect(targetPort, LOOPBACK)
    const waiting = new Map()
    const fromClient = frameReader((frame, { code, opaque, binary }) => {
      waiting.set(opaque, { server, binary, code, request: frame.toString('hex') })
    })
    const fromServer = frameReader((frame, { code, opaque, flag }) => {
      const exchange = waiting.get(opaque)
      if (exchange === undefined || (flag & 1) === 0) return
      waiting.delete(opaque)
      keep({ ...exchange, answerCode: code, answer: frame.toString('hex') })
    })
    near.on('data', (chunk) => (fromClient(chunk), far.write(chunk)))
    far.on('data', (chunk) => (fromServer(chunk), near.write(chunk)))
    const ends = [
      [near, far],
      [far, near],
    ]
    for (const [one, other] of ends) one.on('close', () => other.destroy()).on('error', () => {})
  })
  await new Promise((resolve) => listener.listen(0, LOOPBACK, resolve))
  return { port: listener.address().port, close: () => listener.close() }
}

function keep(exchange) {
  // Runtime figures name folders of the machine.
  if (exchange.code === GET_BROKER_RUNTIME_INFO) return
  const kindOf = ({ code, answerCode, binary }) => `${code} ${answerCode} ${binary}`
  const alike = exchanges.filter((kept) => kindOf(kept) === kindOf(exchange))
  if (alike.length < KEPT_PER_KIND) exchanges.push(exchange)
}

async function freePort() {
  const probe = net.createServer()
  await new Promise((resolve) => probe.listen(0, LOOPBACK, resolve))
  const { port } = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return port
}

function java(scratch, args) {
  const flags = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:MaxDirectMemorySize=128m']
  flags.push('--add-opens', 'java.base/java.nio=ALL-UNNAMED', '--add-exports', 'java.base/sun.nio.ch=ALL-UNNAMED')
  const home = [`-Duser.home=${scratch}`, `-Drocketmq.home.dir=${scratch}`]
  return spawn('java', [...flags, ...home, '-cp', path.join(jars, '*'), ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ROCKETMQ_HOME: scratch },
  })
}

async function waitFor(what, holds) {
  const endMs = Date.now() + START_MS_MAX
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`${what} did not come within ${START_MS_MAX} ms`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, LOOPBACK)
    socket.once('connect', () => (socket.destroy(), resolve(true))).once('error', () => resolve(false))
  })
}

/** One request as bytes, and the whole frame that comes back. */
function askRaw(port, request) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, LOOPBACK, () => socket.write(request))
    socket.on('error', reject)
    socket.on(
      'data',
      frameReader((frame) => (socket.destroy(), resolve(frame))),
    )
  })
}

/** Asks for a route as the Go client does, which gets another spelling of it. */
async function recordGoClient(port) {
  const header =
    '{"code":105,"language":"GO","version":317,"opaque":2,"flag":0,"remark":"","extFields":{"topic":"Recorded"}}'
  const request = Buffer.concat([Buffer.alloc(8), Buffer.from(header)])
  request.writeInt32BE(request.length - 4, 0)
  request.writeUIntBE(header.length, 5, 3)
  const answer = (await askRaw(port, request)).toString('hex')
  const server = 'nameserver, Go client'
  exchanges.push({ server, binary: false, code: 105, request: request.toString('hex'), answerCode: 0, answer })
}

async function record(scratch, started) {
  const nameServerPort = await freePort()
  const brokerPort = await freePort()
  writeFileSync(path.join(scratch, 'namesrv.conf'), `listenPort=${nameServerPort}\n`)
  started.push(java(scratch, ['org.apache.rocketmq.namesrv.NamesrvStartup', '-c', path.join(scratch, 'namesrv.conf')]))
  await waitFor('the nameserver', () => isOpen(nameServerPort))
  const nameServer = await relay('nameserver', nameServerPort)
  const settings = {
    brokerClusterName: 'DefaultCluster',
    brokerName: 'broker-a',
    brokerId: 0,
    brokerIP1: LOOPBACK,
    brokerIP2: LOOPBACK,
    listenPort: brokerPort,
    namesrvAddr: `${LOOPBACK}:${nameServer.port}`,
    storePathRootDir: path.join(scratch, 'store'),
    storePathCommitLog: path.join(scratch, 'store', 'commitlog'),
    mappedFileSizeCommitLog: 16_777_216,
    mappedFileSizeConsumeQueue: 60_000,
    maxHashSlotNum: 1000,
    maxIndexNum: 4000,
    mappedFileSizeTimerLog: 10_485_760,
    diskMaxUsedSpaceRatio: 95,
    enableCompaction: false,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(path.join(scratch, 'broker.conf'), lines.join(''))
  started.push(java(scratch, ['org.apache.rocketmq.broker.BrokerStartup', '-c', path.join(scratch, 'broker.conf')]))
  await waitFor('the broker', () => isOpen(brokerPort))
  await waitFor('its registration', () => exchanges.some(({ code }) => code === REGISTER_BROKER))
  const broker = await relay('broker', brokerPort)
  const source = fileURLToPath(new URL('./apache/RecordRequests.java', import.meta.url))
  // With binary headers the client's pops get cut codes and fail, so its topic is still there at the end.
  for (const serialization of ['JSON', 'ROCKETMQ']) {
    const addresses = [`${LOOPBACK}:${nameServer.port}`, `${LOOPBACK}:${broker.port}`]
    const client = java(scratch, [`-Drocketmq.serialize.type=${serialization}`, source, ...addresses])
    started.push(client)
    await new Promise((resolve) => client.once('exit', resolve))
  }
  await recordGoClient(nameServerPort)
  nameServer.close()
  broker.close()
  started.at(1).kill('SIGTERM')
  await waitFor('the goodbye of the broker', () => started.at(1).exitCode !== null || started.at(1).signalCode !== null)
}

const scratch = mkdtempSync(path.join(os.tmpdir(), 'record-remoting-'))
const started = []
try {
  await record(scratch, started)
  mkdirSync(path.dirname(output), { recursive: true })
  writeFileSync(output, `${JSON.stringify({ version: '5.3.3', exchanges }, null, 1)}\n`)
  console.log(`${exchanges.length} exchanges in ${output}`)
} finally {
  for (const child of started) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
}
process.exit(0)
