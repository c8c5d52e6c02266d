// The check of a stopped store: silent on what the store wrote, and telling of what was changed behind its back.
import { expect, test } from '@jest/globals'
import type { Effects } from '@rocketmq-ts/runtime'
import { type CheckReport, checkStore } from '../../src/index.ts'
import {
  afterKill,
  bytesOf,
  createManualEffects,
  FOLDER,
  newRecord,
  openStore,
  overwrite,
  SEGMENT_BYTES,
  send,
} from '../store-fixture.ts'
import { fillTo, openForgetting, RULES } from '../retention/retention-fixture.ts'

const SEGMENT_0 = `${FOLDER}/commitlog/00000000000000000000`
const UNITS_A0 = `${FOLDER}/consumequeue/TopicA/0/00000000000000000000`

/** Where a record has its flag, and its queue offset. */
const FLAG_AT = 16
const QUEUE_OFFSET_AT = 20

async function filledStore() {
  const effects = createManualEffects()
  const store = await openStore(effects, { unitsPerFile: 20 })
  for (let index = 0; index < 100; index += 1) {
    await send(
      store,
      newRecord({ topic: index % 3 === 0 ? 'TopicA' : 'TopicB', queueId: index % 2, text: `text ${index}` }),
    )
    await effects.advance(10)
  }
  return { effects, store }
}

async function stoppedStore() {
  const { effects, store } = await filledStore()
  await store.close()
  return effects
}

function check(effects: Effects): Promise<CheckReport> {
  return checkStore({ folder: FOLDER }, effects)
}

async function flip(effects: Effects, path: string, at: number): Promise<void> {
  const bytes = await bytesOf(effects, path)
  await overwrite(effects, path, at, Buffer.from([bytes[at]! ^ 0x10]))
}

function problemsOf({ findings }: CheckReport): string[] {
  return findings.map(({ kind, file, problem }) => `${kind} ${file}: ${problem}`)
}

test('check: a store that was stopped in order → sound, with every record and unit counted', async () => {
  const report = await check(await stoppedStore())
  expect(problemsOf(report)).toEqual([])
  expect(report).toMatchObject({ isSound: true, cleanStop: true, queues: 4, units: 100, unchecked: [] })
  expect(report.log).toMatchObject({ from: 0, records: 100 })
  expect(report.segmentBytes).toBe(4096)
  expect(report.unitsPerFile).toBe(20)
})

test('check: records with long properties → each is counted for its queue', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const properties = Buffer.from(`KEYS\u0001${'k'.repeat(300)}\u0002`)
  await send(store, newRecord({ topic: 'TopicA' }), newRecord({ topic: 'TopicA', properties, tagsCode: 0 }))
  await store.close()
  expect(await check(effects)).toMatchObject({ isSound: true, queues: 1, units: 2, findings: [] })
})

test('check: retention was ended between its decision and the files → sound, from where the checkpoint says', async () => {
  const effects = createManualEffects()
  const store = await openForgetting(effects, {}, { rules: { ...RULES, reservedMs: 0 } })
  await fillTo(store, 3)
  await store.checkpoint()
  const ended = new Promise<Effects>((resolve) => store.onMinMoved(() => resolve(afterKill(effects))))
  await effects.advance(2 * RULES.intervalMs)
  const report = await check(await ended)
  expect([report.isSound, report.log.from]).toEqual([true, 2 * SEGMENT_BYTES])
})

test('check: a byte of the last record that no checksum covers → not the end that was noted at the stop', async () => {
  const { effects, store } = await filledStore()
  const [last] = await send(store, newRecord())
  await store.close()
  const at = last!.commitLogOffset % SEGMENT_BYTES
  const segments = await effects.files.list(`${FOLDER}/commitlog`)
  await flip(effects, `${FOLDER}/commitlog/${segments.at(-1)!.name}`, at + FLAG_AT)
  expect(problemsOf(await check(effects))).toEqual([expect.stringContaining('of the log are not those of the stop')])
})

test('check: a store that was killed → sound, what the next start settles is a note', async () => {
  const { effects } = await filledStore()
  const report = await check(afterKill(effects))
  expect(report).toMatchObject({ isSound: true, cleanStop: false })
  expect(Object.keys(report.counts)).toEqual(['queue-behind', 'index-behind'])
})

test('check: a byte of a body → the record is named with its place and the reason', async () => {
  const effects = await stoppedStore()
  await flip(effects, SEGMENT_0, 88)
  const report = await check(effects)
  expect(report.isSound).toBe(false)
  expect(report.findings[0]).toMatchObject({ kind: 'log-damaged', severity: 'error', at: 0 })
  expect(report.findings[0]?.problem).toContain('bodyCrc does not match the body')
})

test('check: a unit that names another position → the unit is named with both', async () => {
  const effects = await stoppedStore()
  await flip(effects, UNITS_A0, 20 * 3 + 7)
  const report = await check(effects)
  expect(problemsOf(report)).toHaveLength(1)
  expect(report.findings[0]).toMatchObject({ kind: 'queue-unit', severity: 'warning', at: 60, bytes: 20 })
})

test('check: a byte behind the end of a queue, and one behind the end of the log → each is found', async () => {
  const effects = await stoppedStore()
  await flip(effects, UNITS_A0, 399)
  const segments = await effects.files.list(`${FOLDER}/commitlog`)
  await flip(effects, `${FOLDER}/commitlog/${segments.at(-1)!.name}`, 4095)
  expect(Object.keys((await check(effects)).counts).sort()).toEqual(['log-rest', 'queue-rest'])
})

