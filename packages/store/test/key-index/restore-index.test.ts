import { expect, test } from '@jest/globals'
import type { Effects } from '@rocketmq-ts/runtime'
import { readStoreCheckpoint } from '../../src/checkpoint.ts'
import { decodeIndexHeader } from '../../src/key-index/layout.ts'
import {
  afterKill,
  afterPowerLoss,
  bytesOf,
  createManualEffects,
  FOLDER,
  namesIn,
  overwrite,
  restarted,
  send,
} from '../store-fixture.ts'
import {
  answers,
  expectedAnswers,
  indexBytes,
  indexNames,
  numbered,
  openKeyStore,
  SMALL_FILES,
  TINY_FILES,
} from './key-store.ts'

const COUNT = 11
const GEOMETRY = { slots: SMALL_FILES.indexSlots, entries: SMALL_FILES.indexEntries }

/** A stopped store with `COUNT` messages in four index files. */
async function stopped() {
  const effects = createManualEffects({ nowMs: 1_700_000_000_123 })
  const store = await openKeyStore(effects)
  for (let index = 0; index < COUNT; index += 1) {
    await send(store, numbered(index))
    await effects.advance(1500)
    if (index === 5) await store.checkpoint()
  }
  await store.close()
  return { effects, names: await indexNames(effects), bytes: await indexBytes(effects) }
}

async function check(effects: Effects, rebuilt: readonly string[], isOriginal = true): Promise<void> {
  const store = await openKeyStore(effects)
  expect(store.recovery.rebuilt).toEqual(rebuilt)
  expect(await answers(store, COUNT)).toEqual(expectedAnswers(COUNT))
  await send(store, numbered(COUNT))
  await store.checkpoint()
  expect(await answers(store, COUNT + 1)).toEqual(expectedAnswers(COUNT + 1))
  await store.close()
  if (!isOriginal) return
  const again = await openKeyStore(effects)
  expect(again.recovery.rebuilt).toEqual([])
  expect(await answers(again, COUNT + 1)).toEqual(expectedAnswers(COUNT + 1))
  await again.close()
}

test('index: nothing wrong after a stop → nothing is rebuilt or read again', async () => {
  const { effects, bytes } = await stopped()
  expect(bytes.length).toBe(4)
  const store = await openKeyStore(restarted(effects))
  expect(await indexBytes(effects)).toEqual(bytes)
  await store.close()
  expect(await indexBytes(effects)).toEqual(bytes)
  await check(restarted(effects), [])
})

test('index: any of its files missing → built again from there on, byte for byte, and reported', async () => {
  for (let missing = 0; missing < 4; missing += 1) {
    const { effects, names, bytes } = await stopped()
    await effects.files.remove(`${FOLDER}/index/${names[missing]}`)
    const again = restarted(effects)
    const store = await openKeyStore(again)
    await store.close()
    expect(await indexBytes(again)).toEqual(bytes)
    expect((await indexNames(again)).slice(0, missing)).toEqual(names.slice(0, missing))
    expect(store.recovery.rebuilt).toEqual([`index/${names[missing]}`])
    await check(restarted(effects), [])
  }
})

test('index: the whole folder missing, after a stop and after a crash → built again and reported', async () => {
  for (const crash of [restarted, afterKill, afterPowerLoss]) {
    const { effects, names, bytes } = await stopped()
    let again = restarted(effects)
    const store = await openKeyStore(again)
    if (crash === restarted) await store.close()
    else again = crash(effects)
    await again.files.remove(`${FOLDER}/index`)
    const rebuilding = await openKeyStore(again)
    expect(rebuilding.recovery.rebuilt).toEqual([`index/${names[0]}`])
    await rebuilding.close()
    expect(await indexBytes(again)).toEqual(bytes)
  }
})

