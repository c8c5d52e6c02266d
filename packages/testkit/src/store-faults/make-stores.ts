// Small folders made by the real broker and store: every kind of file, record and scar that a check must know.
import assert from 'node:assert'
import { type Broker, brokerConfig, createBroker } from '@rocketmq-ts/broker'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { type BrokerClient, createBrokerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { defaultConfig } from '@rocketmq-ts/config'
import { subscriptionGroupConfig, SysFlag, tagsCodeOf, topicConfig } from '@rocketmq-ts/model'
import { connectPeer } from '@rocketmq-ts/remoting'
import { silentLogger } from '@rocketmq-ts/runtime'
import { type MessageStore, type StoreOptions, type NewRecord, openMessageStore } from '@rocketmq-ts/store'
import { createManualEffects, type ManualEffects } from '../sim/manual-effects.ts'
import { type FolderImage, takeImage } from './folder-image.ts'

export const ROOT = '/store'
const SEGMENT_BYTES = 32 * 1024
const QUEUE_FILE_BYTES = 800
const PORT = 10_911
const MINUTE_MS = 60_000

export interface SampleStore {
  readonly name: string
  readonly image: FolderImage
}

interface RunningBroker {
  readonly effects: ManualEffects
  readonly client: BrokerClient
  readonly address: string
  stop(): Promise<void>
}

async function startBroker(effects: ManualEffects): Promise<RunningBroker> {
  const { effects: own, machine } = {
    effects: effects.machine.start('broker', () => undefined).effects,
    machine: effects.machine,
  }
  const broker: Broker = createBroker(
    {
      ...defaultConfig(brokerConfig),
      listenHost: machine.host,
      listenPort: PORT,
      storePathRootDir: ROOT,
      flushDiskType: 'SYNC_FLUSH',
      mappedFileSizeCommitLog: SEGMENT_BYTES,
      mappedFileSizeConsumeQueue: QUEUE_FILE_BYTES,
      maxHashSlotNum: 64,
      maxIndexNum: 256,
    },
    {
      ...own,
      logger: silentLogger,
      nameServers: { addresses: ['here'], register: async () => {}, unregister: async () => {} },
      onDefect(error) {
        throw error
      },
    },
  )
  await broker.start()
  const { clock, scheduler, network } = own
  const peers = createPeerSource({ connect: (address) => connectPeer(network, address, { clock, scheduler }), clock })
  return {
    effects,
    client: createBrokerClient({ peers }),
    address: `${machine.host}:${PORT}`,
    async stop() {
      peers.close()
      await broker.stop()
    },
  }
}

async function sendSome({ client, address, effects }: RunningBroker, topic: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const properties = `KEYS\u0001order-${index} all\u0002UNIQ_KEY\u0001${topic}${String(index).padStart(20, '0')}\u0002TAGS\u0001Tag${index % 3}\u0002region\u0001eu\u0002`
    const header = {
      producerGroup: 'p',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: index % 4,
      sysFlag: 0,
      bornTimestampMs: effects.clock.nowMs(),
      flag: 0,
      properties,
    }
    await client.send(address, header, utf8Encode(`message ${index} of ${topic} `.repeat(1 + (index % 9))))
    await effects.advance(7)
  }
}

async function popSome(running: RunningBroker, topic: string, group: string, acked: number): Promise<number> {
  const { client, address } = running
  const header = {
    consumerGroup: group,
    topic,
    queueId: -1,
    maxMsgNums: 8,
    invisibleTimeMs: MINUTE_MS,
    pollTimeMs: 0,
    bornTimeMs: 0,
    initMode: 0,
    expType: 'TAG',
    exp: '*',
  }
  const result = await client.pop({ address, brokerName: 'broker-a' }, header)
  if (result.kind !== 'found') return 0
  for (const { handle } of result.messages.slice(0, acked))
    await client.ack(address, { consumerGroup: group, topic, handle })
  return result.messages.length
}