test('check: a consume queue file is missing → named, and its units as missing', async () => {
  const effects = await stoppedStore()
  await effects.files.remove(UNITS_A0)
  const { counts } = await check(effects)
  expect(counts).toMatchObject({ 'queue-file': 1 })
})

test('check: units of a queue that the log knows nothing of → one finding, with the first of them', async () => {
  const effects = await stoppedStore()
  const units = await bytesOf(effects, UNITS_A0)
  await effects.files.makeFolder(`${FOLDER}/consumequeue/TopicX/0`)
  const file = await effects.files.open(UNITS_A0.replace('TopicA', 'TopicX'), 'create')
  file.writeSync(0, [units])
  await file.close()
  expect(problemsOf(await check(effects))).toEqual([
    'queue-unknown consumequeue/TopicX/0: offset 0 says 0, where the log has no record of this queue',
  ])
})

test('check: one offset is left out, and nothing is damaged → told', async () => {
  const { effects, store } = await filledStore()
  const [only] = await send(store, newRecord({ topic: 'TopicC' }))
  await store.close()
  const segments = await effects.files.list(`${FOLDER}/commitlog`)
  const at = (only!.commitLogOffset % SEGMENT_BYTES) + QUEUE_OFFSET_AT
  await overwrite(effects, `${FOLDER}/commitlog/${segments.at(-1)!.name}`, at, Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]))
  expect(problemsOf(await check(effects)).join('\n')).toContain('queue TopicC/0: offset 1 where 0 comes next')
})

test('check: a file with a short number, a folder with a whole one → neither is a file of the log', async () => {
  const effects = await stoppedStore()
  await effects.files.makeFolder(`${FOLDER}/commitlog/00000000000000409600`)
  await (await effects.files.open(`${FOLDER}/commitlog/40960`, 'create')).close()
  const problem = 'is no name of a segment: 20 digits'
  expect(problemsOf(await check(effects))).toEqual([
    `file-name commitlog/00000000000000409600: ${problem}`,
    `file-name commitlog/40960: ${problem}`,
  ])
})

test('check: a foreign unit among those of lost records → told', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const sent = await send(store, ...Array.from({ length: 5 }, () => newRecord({ topic: 'TopicA' })))
  await store.close()
  const lostBytes = sent[3]!.commitLogOffset - sent[1]!.commitLogOffset
  await overwrite(effects, SEGMENT_0, sent[1]!.commitLogOffset, Buffer.alloc(lostBytes, 0xee))
  const before = problemsOf(await check(effects))
  expect(before.filter((problem) => problem.startsWith('queue'))).toEqual([])
  const units = await bytesOf(effects, UNITS_A0)
  await overwrite(effects, UNITS_A0, 2 * 20, units.subarray(4 * 20, 5 * 20))
  const added = problemsOf(await check(effects)).filter((problem) => !before.includes(problem))
  expect(added).toEqual([expect.stringContaining('offset 2, whose record was lost, has a foreign unit')])
})

test('check: two keys of a record have become one in the log → its two entries are told, what follows is not blamed', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const properties = Buffer.from('KEYS\u0001one two\u0002TAGS\u0001TagA\u0002')
  await send(store, newRecord({ properties }), newRecord(), newRecord())
  await store.close()
  const bytes = await bytesOf(effects, SEGMENT_0)
  await overwrite(effects, SEGMENT_0, bytes.indexOf('one two') + 'one'.length, Buffer.from('_'))
  const told = problemsOf(await check(effects)).filter((problem) => problem.startsWith('index'))
  expect(told).toEqual([expect.stringContaining(': entry 1 is hash'), expect.stringContaining(': entry 2 is hash')])
})

/** Sets bytes of the second record of the log, whatever its body's CRC says of them. */
async function patchSecond(effects: Effects, at: number, value: bigint): Promise<void> {
  const bytes = await bytesOf(effects, SEGMENT_0)
  const field = Buffer.alloc(8)
  field.writeBigInt64BE(value)
  await overwrite(effects, SEGMENT_0, bytes.readInt32BE(0) + at, field)
}

test.each<[string, (effects: Effects) => Promise<void>]>([
  ['log-missing', (effects) => effects.files.remove(`${FOLDER}/commitlog/00000000000000004096`)],
  ['log-offset', (effects) => patchSecond(effects, QUEUE_OFFSET_AT, 7n)],
  ['log-time', (effects) => patchSecond(effects, 56, 1_900_000_000_000n)],
  ['file-name', (effects) => effects.files.makeFolder(`${FOLDER}/commitlog/other`)],
  ['log-file', async (effects) => (await effects.files.open(SEGMENT_0, 'must-exist')).truncate(4000)],
])('check: what only the finding %s tells of → told', async (kind, damage) => {
  const effects = await stoppedStore()
  await damage(effects)
  expect((await check(effects)).counts).toHaveProperty(kind)
})

test('check: more findings than are kept → the others are counted by kind', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects, { unitsPerFile: 2000, segmentBytes: 1024 * 1024 })
  for (let index = 0; index < 1500; index += 1) store.append(newRecord({ topic: `Topic${index % 30}` }))
  await send(store)
  await store.close()
  for (let topic = 0; topic < 30; topic += 1) {
    const path = `${FOLDER}/consumequeue/Topic${topic}/0/00000000000000000000`
    await overwrite(effects, path, 0, Buffer.alloc(50 * 20, 0x11))
  }
  const { findings, more, counts } = await check(effects)
  expect([findings.length, more, counts['queue-unit']]).toEqual([1000, 500, 1500])
})