test('index: the folder and the checkpoint missing → built again and reported', async () => {
  const { effects, bytes } = await stopped()
  await effects.files.remove(`${FOLDER}/index`)
  for (const { name } of await effects.files.list(FOLDER)) {
    if (name.startsWith('queue-checkpoint.')) await effects.files.remove(`${FOLDER}/${name}`)
  }
  const again = restarted(effects)
  const store = await openKeyStore(again)
  expect(store.recovery.rebuilt).toContain('index')
  await store.close()
  expect(await indexBytes(again)).toEqual(bytes)
})

test('index: a file too short, too long, with another header, another first or last entry → built again', async () => {
  const faults: [string, (effects: Effects, path: string) => Promise<void>][] = [
    ['short', async (effects, path) => (await effects.files.open(path, 'must-exist')).truncate(60)],
    ['empty', async (effects, path) => (await effects.files.open(path, 'must-exist')).truncate(0)],
    ['long', async (effects, path) => (await effects.files.open(path, 'must-exist')).truncate(5000)],
    ['header', (effects, path) => overwrite(effects, path, 36, Buffer.from([0x7f, 0, 0, 0]))],
    ['count', (effects, path) => overwrite(effects, path, 36, Buffer.from([0, 0, 0, 3]))],
    ['no header', (effects, path) => overwrite(effects, path, 0, Buffer.alloc(40))],
    ['first entry', (effects, path) => overwrite(effects, path, 40 + 8 * 4 + 20 + 4, Buffer.alloc(8, 1))],
  ]
  for (const [fault, inflict] of faults) {
    for (const which of [0, 2]) {
      const { effects, names, bytes } = await stopped()
      const again = restarted(effects)
      await inflict(again, `${FOLDER}/index/${names[which]}`)
      const store = await openKeyStore(again)
      expect([fault, store.recovery.rebuilt]).toEqual([fault, [`index/${names[which]}`]])
      await store.close()
      expect(await indexBytes(again)).toEqual(bytes)
    }
  }
})

test('index: killed or power lost with entries behind the checkpoint → the same answers, and nothing is reported', async () => {
  for (const crash of [afterKill, afterPowerLoss]) {
    for (let behind = 0; behind < 9; behind += 1) {
      const { effects } = await stopped()
      const store = await openKeyStore(effects)
      for (let index = COUNT; index < COUNT + behind; index += 1) await send(store, numbered(index))
      const again = crash(effects)
      const next = await openKeyStore(again)
      expect(next.recovery.rebuilt).toEqual([])
      expect(await answers(next, COUNT + behind)).toEqual(expectedAnswers(COUNT + behind))
      await next.close()
    }
  }
})

test('index: killed behind a checkpoint, started, stopped, power lost → its header was written again and is durable', async () => {
  const effects = createManualEffects({ seed: 1 })
  const store = await openKeyStore(effects, TINY_FILES)
  await send(store, numbered(0), numbered(1))
  await store.checkpoint()
  await (await openKeyStore(afterKill(effects), TINY_FILES)).close()
  const again = await openKeyStore(afterPowerLoss(effects), TINY_FILES)
  expect(again.recovery.rebuilt).toEqual([])
  await again.close()
})

test('index: killed, slots of a file in more than one part → all of them are chained again', async () => {
  const effects = createManualEffects()
  const options = { indexSlots: 600_000, indexEntries: 100 }
  const store = await openKeyStore(effects, options)
  for (let index = 0; index < COUNT; index += 1) await send(store, numbered(index))
  await store.checkpoint()
  const again = afterKill(effects)
  const [name] = await indexNames(again)
  const file = await again.files.open(`${FOLDER}/index/${name}`, 'must-exist')
  file.writeSync(40, [Buffer.alloc(600_000 * 4)])
  await file.close()
  const next = await openKeyStore(again, options)
  expect(next.recovery.rebuilt).toEqual([])
  expect(await answers(next, COUNT)).toEqual(expectedAnswers(COUNT))
  await next.close()
})

