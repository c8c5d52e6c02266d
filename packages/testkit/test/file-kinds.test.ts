// The kinds of files that brokers and proxies really write, against the rows of ARCHITECTURE.md: a new kind needs one.
// Brokers live through what makes files here: messages, also delayed ones, a kill, damage behind the log's end, a join,
// an orderly stop.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { createBrokerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { loadSelfSigned } from '@rocketmq-ts/grpc/node'
import { topicConfig } from '@rocketmq-ts/model'
import { connectPeer } from '@rocketmq-ts/remoting'
import { type Effects, silentLogger } from '@rocketmq-ts/runtime'
import { createNodeEffects } from '@rocketmq-ts/runtime/node'
import {
  BROKER_FOLDER,
  BROKER_PORT,
  NAMESERVER_PORT,
  startBroker,
  startNameServer,
} from '../src/cluster/service-mains.ts'
import { createWorld, type SimMachine, type SimProcess, type World } from '../src/sim/index.ts'

const ARCHITECTURE = fileURLToPath(new URL('../../../ARCHITECTURE.md', import.meta.url))
const SEGMENT_BYTES = 1 << 20
/** So few units that those of the queues of one topic get into a pack. */
const QUEUE_FILE_BYTES = 4 * 20
const QUEUES = 16
const DERIVED_FILES_MS = 10_000
/** More than an image of the timer index holds itself. */
const DELAYED = 1100
const TEMPORARY = '.tmp'
const STOPPED_MS_MAX = 60_000

/** The same effects; every file that is made or renamed into place is noted, but not the name it has until then. */
function noting(effects: Effects, paths: Set<string>): Effects {
  const { files } = effects
  return {
    ...effects,
    files: {
      ...files,
      open(path, mode) {
        if (mode === 'create' && !path.endsWith(TEMPORARY)) paths.add(path)
        return files.open(path, mode)
      },
      rename(from, to) {
        paths.add(to)
        return files.rename(from, to)
      },
    },
  }
}

