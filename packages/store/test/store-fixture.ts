// A store on a simulated disk, and the records that tests put into it.
import {
  type CommitLogOffset,
  commitLogOffset,
  decodeRecord,
  encodeRecord,
  queueOffset,
  recordSize,
  tagsCodeOf,
} from '@rocketmq-ts/model'
import { type Effects, silentLogger } from '@rocketmq-ts/runtime'
import { createManualEffects, type ManualEffects } from '@rocketmq-ts/testkit'
import {
  type MessageStore,
  type NewRecord,
  openMessageStore,
  type StoreEvent,
  type StoreOptions,
  type Unit,
} from '../src/index.ts'

import { createQueueFiles, type QueueFiles } from '../src/consume-queue/queue-files.ts'
import { createUnitPacks } from '../src/consume-queue/unit-packs.ts'
import { KeyIndex } from '../src/key-index/key-index.ts'
import type { IndexGeometry } from '../src/key-index/layout.ts'

export const FOLDER = '/data/store'
export const SEGMENT_BYTES = 4096
/** The first file of the log. */
export const FIRST = `${FOLDER}/commitlog/00000000000000000000`
/** There while a broker works on the folder. */
export const ABORT = `${FOLDER}/abort`

/** A record of about 150 bytes. */
export function newRecord(fields: Partial<NewRecord> & { readonly text?: string } = {}): NewRecord {
  const { text = 'hello', ...rest } = fields
  return {
    topic: 'TopicTest',
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: 1_700_000_000_000,
    bornHost: { host: '10.0.0.1', port: 50_000 },
    storeHost: { host: '10.0.0.2', port: 10_911 },
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(text),
    properties: Buffer.from('TAGS\u0001TagA\u0002'),
    tagsCode: tagsCodeOf('TagA'),
    ...rest,
  }
}

/** A record as somebody else writes it. */
export function encodedRecord(
  record: NewRecord,
  at: { readonly offset: number; readonly position: number; readonly storedMs?: number },
): Buffer {
  const bytes = Buffer.alloc(recordSize(record))
  const place = { queueOffset: queueOffset(at.offset), commitLogOffset: commitLogOffset(at.position) }
  encodeRecord(record, { ...place, storeTimestampMs: at.storedMs ?? 9 }, bytes, 0)
  return bytes
}

/** Collects log lines. */
export function createEventLog(): { readonly events: StoreEvent[]; readonly logger: typeof silentLogger } {
  const events: StoreEvent[] = []
  const push = (event: unknown) => void events.push(event as StoreEvent)
  return { events, logger: { debug: push, info: push, warn: push, error: push } }
}

/** Opens with small files and no reserve, unless the test says otherwise. */
export function openStore(effects: Effects, options: Partial<StoreOptions> = {}): Promise<MessageStore> {
  const all = {
    folder: FOLDER,
    flushMode: 'SYNC_FLUSH' as const,
    segmentBytes: SEGMENT_BYTES,
    unitsPerFile: 100,
    // Messages of tests have a tag, which is in the key index.
    indexSlots: 100,
    indexEntries: 400,
    // Every unit is in its file after a checkpoint, unless a test is about units that stay in the checkpoint.
    unitsPerWrite: 1,
    reserveBytes: 0,
    ...options,
  }
  return openMessageStore(all, { ...effects, logger: silentLogger })
}

function fail(error: Error): never {
  throw error
}

/** Files of queues, and packs, of their own. */
export function newQueueFiles(effects: Pick<Effects, 'files' | 'scheduler'>, unitsPerFile: number): QueueFiles {
  const packs = createUnitPacks({ ...effects, folder: `${FOLDER}/unit-packs` })
  return createQueueFiles({ files: effects.files, root: `${FOLDER}/consumequeue`, unitsPerFile, packs })
}

/** A key index of its own, with small files. */
export function newKeyIndex(
  { files, clock, scheduler }: Pick<Effects, 'files' | 'clock' | 'scheduler'>,
  geometry: IndexGeometry = { slots: 8, entries: 10 },
): KeyIndex {
  return new KeyIndex({
    files,
    clock,
    scheduler,
    folder: `${FOLDER}/index`,
    geometry,
    onFull: fail,
    onFailure: fail,
  })
}

/** The effects of a new process on the same machine. */
export function restarted(effects: ManualEffects): Effects {
  return effects.machine.start('again', () => undefined).effects
}

/** The effects of a new process after the power was lost. */
export function afterPowerLoss(effects: ManualEffects): Effects {
  effects.machine.losePower()
  return restarted(effects)
}

/** The effects of a new process after `kill -9`: the page cache is still there. */
export function afterKill(effects: ManualEffects): Effects {
  for (const process of effects.machine.processes) process.crash({ powerLoss: false })
  return restarted(effects)
}

/** Appends, writes and syncs. */
export async function send(store: MessageStore, ...records: NewRecord[]) {
  const appended = records.map((record) => store.append(record))
  await store.submit()
  await store.whenFlushed(store.appended)
  return appended
}

/** Every visible unit of a queue, loading what is cold. */
export async function unitsOf(store: MessageStore, topic = 'TopicTest', queueId = 0, from = 0): Promise<Unit[]> {
  const units: Unit[] = []
  let next = from
  for (;;) {
    const result = store.scan(
      { topic, queueId },
      queueOffset(next),
      (unit) => {
        units.push(unit)
        return 'take'
      },
      { unitsMax: 1000 },
    )
    if (result.kind === 'cold') {
      await result.load()
      next = from + units.length
    } else if (result.next === next || result.next >= store.bounds(topic, queueId).max) return units
    else next = result.next
  }
}

/** The text of a record's body. */
export async function textAt(store: MessageStore, at: CommitLogOffset, size: number): Promise<string> {
  return Buffer.from(decodeRecord(await store.read(at, size)).body).toString()
}

/** Texts of all visible messages of a queue, in order. */
export async function textsOf(store: MessageStore, topic = 'TopicTest', queueId = 0): Promise<string[]> {
  const texts: string[] = []
  for (const unit of await unitsOf(store, topic, queueId)) {
    texts.push(
      await textAt(store, unit.commitLogOffset, unit.size).catch((error: { code: string }) => `<${error.code}>`),
    )
  }
  return texts
}

/** The whole content of a file. */
export async function bytesOf(effects: Effects, path: string): Promise<Buffer> {
  const bytes = await effects.files.readWhole(path, 64 * 1024 * 1024)
  if (bytes === undefined) throw new Error(`no such file: ${path}`)
  return Buffer.from(bytes)
}

/** Overwrites a part of a file at rest. */
export async function overwrite(effects: Effects, path: string, position: number, bytes: Uint8Array): Promise<void> {
  const file = await effects.files.open(path, 'must-exist')
  file.writeSync(position, [bytes])
  await file.sync()
  await file.close()
}

/** Names inside a folder of the store. */
export async function namesIn(effects: Effects, folder = ''): Promise<string[]> {
  return (await effects.files.list(`${FOLDER}${folder}`)).map((entry) => entry.name)
}

export { createManualEffects }