/** Topics, groups, deleted ones, deliveries under way, dead letters. */
async function liveALittle(running: RunningBroker): Promise<void> {
  const { client, address, effects } = running
  for (const topic of ['orders', 'payments', 'gone', 'again']) {
    await client.createTopic(address, topicConfig(topic, { readQueueNums: 4, writeQueueNums: 4 }))
  }
  await client.createSubscriptionGroup(address, subscriptionGroupConfig('impatient', { retryMaxTimes: 1 }))
  await client.createSubscriptionGroup(address, subscriptionGroupConfig('billing', {}))
  for (const topic of ['gone', 'again', 'orders', 'payments']) await sendSome(running, topic, 24)
  await client.deleteTopic(address, 'gone')
  await client.deleteTopic(address, 'again')
  await client.createTopic(address, topicConfig('again', { readQueueNums: 4, writeQueueNums: 4 }))
  await sendSome(running, 'again', 10)
  assert((await popSome(running, 'orders', 'billing', 3)) > 3, 'there was something to pop')
  for (let delivery = 0; delivery < 3; delivery += 1) {
    await popSome(running, 'payments', 'impatient', 1)
    await effects.advance(2 * MINUTE_MS)
  }
  await sendSome(running, 'orders', 10)
}

/** What a broker leaves after an orderly stop. */
async function brokerStore(): Promise<SampleStore> {
  const effects = createManualEffects()
  const running = await startBroker(effects)
  await liveALittle(running)
  await running.stop()
  return { name: 'broker', image: await takeImage(effects.files, ROOT) }
}

/** Damaged at rest, repaired by a start that had to read the log, and used again. */
async function repairedStore(): Promise<SampleStore> {
  const effects = createManualEffects()
  const running = await startBroker(effects)
  await liveALittle(running)
  await running.stop()
  const { files } = effects
  const path = `${ROOT}/commitlog/00000000000000000000`
  const file = await files.open(path, 'must-exist')
  file.writeSync(9000, [Buffer.alloc(700, 0xee)])
  await file.close()
  for (const { name } of await files.list(ROOT)) {
    if (name.startsWith('queue-checkpoint')) await files.remove(`${ROOT}/${name}`)
  }
  const again = await startBroker(effects)
  await sendSome(again, 'orders', 12)
  await again.stop()
  return { name: 'repaired', image: await takeImage(files, ROOT) }
}

function record(index: number, fields: Partial<NewRecord> = {}): NewRecord {
  const properties = Buffer.from(`KEYS\u0001k${index} shared\u0002TAGS\u0001Tag${index % 3}\u0002`)
  return {
    topic: 'plain',
    queueId: index % 2,
    flag: index,
    sysFlag: 0,
    bornTimestampMs: 1_700_000_000_000 + index,
    bornHost: { host: '10.0.0.1', port: 50_000 },
    storeHost: { host: '10.0.0.2', port: 10_911 },
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(`body ${index} `.repeat(index % 13)),
    properties,
    tagsCode: tagsCodeOf(`Tag${index % 3}`),
    ...fields,
  }
}

/** Kinds of records of which a broker sends few: transactions, a long name, IPv6, empty and large bodies. */
async function plainStore(name: string, special: Partial<StoreOptions>): Promise<SampleStore> {
  const effects = createManualEffects()
  const open = (): Promise<MessageStore> =>
    openMessageStore(
      {
        folder: ROOT,
        flushMode: 'ASYNC_FLUSH',
        segmentBytes: 8192,
        unitsPerFile: 16,
        indexSlots: 16,
        indexEntries: 64,
        ...special,
      },
      { ...effects, logger: silentLogger },
    )
  const v6 = { host: 'fe80::1:2', port: 4711 }
  const kinds: readonly Partial<NewRecord>[] = [
    {},
    { topic: `long-${'x'.repeat(120)}` },
    { bornHost: v6, storeHost: v6 },
    { sysFlag: SysFlag.TRANSACTION_PREPARED, topic: 'undecided' },
    { sysFlag: SysFlag.TRANSACTION_COMMIT, preparedTransactionOffset: 100 },
    { sysFlag: SysFlag.TRANSACTION_ROLLBACK },
    { body: Buffer.alloc(3000, 'large ') },
    { properties: Buffer.alloc(0), tagsCode: 0 },
  ]
  let store = await open()
  for (let index = 0; index < 150; index += 1) {
    store.append(record(index, kinds[index % kinds.length]))
    await store.submit()
    await effects.advance(11)
    if (index !== 90) continue
    await store.close()
    store = await open()
  }
  await store.close()
  return { name, image: await takeImage(effects.files, ROOT) }
}

/** Made anew at each call, always the same. */
export async function makeStores(): Promise<readonly SampleStore[]> {
  return [
    await brokerStore(),
    await repairedStore(),
    await plainStore('plain', {}),
    // No queue has enough units for a file before it stops.
    await plainStore('packed', { unitsPerFile: 128, keptUnitsMax: 4 }),
  ]
}