test('index: what the checkpoint of Apache and the headers say → never a header that is ahead of it', async () => {
  const { effects, names } = await stopped()
  const store = await openKeyStore(effects)
  for (let index = COUNT; index < COUNT + 9; index += 1) {
    await send(store, numbered(index))
    if (index % 2 === 0) await store.checkpoint()
    const indexedMs = (await readStoreCheckpoint(effects.files, `${FOLDER}/checkpoint`))!.indexMsgTimestamp
    for (const name of await indexNames(effects)) {
      const header = decodeIndexHeader((await bytesOf(effects, `${FOLDER}/index/${name}`)).subarray(0, 40), GEOMETRY)
      expect(header?.endTimestampMs).toBeLessThanOrEqual(indexedMs)
    }
    await effects.advance(2000)
  }
  await store.close()
  expect((await indexNames(effects)).length).toBeGreaterThan(names.length)
  const last = (await indexNames(effects)).at(-1)!
  const header = decodeIndexHeader((await bytesOf(effects, `${FOLDER}/index/${last}`)).subarray(0, 40), GEOMETRY)!
  const indexed = await readStoreCheckpoint(effects.files, `${FOLDER}/checkpoint`)
  expect(indexed!.indexMsgTimestamp).toBeGreaterThanOrEqual(header.endTimestampMs)
})

test("index: Apache's broker deleted the last file and went on → what is missing in between is built again", async () => {
  const { effects, names } = await stopped()
  const rest = names.slice(0, 2)
  for (const name of names.slice(2)) await effects.files.remove(`${FOLDER}/index/${name}`)
  await effects.files.rename(`${FOLDER}/index/${rest[1]}`, `${FOLDER}/index/20991231235959999`)
  const again = restarted(effects)
  const store = await openKeyStore(again)
  expect(store.recovery.rebuilt).toEqual([`index/${rest[1]}`])
  expect(await answers(store, COUNT)).toEqual(expectedAnswers(COUNT))
  expect(await indexNames(again)).not.toContain('20991231235959999')
  await store.close()
})

test('index: a folder of Apache that was stopped in order → taken as it is; after a crash → what its checkpoint covers', async () => {
  for (const isCrash of [false, true]) {
    const { effects, names, bytes } = await stopped()
    const again = restarted(effects)
    for (const { name } of await again.files.list(FOLDER)) {
      if (/^(queue-checkpoint|flushed|last-writer)\./.test(name)) await again.files.remove(`${FOLDER}/${name}`)
    }
    if (isCrash) {
      const header = decodeIndexHeader(Buffer.from(bytes[1]!.slice(0, 80), 'hex'), GEOMETRY)!
      const indexed = Buffer.alloc(8)
      indexed.writeBigInt64BE(BigInt(header.endTimestampMs))
      await overwrite(again, `${FOLDER}/checkpoint`, 16, indexed)
      const abort = await again.files.open(`${FOLDER}/abort`, 'create')
      abort.writeSync(0, [Buffer.from('4711')])
      await abort.close()
    }
    const store = await openKeyStore(again)
    const reported = store.recovery.rebuilt.filter((file) => file.startsWith('index'))
    expect(reported).toEqual(isCrash ? [`index/${names[2]}`] : [])
    expect(await answers(store, COUNT)).toEqual(expectedAnswers(COUNT))
    await store.close()
    expect(await indexBytes(again)).toEqual(bytes)
  }
})

test('index: entries of the last file in another order, after a crash → built again', async () => {
  const { effects, names, bytes } = await stopped()
  const again = restarted(effects)
  const path = `${FOLDER}/index/${names[3]}`
  const content = await bytesOf(again, path)
  const entry = (number: number) => content.subarray(72 + number * 20, 92 + number * 20)
  const [second, fifth] = [Buffer.from(entry(2)), Buffer.from(entry(5))]
  await overwrite(again, path, 72 + 2 * 20, fifth)
  await overwrite(again, path, 72 + 5 * 20, second)
  const abort = await again.files.open(`${FOLDER}/abort`, 'create')
  abort.writeSync(0, [Buffer.from('a broker of ours')])
  await abort.close()
  const store = await openKeyStore(again)
  expect(store.recovery.rebuilt).toEqual([`index/${names[3]}`])
  expect(await answers(store, COUNT)).toEqual(expectedAnswers(COUNT))
  await store.close()
  expect(await indexBytes(again)).toEqual(bytes)
})