/** What a name is an instance of: numbers, ids and topics by their place. */
function kindOf(path: string): string {
  return path
    .replace(/(consumequeue)\/[^/]+\//, '$1/TOPIC/')
    .replace(/\b\d+(?=\/|$)/g, 'N')
    .replace(/(\.lock\.)[0-9a-f]{16}$/, '$1ID')
}

async function running(world: World, process: SimProcess<unknown>): Promise<void> {
  await world.run(() => process.state !== 'starting', { forMsMax: STOPPED_MS_MAX })
  expect(process.failure).toBeUndefined()
  expect(process.state).toBe('running')
}

/** Bytes behind the last record, as a crash in the middle of a write leaves them. */
async function damageLog({ files }: Effects): Promise<void> {
  const [segment] = await files.list(`${BROKER_FOLDER}/commitlog`)
  const file = await files.open(`${BROKER_FOLDER}/commitlog/${segment?.name}`, 'must-exist')
  const bytes = Buffer.alloc(SEGMENT_BYTES)
  await file.read(0, bytes)
  file.writeSync(bytes.findLastIndex((byte) => byte !== 0) + 1, [Buffer.alloc(100, 0x55)])
  await file.close()
}

async function sendAndTake(effects: Effects, address: string): Promise<void> {
  const { clock, scheduler, network } = effects
  const peers = createPeerSource({ connect: (to) => connectPeer(network, to, { clock, scheduler }), clock })
  const brokers = createBrokerClient({ peers })
  await brokers.createTopic(address, topicConfig('orders', { readQueueNums: QUEUES, writeQueueNums: QUEUES }))
  const message = {
    producerGroup: 'p',
    topic: 'orders',
    defaultTopic: '',
    defaultTopicQueueNums: 0,
    queueId: 0,
    sysFlag: 0,
    bornTimestampMs: clock.nowMs(),
    flag: 0,
    properties: 'UNIQ_KEY\u0001u\u0002',
    reconsumeTimes: 0,
  }
  for (let queueId = 0; queueId < QUEUES; queueId += 1) {
    await brokers.send(address, { ...message, queueId }, Buffer.from('hello'))
  }
  const delayed = { ...message, properties: `UNIQ_KEY\u0001u\u0002TIMER_DELAY_SEC\u00013600\u0002` }
  await brokers.send(address, { ...message, properties: 'DELAY\u00011\u0002' }, Buffer.from('in a second'))
  for (let count = 0; count < DELAYED; count += 1) await brokers.send(address, delayed, Buffer.from('later'))
  const popped = await brokers.pop(
    { address, brokerName: 'a' },
    {
      consumerGroup: 'readers',
      topic: 'orders',
      queueId: -1,
      maxMsgNums: 1,
      invisibleTimeMs: 10_000,
      pollTimeMs: 1_000,
      bornTimeMs: 0,
      initMode: 0,
    },
  )
  if (popped.kind !== 'found') throw new Error(`the pop answered ${popped.kind}`)
  peers.close()
}

/** All kinds that brokers write in the simulated world, by their folder. */
async function kindsOfBrokers(): Promise<Set<string>> {
  const world = createWorld({ seed: 7 })
  const paths = new Set<string>()
  const nameserver = world.machine('nameserver')
  const nameServers = [`${nameserver.host}:${NAMESERVER_PORT}`]
  await running(
    world,
    nameserver.start('nameserver', (effects) => {
      return startNameServer({ effects, logger: silentLogger, onDefect: fail })
    }),
  )
  const start = (machine: SimMachine, joinCluster: boolean) =>
    machine.start('broker', (effects) =>
      startBroker(
        {
          brokerName: machine.name,
          host: machine.host,
          nameServers,
          flushDiskType: 'ASYNC_FLUSH',
          segmentBytes: SEGMENT_BYTES,
          queueFileBytes: QUEUE_FILE_BYTES,
          joinCluster,
        },
        { effects: noting(effects, paths), logger: silentLogger, onDefect: fail },
      ),
    )
  const a = world.machine('a')
  const first = start(a, false)
  await running(world, first)
  const client = world.machine('client').start('client', (effects) => sendAndTake(effects, `${a.host}:${BROKER_PORT}`))
  await running(world, client)
  await world.run(DERIVED_FILES_MS)
  first.crash()
  await running(
    world,
    a.start('damage', (effects) => damageLog(effects)),
  )
  const again = start(a, false)
  await running(world, again)
  const b = start(world.machine('b'), true)
  await running(world, b)
  await world.run(DERIVED_FILES_MS)
  const stopped = Promise.all([again, b].map((process) => process.handle.stop()))
  let isStopped = false
  void stopped.then(() => (isStopped = true))
  await world.run(() => isStopped, { forMsMax: STOPPED_MS_MAX })
  return new Set([...paths].map((path) => kindOf(path.replace(`${BROKER_FOLDER}/`, 'broker/'))))
}

function fail(error: unknown): never {
  throw error
}

/** Those that only the real machine has: the lock of a folder, and the certificate of a proxy. */
async function kindsOfMachine(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'file-kinds-'))
  try {
    const { files, clock } = createNodeEffects()
    await loadSelfSigned(join(folder, 'proxy'), clock)
    await files.makeFolder(join(folder, 'broker'))
    const lock = await files.lockFolder(join(folder, 'broker'), 'test')
    const names = ['proxy', 'broker'].flatMap((part) => {
      return readdirSync(join(folder, part)).map((name) => kindOf(`${part}/${name}`))
    })
    await lock.release()
    return names
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('files: every kind that a broker or proxy writes → has its row in ARCHITECTURE.md, and no row a kind that is gone', async () => {
  const [, section = ''] = readFileSync(ARCHITECTURE, 'utf8').split('### Files\n')
  const rows = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, kind]) => kind)
  const written = [...(await kindsOfBrokers()), ...(await kindsOfMachine())]
  expect(rows.toSorted()).toEqual(written.toSorted())
})
