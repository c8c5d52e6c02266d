// A store whose messages have keys, with index files that are soon full, and the answers that it must give.
import { expect } from '@jest/globals'
import { decodeRecord } from '@rocketmq-ts/model'
import type { Effects } from '@rocketmq-ts/runtime'
import type { MessageStore, NewRecord, StoreOptions } from '../../src/index.ts'
import type { ManualEffects } from '@rocketmq-ts/testkit'
import { FOLDER, newRecord, openStore, restarted } from '../store-fixture.ts'

export const SMALL_FILES = { indexSlots: 8, indexEntries: 10 } satisfies Partial<StoreOptions>
/** Two chains in files of four entries: nearly every batch fills one. */
export const TINY_FILES = { indexSlots: 2, indexEntries: 5 } satisfies Partial<StoreOptions>

/** A message with a unique key of its own and KEYS. */
export function keyed(text: string, keys: string, fields: Partial<NewRecord> = {}): NewRecord {
  const properties = Buffer.from(`KEYS\u0001${keys}\u0002UNIQ_KEY\u0001unique-${text}\u0002`)
  return newRecord({ text, properties, tagsCode: 0, ...fields })
}

/** Texts of all messages of TopicTest with a key, in their order. */
export async function textsWith(
  store: MessageStore,
  key: string,
  query: Partial<Parameters<MessageStore['queryKeys']>[0]> = {},
): Promise<string[]> {
  const all = { topic: 'TopicTest', key, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, max: 1000, ...query }
  const { records, isCut } = await store.queryKeys(all)
  expect(isCut).toBe(false)
  return records.map(({ bytes }) => Buffer.from(decodeRecord(bytes).body).toString())
}

/** Messages whose own keys are asked for: the first one, some in between, the last ones. */
function sampled(count: number): number[] {
  const numbers = [0, 1, Math.floor(count / 2), count - 2, count - 1]
  return [...new Set(numbers)].filter((index) => index >= 0 && index < count)
}

/** Answers to keys that the messages `m0` … have: `all`, their number modulo 3, and of some of them their own. */
export async function answers(store: MessageStore, count: number): Promise<Record<string, string[]>> {
  const keys = ['all', 'k0', 'k1', 'k2', ...sampled(count).map((index) => `unique-m${index}`)]
  const found: Record<string, string[]> = {}
  for (const key of keys) found[key] = await textsWith(store, key)
  return found
}

/** What `answers` must be when `m0` … are all there. */
export function expectedAnswers(count: number): Record<string, string[]> {
  const texts = Array.from({ length: count }, (_, index) => `m${index}`)
  const found: Record<string, string[]> = { all: texts }
  for (const rest of [0, 1, 2]) found[`k${rest}`] = texts.filter((_, index) => index % 3 === rest)
  for (const index of sampled(count)) found[`unique-m${index}`] = [`m${index}`]
  return found
}

/** After a stop: a start finds the files as they must be, and they are those that are built from the log alone. */
export async function expectFilesOf(effects: ManualEffects, count: number): Promise<void> {
  const again = restarted(effects)
  const next = await openKeyStore(again)
  expect([next.recovery.rebuilt, await answers(next, count)]).toEqual([[], expectedAnswers(count)])
  const bytes = await indexBytes(again)
  await next.close()
  await again.files.remove(`${FOLDER}/index`)
  const rebuilt = await openKeyStore(restarted(effects))
  await rebuilt.close()
  expect(await indexBytes(again)).toEqual(bytes)
}

/** The message of number `index`. */
export function numbered(index: number): NewRecord {
  return keyed(`m${index}`, `all k${index % 3}`)
}

export function openKeyStore(effects: Effects, options: Partial<StoreOptions> = {}): Promise<MessageStore> {
  return openStore(effects, { ...SMALL_FILES, segmentBytes: 2048, unitsPerFile: 8, ...options })
}

export async function indexNames(effects: Effects): Promise<string[]> {
  return (await effects.files.list(`${FOLDER}/index`)).map(({ name }) => name)
}

/** Contents of all index files, in their order. */
export async function indexBytes(effects: Effects): Promise<string[]> {
  const contents: string[] = []
  for (const name of await indexNames(effects)) {
    contents.push(Buffer.from((await effects.files.readWhole(`${FOLDER}/index/${name}`, 1e6))!).toString('hex'))
  }
  return contents
}