test('index: no checkpoint, and a file that is not full before another → the other is built again', async () => {
  const { effects, names, bytes } = await stopped()
  const again = restarted(effects)
  for (const { name } of await again.files.list(FOLDER)) {
    if (name.startsWith('queue-checkpoint.')) await again.files.remove(`${FOLDER}/${name}`)
  }
  const path = `${FOLDER}/index/${names[1]}`
  const content = await bytesOf(again, path)
  // The header as it was when the file held six entries.
  const sixth = content.subarray(72 + 6 * 20, 92 + 6 * 20)
  await overwrite(again, path, 24, sixth.subarray(4, 12))
  await overwrite(again, path, 36, Buffer.from([0, 0, 0, 7]))
  const store = await openKeyStore(again)
  expect(store.recovery.rebuilt).toContain(`index/${names[2]}`)
  expect(await answers(store, COUNT)).toEqual(expectedAnswers(COUNT))
  await store.close()
  expect((await indexBytes(again)).map((each) => each.slice(80))).toEqual(bytes.map((each) => each.slice(80)))
})

test('index: no checkpoint, and two files swapped → built again from the first of them on', async () => {
  const { effects, names } = await stopped()
  const again = restarted(effects)
  for (const { name } of await again.files.list(FOLDER)) {
    if (name.startsWith('queue-checkpoint.')) await again.files.remove(`${FOLDER}/${name}`)
  }
  const [one, other] = [`${FOLDER}/index/${names[1]}`, `${FOLDER}/index/${names[3]}`]
  const [first, last] = [await bytesOf(again, one), await bytesOf(again, other)]
  await overwrite(again, one, 0, last)
  await overwrite(again, other, 0, first)
  const store = await openKeyStore(again)
  expect(store.recovery.rebuilt).toContain(`index/${names[1]}`)
  expect(await answers(store, COUNT)).toEqual(expectedAnswers(COUNT))
  await store.close()
})

test('index: no checkpoint, and a file that a crash left without a header before others → built again from there on', async () => {
  for (const isCrash of [false, true]) {
    for (const lost of [0, 1]) {
      const { effects, names, bytes } = await stopped()
      const again = restarted(effects)
      for (const { name } of await again.files.list(FOLDER)) {
        if (name.startsWith('queue-checkpoint.')) await again.files.remove(`${FOLDER}/${name}`)
      }
      await overwrite(again, `${FOLDER}/index/${names[lost]}`, 0, Buffer.alloc(40))
      if (isCrash) {
        const abort = await again.files.open(`${FOLDER}/abort`, 'create')
        abort.writeSync(0, [Buffer.from('a broker of ours')])
        await abort.close()
      }
      const store = await openKeyStore(again)
      expect(store.recovery.rebuilt).toContain(`index/${names[lost + 1]}`)
      expect(await answers(store, COUNT)).toEqual(expectedAnswers(COUNT))
      await store.close()
      expect(await indexBytes(again)).toEqual(bytes)
    }
  }
})

