// Index files against a small model of Apache's own writer: one put after the other into whole files in memory.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { javaStringHash } from '@rocketmq-ts/model'
import { readStoreCheckpoint } from '../../src/checkpoint.ts'
import { createManualEffects, FOLDER, newRecord, openStore, restarted, send } from '../store-fixture.ts'
import { indexBytes, textsWith } from './key-store.ts'

const SLOTS = 7
const ENTRIES = 6

/** IndexFile of Apache, on a buffer of its own. */
class ApacheFile {
  readonly bytes = Buffer.alloc(40 + SLOTS * 4 + ENTRIES * 20)

  constructor(endMs: number, endOffset: number) {
    this.bytes.writeInt32BE(1, 36)
    for (const at of [0, 8]) this.bytes.writeBigInt64BE(BigInt(endMs), at)
    for (const at of [16, 24]) this.bytes.writeBigInt64BE(BigInt(endOffset), at)
  }

  get count(): number {
    return this.bytes.readInt32BE(36)
  }

  number(at: number): number {
    return Number(this.bytes.readBigInt64BE(at))
  }

  put(key: string, offset: number, storedMs: number): boolean {
    const { bytes, count } = this
    if (count >= ENTRIES) return false
    const hash = Math.abs(javaStringHash(key)) % 0x8000_0000
    const slotAt = 40 + (hash % SLOTS) * 4
    const before = bytes.readInt32BE(slotAt)
    const beginMs = this.number(0)
    const seconds = beginMs <= 0 ? 0 : Math.max(0, Math.trunc((storedMs - beginMs) / 1000))
    const at = 40 + SLOTS * 4 + count * 20
    bytes.writeInt32BE(hash, at)
    bytes.writeBigInt64BE(BigInt(offset), at + 4)
    bytes.writeInt32BE(seconds, at + 12)
    bytes.writeInt32BE(before, at + 16)
    bytes.writeInt32BE(count, slotAt)
    if (count === 1) {
      bytes.writeBigInt64BE(BigInt(storedMs), 0)
      bytes.writeBigInt64BE(BigInt(offset), 16)
    }
    if (before === 0) bytes.writeInt32BE(bytes.readInt32BE(32) + 1, 32)
    bytes.writeInt32BE(count + 1, 36)
    bytes.writeBigInt64BE(BigInt(storedMs), 8)
    bytes.writeBigInt64BE(BigInt(offset), 24)
    return true
  }
}

test("Apache: any messages, pauses, checkpoints and restarts → the very bytes that Apache's broker would have written", async () => {
  const message = fc.record({
    topic: fc.constantFrom('TopicTest', 'Other'),
    unique: fc.option(fc.constantFrom('u1', 'u2', 'Aa', 'BB'), { nil: undefined }),
    keys: fc.array(fc.constantFrom('a', 'b', 'Aa', 'BB', 'schlüssel', ''), { maxLength: 4 }),
    sysFlag: fc.constantFrom(0, 0, 0, 4, 8, 12),
    pauseMs: fc.constantFrom(0, 1, 999, 1000, 70_000),
    next: fc.constantFrom('go on', 'go on', 'go on', 'checkpoint', 'restart'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 25 }), async (messages) => {
      const effects = createManualEffects({ nowMs: 1_700_000_000_321 })
      const open = () => openStore(effects, { indexSlots: SLOTS, indexEntries: ENTRIES })
      const apache: ApacheFile[] = []
      const put = (key: string, offset: number, storedMs: number): void => {
        const last = apache.at(-1)
        if (last?.put(key, offset, storedMs) === true) return
        apache.push(new ApacheFile(last?.number(8) ?? 0, last?.number(24) ?? 0))
        apache.at(-1)!.put(key, offset, storedMs)
      }
      let store = await open()
      for (const { topic, unique, keys, sysFlag, pauseMs, next } of messages) {
        await effects.advance(pauseMs)
        const uniqueText = unique === undefined ? '' : `UNIQ_KEY\u0001${unique}\u0002`
        const properties = Buffer.from(`${uniqueText}KEYS\u0001${keys.join(' ')}\u0002`)
        const [sent] = await send(store, newRecord({ topic, sysFlag, properties }))
        if (sysFlag !== 12) {
          const all = [...(unique === undefined ? [] : [unique]), ...keys.filter((key) => key !== '')]
          for (const key of all) put(`${topic}#${key}`, sent!.commitLogOffset, sent!.storeTimestampMs)
        }
        if (next === 'checkpoint') await store.checkpoint()
        if (next !== 'restart') continue
        await store.close()
        store = await open()
      }
      await store.close()
      expect(await indexBytes(effects)).toEqual(apache.map(({ bytes }) => bytes.toString('hex')))
    }),
    { numRuns: 60 },
  )
})

test('Apache: its broker went on in our last file and made another → found with ours, and we go on behind it', async () => {
  const effects = createManualEffects({ nowMs: 1_700_000_000_000 })
  const sizes = { indexSlots: SLOTS, indexEntries: ENTRIES }
  const key = (name: string) => newRecord({ text: name, properties: Buffer.from(`KEYS\u0001all ${name}\u0002`) })
  let store = await openStore(effects, sizes)
  await send(store, key('one'))
  await store.close()
  const own = await effects.files.list(FOLDER)
  const saved = own.filter(({ name }) => /^(queue-checkpoint|flushed|last-writer)\./.test(name)).map(({ name }) => name)
  const kept = new Map<string, Uint8Array>()
  for (const name of saved) kept.set(name, (await effects.files.readWhole(`${FOLDER}/${name}`, 1e6))!)
  const again = restarted(effects)
  store = await openStore(again, sizes)
  await send(store, key('two'), key('three'))
  await store.close()
  // As if another broker had written since: our own notes are those of before.
  for (const { name } of await again.files.list(FOLDER)) {
    if (/^(queue-checkpoint|flushed|last-writer)\./.test(name)) await again.files.remove(`${FOLDER}/${name}`)
  }
  for (const [name, bytes] of kept) {
    const file = await again.files.open(`${FOLDER}/${name}`, 'create')
    file.writeSync(0, [bytes])
    await file.close()
  }
  const before = await indexBytes(again)
  store = await openStore(restarted(effects), sizes)
  expect(store.recovery.foreign).toBeDefined()
  expect(store.recovery.rebuilt.filter((file) => file.startsWith('index'))).toEqual([])
  expect(await textsWith(store, 'all')).toEqual(['one', 'two', 'three'])
  await store.close()
  expect(await indexBytes(restarted(effects))).toEqual(before)
})

test('Apache: a start and a stop without messages → its checkpoint still says what was stored', async () => {
  const effects = createManualEffects({ nowMs: 1_700_000_000_000 })
  let store = await openStore(effects)
  const [sent] = await send(store, newRecord({ properties: Buffer.from('KEYS\u0001k\u0002') }))
  await store.close()
  const before = await readStoreCheckpoint(effects.files, `${FOLDER}/checkpoint`)
  expect(before).toMatchObject({
    physicMsgTimestamp: sent!.storeTimestampMs,
    logicsMsgTimestamp: sent!.storeTimestampMs,
    indexMsgTimestamp: sent!.storeTimestampMs,
  })
  store = await openStore(restarted(effects))
  await store.close()
  expect(await readStoreCheckpoint(effects.files, `${FOLDER}/checkpoint`)).toEqual(before)
})
