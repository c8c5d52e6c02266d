// What Apache's broker does to a folder while ours is down: it writes records and files, and knows nothing of ours.
import { type Effects, type Files, silentLogger } from '@rocketmq-ts/runtime'
import { openMessageStore, repairStore } from '@rocketmq-ts/store'
import { plainRecord } from '@rocketmq-ts/testkit'
import { brokerCheckOwner } from '../../src/check/check-owner.ts'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

export const SEGMENT_BYTES = 64 * 1024

export interface ApacheRecord {
  readonly topic: string
  readonly queueId?: number
  readonly body?: string
  readonly reconsumeTimes?: number
  readonly properties?: Readonly<Record<string, string>>
}

export interface ApacheRun {
  readonly records?: readonly ApacheRecord[]
  /** Below `config`. */
  readonly files?: Readonly<Record<string, string>>
  readonly timercheck?: Uint8Array
  /** The folder begins empty: ours never had it. */
  readonly isFresh?: boolean
}

/** What our store writes beside Apache's files, and Apache's broker does not. */
const OURS = /^(flushed|queue-checkpoint|last-writer)\./

export async function writeFile(files: Files, path: string, text: string | Uint8Array): Promise<void> {
  const file = await files.open(path, 'create')
  await file.truncate(0)
  file.writeSync(0, [Buffer.from(text)])
  await file.sync()
  await file.close()
}

async function ownFiles(files: Files): Promise<Map<string, Uint8Array>> {
  const own = new Map<string, Uint8Array>()
  for (const { name } of await files.list('/store')) {
    const path = `/store/${name}`
    if (OURS.test(name)) own.set(path, (await files.readWhole(path, 1_000_000))!)
  }
  return own
}

async function run(apache: ApacheRun & { effects: Effects }) {
  const { effects, records = [], files: config = {}, isFresh = false, timercheck } = apache
  const { files } = effects
  if (isFresh) await files.remove('/store')
  await files.makeFolder('/store/config', { durable: true })
  const before = await ownFiles(files)
  const store = await openMessageStore(
    { folder: '/store', flushMode: 'SYNC_FLUSH', segmentBytes: SEGMENT_BYTES },
    { ...effects, logger: silentLogger },
  )
  for (const record of records) store.append(plainRecord(record))
  await store.submit()
  await store.close()
  for (const path of (await ownFiles(files)).keys()) await files.remove(path)
  for (const [path, bytes] of before) await writeFile(files, path, bytes)
  for (const [name, text] of Object.entries(config)) {
    const path = `/store/config/${name}`
    // Java: ConfigManager.persist.
    const held = await files.readWhole(path, 1_000_000)
    if (held !== undefined) await writeFile(files, `${path}.bak`, held)
    await writeFile(files, path, text)
  }
  if (timercheck !== undefined) await writeFile(files, '/store/config/timercheck', timercheck)
  for (const folder of ['/store', '/store/config']) await files.syncFolder(folder)
}

/** Apache's broker has the folder and stops in order. Ours is down. */
export async function runApache(broker: BrokerHarness, apache: ApacheRun): Promise<void> {
  const { effects } = broker.machine.start('apache', () => undefined)
  await broker.settled(run({ ...apache, effects }))
}

/** Our broker on a folder that only Apache's had before. */
export async function onApacheFolder(apache: ApacheRun): Promise<BrokerHarness> {
  const broker = await startBroker({ mappedFileSizeCommitLog: SEGMENT_BYTES })
  await broker.stop()
  await runApache(broker, { ...apache, isFresh: true })
  await broker.restart()
  return broker
}

/** The folder becomes a repaired copy of a repaired copy of itself, with nothing wrong. Ours is down. */
export async function repairTwice(broker: BrokerHarness): Promise<void> {
  const { effects } = broker.machine.start('operator', () => undefined)
  const { files } = effects
  for (const [from, to] of [
    ['/store', '/copy'],
    ['/copy', '/store'],
  ] as const) {
    const deps = { ...effects, logger: silentLogger }
    await broker.settled(repairStore({ from, to, owner: brokerCheckOwner }, deps))
    await broker.settled(files.remove(from))
  }
}

/** The text of a file below `config`; undefined without one. */
export async function configText(broker: BrokerHarness, name: string): Promise<string | undefined> {
  const { effects } = broker.machine.start('operator', () => undefined)
  const bytes = await broker.settled(effects.files.readWhole(`/store/config/${name}`, 1024 * 1024))
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}

export const bodies = (popped: readonly { record: { body: Uint8Array } }[]) =>
  popped.map(({ record }) => Buffer.from(record.body).toString())