test('index: slots that a crash left ahead of the entries → as safe as the rest after the next stop', async () => {
  const { effects, names, bytes } = await stopped()
  const again = restarted(effects)
  const path = `${FOLDER}/index/${names[3]}`
  for (let slot = 0; slot < 8; slot += 1) await overwrite(again, path, 40 + slot * 4, Buffer.from([0, 0, 0, 9]))
  const abort = await again.files.open(`${FOLDER}/abort`, 'create')
  abort.writeSync(0, [Buffer.from('a broker of ours')])
  await abort.close()
  await (await openKeyStore(again)).close()
  const later = afterPowerLoss(effects)
  const store = await openKeyStore(later)
  expect(store.recovery.rebuilt).toEqual([])
  expect(await answers(store, COUNT)).toEqual(expectedAnswers(COUNT))
  await store.close()
  expect(await indexBytes(later)).toEqual(bytes)
})

test('index: failed before a stop whose checkpoint is lost → slots of entries that do not count hide nothing', async () => {
  const effects = createManualEffects({ nowMs: 1_700_000_000_123 })
  const store = await openKeyStore(effects, { indexEntries: 100 })
  for (let index = 0; index < COUNT; index += 1) {
    if (index === 6) {
      await store.checkpoint()
      effects.machine.disk.fail({ on: 'sync', call: 'sync', path: '/index/', error: 'io' })
    }
    await send(store, numbered(index))
    await effects.advance(1500)
  }
  await store.close()
  const checkpoints = (await namesIn(effects)).filter((name) => name.startsWith('queue-checkpoint.'))
  await effects.files.remove(`${FOLDER}/${checkpoints.at(-1)}`)
  const again = await openKeyStore(restarted(effects), { indexEntries: 100 })
  expect(again.recovery.cleanStop).toBe(true)
  expect(await answers(again, COUNT)).toEqual(expectedAnswers(COUNT))
  await again.close()
})

test('index: killed, the newest checkpoint lost, then the index fails, and killed again → no header counts entries that no slot leads to', async () => {
  const effects = createManualEffects({ nowMs: 1_700_000_000_123 })
  const store = await openKeyStore(effects)
  for (const index of [0, 1, 2]) {
    await send(store, numbered(index))
    if (index !== 1) await store.checkpoint()
  }
  const killed = afterKill(effects)
  const checkpoints = (await namesIn(killed)).filter((name) => name.startsWith('queue-checkpoint.'))
  await killed.files.remove(`${FOLDER}/${checkpoints.at(-1)}`)
  const second = await openKeyStore(killed)
  effects.machine.disk.fail({ on: 'read', path: '/index/', error: 'io', times: 1 })
  await second.checkpoint()
  expect(await answers(second, 3).catch((error: unknown) => error)).toMatchObject({ code: 'unavailable' })
  const third = await openKeyStore(afterKill(effects))
  expect(await answers(third, 3)).toEqual(expectedAnswers(3))
  await third.close()
})

test.each([
  ['stopped in order', undefined],
  ['killed', '4711'],
])(
  'index: Apache %s with its checkpoint behind its index, ours opens and is killed at once → its checkpoint covers every file',
  async (_name, abort) => {
    const { effects } = await stopped()
    for (const name of await namesIn(effects)) {
      if (/^(flushed|last-writer|queue-checkpoint)/.test(name)) await effects.files.remove(`${FOLDER}/${name}`)
    }
    await overwrite(effects, `${FOLDER}/checkpoint`, 16, Buffer.alloc(8))
    if (abort !== undefined) {
      const file = await effects.files.open(`${FOLDER}/abort`, 'create')
      file.writeSync(0, [Buffer.from(abort)])
      await file.close()
    }
    await openKeyStore(restarted(effects))
    const after = afterKill(effects)
    const { indexMsgTimestamp = 0 } = (await readStoreCheckpoint(after.files, `${FOLDER}/checkpoint`)) ?? {}
    const headers = (await indexBytes(after)).map((bytes) => decodeIndexHeader(Buffer.from(bytes, 'hex'), GEOMETRY)!)
    for (const { endTimestampMs } of headers) expect(endTimestampMs).toBeLessThanOrEqual(indexMsgTimestamp)
    expect(headers.reduce((sum, { count }) => sum + count - 1, 0)).toBe(COUNT * 3)
  },
)
