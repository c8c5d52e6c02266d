// Units of queue files that are not what they were: found when they are read, written again from the log.
import { expect, test } from '@jest/globals'
import { type CommitLogOffset, commitLogOffset, decodeRecord, type MqError, queueOffset } from '@rocketmq-ts/model'
import { FileError } from '@rocketmq-ts/runtime'
import { encodeUnit } from '../../src/consume-queue/unit.ts'
import type { MessageStore, StoreOptions, Unit } from '../../src/index.ts'
import { openMessageStore } from '../../src/index.ts'
import { countSteps, interceptFiles } from '../disk-steps.ts'
import {
  afterPowerLoss,
  bytesOf,
  createEventLog,
  createManualEffects,
  FOLDER,
  newRecord,
  openStore,
  overwrite,
  restarted,
  send,
  textsOf,
  unitsOf,
} from '../store-fixture.ts'

type Effects = ReturnType<typeof restarted>

const COUNT = 600
const OPTIONS = { segmentBytes: 64 * 1024, unitsPerFile: 1000, indexSlots: 1000, indexEntries: 2000 }
const NAME = '00000000000000000000'
const LOG = `${FOLDER}/commitlog/${NAME}`
const TEXTS = Array.from({ length: COUNT }, (_, index) => `m${index}`)

function fileOf(topic: string): string {
  return `${FOLDER}/consumequeue/${topic}/0/${NAME}`
}

/** A stopped store with two queues of as many messages. */
async function stopped() {
  const effects = createManualEffects()
  const store = await openStore(effects, OPTIONS)
  for (const text of TEXTS) {
    store.append(newRecord({ topic: 'A', text }))
    store.append(newRecord({ topic: 'B', text: `other ${text}`, properties: Buffer.alloc(0), tagsCode: 0 }))
  }
  await send(store)
  const units = await unitsOf(store, 'A')
  await store.close()
  return { effects, units, right: await bytesOf(effects, fileOf('A')) }
}

async function started(effects: Effects, options: Partial<StoreOptions> = {}) {
  const { events, logger } = createEventLog()
  const all = { folder: FOLDER, flushMode: 'SYNC_FLUSH' as const, reserveBytes: 0, ...OPTIONS, ...options }
  const store = await openMessageStore(all, { ...effects, logger })
  return { store, rebuilt: () => events.filter(({ event }) => event === 'store.rebuilt') }
}

/** Mends stop at their next pause while the gate is closed. */
function gated(effects: Effects) {
  let open = Promise.resolve()
  let resolve = (): void => undefined
  const gate = {
    close(): void {
      open = new Promise((done) => (resolve = done))
    },
    open(): void {
      resolve()
    },
  }
  const soon = (job: () => void) => void open.then(() => effects.scheduler.soon(job))
  return { effects: { ...effects, scheduler: { ...effects.scheduler, soon } }, gate }
}

function encoded(fields: { commitLogOffset: number; size: number; tagsCode: number }): Buffer {
  const bytes = Buffer.alloc(20)
  encodeUnit(bytes, 0, fields)
  return bytes
}

async function swap(effects: Effects, one: string, other: string): Promise<void> {
  const [a, b] = [await bytesOf(effects, one), await bytesOf(effects, other)]
  await overwrite(effects, one, 0, b)
  await overwrite(effects, other, 0, a)
}

/** Reads a message as a consumer does: 'busy' means to scan again. */
async function consume(store: MessageStore, topic: string, offset: number): Promise<string> {
  for (let tries = 0; tries < 5; tries += 1) {
    const [unit] = await unitsOf(store, topic, 0, offset)
    try {
      return Buffer.from(decodeRecord(await store.readUnit({ topic, queueId: 0 }, unit!)).body).toString()
    } catch (error) {
      if ((error as MqError).code !== 'busy') return `<${(error as MqError).code}>`
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return '<busy>'
}

test.each<[string, (units: readonly Unit[]) => { at: number; bytes: Buffer }]>([
  ['a page of zeros', () => ({ at: 20 * 100, bytes: Buffer.alloc(4096) })],
  [
    'a position behind the next one',
    (units) => ({ at: 20 * 300, bytes: encoded({ ...units[300]!, commitLogOffset: units[310]!.commitLogOffset }) }),
  ],
  [
    'a position in front of the one before',
    (units) => ({ at: 20 * 300, bytes: encoded({ ...units[300]!, commitLogOffset: 5 }) }),
  ],
  [
    'a position behind the log',
    (units) => ({ at: 20 * 599, bytes: encoded({ ...units[599]!, commitLogOffset: 1e12 }) }),
  ],
  ['a size that runs into the next', (units) => ({ at: 20 * 10, bytes: encoded({ ...units[10]!, size: 100_000 }) })],
  ['a size that no record has', (units) => ({ at: 20 * 10, bytes: encoded({ ...units[10]!, size: 3 }) })],
  ['a tags code that no tag has', (units) => ({ at: 20 * 10, bytes: encoded({ ...units[10]!, tagsCode: 2 ** 40 }) })],
  [
    'a filler where a record is',
    () => ({ at: 20 * 10, bytes: encoded({ commitLogOffset: 0, size: 0x7fff_ffff, tagsCode: 0 }) }),
  ],
])('queue repair: %s → the units are those of the log again, and it is told', async (_what, damage) => {
  const { effects, units, right } = await stopped()
  const { at, bytes } = damage(units)
  // The start looks at the last unit itself.
  await overwrite(effects, fileOf('A'), at, bytes)
  const { store, rebuilt } = await started(restarted(effects))
  expect(await unitsOf(store, 'A')).toEqual(units)
  expect(rebuilt()).toMatchObject([{ file: 'consumequeue/A/0' }])
  await store.close()
  expect((await bytesOf(effects, fileOf('A'))).equals(right)).toBe(true)
})

test('queue repair: the files of two queues swapped → replay hands on the records of its topic', async () => {
  const { effects, units } = await stopped()
  await swap(effects, fileOf('A'), fileOf('B'))
  const { store, rebuilt } = await started(restarted(effects))
  for (const from of [0, 1, 255, 256, 599]) {
    const found: string[] = []
    await store.replay(
      (topic) => topic === 'A',
      commitLogOffset(units[from]!.commitLogOffset),
      ({ topic, bytes }) => {
        const record = decodeRecord(bytes)
        expect([topic, record.topic]).toEqual(['A', 'A'])
        found.push(Buffer.from(record.body).toString())
      },
    )
    expect(found).toEqual(TEXTS.slice(from))
  }
  expect(rebuilt()).toHaveLength(1)
  expect(store.recovery.rebuilt).toEqual(['consumequeue/A/0'])
  expect(await unitsOf(store, 'A')).toEqual(units)
})

test('queue repair: the files of two queues swapped → consumers get the messages of their queue, each once', async () => {
  const { effects } = await stopped()
  await swap(effects, fileOf('A'), fileOf('B'))
  const { store, rebuilt } = await started(restarted(effects))
  for (const offset of [599, 0, 300]) {
    expect(await consume(store, 'A', offset)).toBe(`m${offset}`)
    expect(await consume(store, 'B', offset)).toBe(`other m${offset}`)
  }
  expect(rebuilt()).toHaveLength(2)
})

test('queue repair: a unit of another message of its queue, or another tag → its own message is read', async () => {
  const { effects, units } = await stopped()
  await overwrite(effects, fileOf('A'), 20 * 300, encoded({ ...units[300]!, tagsCode: 77 }))
  const { store } = await started(restarted(effects))
  expect(await consume(store, 'A', 300)).toBe('m300')
  expect((await unitsOf(store, 'A', 0, 300))[0]).toEqual(units[300])
})

test('queue repair: another tag in the midst of units that are read at once → mended as well', async () => {
  const { effects, units } = await stopped()
  await overwrite(effects, fileOf('A'), 20 * 300, encoded({ ...units[300]!, tagsCode: 77 }))
  const { store } = await started(restarted(effects))
  for (let offset = 280; offset <= 300; offset += 1) expect(await consume(store, 'A', offset)).toBe(`m${offset}`)
  expect((await unitsOf(store, 'A', 0, 300))[0]).toEqual(units[300])
})

test('queue repair: a record that the log has lost → damaged, and the log is asked once', async () => {
  const { effects, units } = await stopped()
  effects.machine.disk.flipBit(LOG, units[7]!.commitLogOffset + 88, 0)
  const again = restarted(effects)
  let reads = 0
  const files = interceptFiles(again.files, (path, operation) => {
    if (path === LOG && operation === 'read') reads += 1
  })
  const { store, rebuilt } = await started({ ...again, files }, { coldReadBytes: 0 })
  expect(await consume(store, 'A', 7)).toBe('<damaged>')
  const before = reads
  for (let times = 0; times < 10; times += 1) expect(await consume(store, 'A', 7)).toBe('<damaged>')
  expect(reads - before).toBe(10)
  expect(await consume(store, 'A', 8)).toBe('m8')
  expect([rebuilt(), (await unitsOf(store, 'A', 0, 7))[0]]).toEqual([[], units[7]])
})

test('queue repair: a file cut short while the broker runs → written again in full', async () => {
  const { effects, units, right } = await stopped()
  const again = restarted(effects)
  const { store } = await started(again, { unitCacheBytes: 1 })
  const file = await again.files.open(fileOf('A'), 'must-exist')
  await file.truncate(77)
  await file.close()
  expect(await unitsOf(store, 'A')).toEqual(units)
  await store.checkpoint()
  expect((await bytesOf(effects, fileOf('A'))).equals(right)).toBe(true)
})

test('queue repair: while it goes on → appends and other queues do not wait, readers of the queue do', async () => {
  const { effects, units } = await stopped()
  await overwrite(effects, fileOf('A'), 20 * 100, Buffer.alloc(4096))
  const { effects: again, gate } = gated(restarted(effects))
  const { store } = await started(again)
  const first = store.scan({ topic: 'A', queueId: 0 }, queueOffset(100), () => 'take', { unitsMax: 1 })
  if (first.kind !== 'cold') throw new Error('the unit is in memory')
  gate.close()
  const loading = first.load()
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(store.scan({ topic: 'A', queueId: 0 }, queueOffset(0), () => 'take', { unitsMax: 1 }).kind).toBe('cold')
  expect(await textsOf(store, 'B')).toHaveLength(COUNT)
  await send(store, newRecord({ topic: 'A', text: 'new' }))
  const tail: Unit[] = []
  const takeTail = (unit: Unit) => {
    tail.push(unit)
    return 'take' as const
  }
  store.scan({ topic: 'A', queueId: 0 }, queueOffset(COUNT), takeTail, { unitsMax: 1 })
  expect(tail).toHaveLength(1)
  gate.open()
  await loading
  expect(await unitsOf(store, 'A')).toEqual([...units, tail[0]])
})

test('queue repair: the store is closed meanwhile → it ends when that is over, and the files hold what the log says', async () => {
  const { effects, units } = await stopped()
  const right = await bytesOf(effects, fileOf('A'))
  await overwrite(effects, fileOf('A'), 20 * 100, Buffer.alloc(4096))
  const { effects: again, gate } = gated(restarted(effects))
  const { store } = await started(again)
  const first = store.scan({ topic: 'A', queueId: 0 }, queueOffset(100), () => 'take', { unitsMax: 1 })
  if (first.kind !== 'cold') throw new Error('the unit is in memory')
  gate.close()
  const loading = first.load()
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  let isClosed = false
  const closing = store.close().then(() => (isClosed = true))
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(isClosed).toBe(false)
  gate.open()
  await Promise.all([loading, closing])
  expect((await bytesOf(effects, fileOf('A'))).subarray(0, 20 * units.length)).toEqual(
    right.subarray(0, 20 * units.length),
  )
})

test('queue repair: units in memory are doubted → nobody gets them before the log was asked', async () => {
  const { effects, units } = await stopped()
  await overwrite(effects, fileOf('A'), 20 * 300, encoded({ ...units[300]!, tagsCode: 77 }))
  const { effects: again, gate } = gated(restarted(effects))
  const { store } = await started(again)
  const [unit] = await unitsOf(store, 'A', 0, 300)
  const scan = () => store.scan({ topic: 'A', queueId: 0 }, queueOffset(300), () => 'take', { unitsMax: 1 }).kind
  expect(scan()).toBe('scanned')
  const reading = store.readUnit({ topic: 'A', queueId: 0 }, unit!) as Promise<Uint8Array>
  expect(await reading.catch((error: MqError) => error.code)).toBe('busy')
  gate.close()
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(scan()).toBe('cold')
})

test('queue repair: units that a search only passes are of others → replay misses nothing', async () => {
  const { effects, units } = await stopped()
  const [a, b] = [await bytesOf(effects, fileOf('A')), await bytesOf(effects, fileOf('B'))]
  const mixed = Array.from({ length: 256 }, (_, index) => {
    const at = 20 * Math.floor(index / 2)
    return (index % 2 === 0 ? a : b).subarray(at, at + 20)
  })
  await overwrite(effects, fileOf('A'), 0, Buffer.concat(mixed))
  const { store } = await started(restarted(effects))
  const found: number[] = []
  const sink = ({ queueOffset: offset }: { readonly queueOffset: number }) => void found.push(offset)
  await store.replay((topic) => topic === 'A', units[200]!.commitLogOffset, sink)
  expect(found).toEqual(units.slice(200).map((unit) => unit.queueOffset))
})

test('queue repair: an offset is doubted while the log is asked about another one → it is asked about both', async () => {
  const { effects, units } = await stopped()
  effects.machine.disk.flipBit(LOG, units[200]!.commitLogOffset + 88, 0)
  await overwrite(effects, fileOf('A'), 20 * 10, encoded({ ...units[10]!, tagsCode: 77 }))
  const { effects: again, gate } = gated(restarted(effects))
  const { store } = await started(again)
  const found: number[] = []
  const errors: string[] = []
  const replaying = store.replay(
    (topic) => topic === 'A',
    units[9]!.commitLogOffset,
    ({ queueOffset: offset }) => {
      found.push(offset)
      if (offset !== 9) return
      gate.close()
      const reading = store.readUnit({ topic: 'A', queueId: 0 }, units[200]!) as Promise<Uint8Array>
      reading.catch((error: MqError) => errors.push(error.code))
    },
  )
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect([found, errors]).toEqual([[9], ['busy']])
  gate.open()
  await replaying
  expect(found).toEqual(units.slice(9).flatMap(({ queueOffset: offset }) => (offset === 200 ? [] : [offset])))
})

test('queue repair: it takes long → readers are told to come again', async () => {
  const { effects } = await stopped()
  await overwrite(effects, fileOf('A'), 20 * 100, Buffer.alloc(4096))
  const { effects: again, gate } = gated(restarted(effects))
  const { store } = await started(again)
  const first = store.scan({ topic: 'A', queueId: 0 }, queueOffset(100), () => 'take', { unitsMax: 1 })
  if (first.kind !== 'cold') throw new Error('the unit is in memory')
  gate.close()
  const loading = first.load().catch((error: MqError) => error.code)
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  await effects.advance(3000)
  expect(await loading).toBe('busy')
})

test.each<[string, (store: MessageStore, place: CommitLogOffset) => Promise<unknown>]>([
  ['the earliest time', (store) => store.earliestStoredMs({ topic: 'A', queueId: 0 })],
  ['a search by time', (store) => store.searchOffset({ topic: 'A', queueId: 0 }, 0, 'LOWER')],
  ['a record by its place', (store, place) => store.recordAt(place)],
])('queue repair: it takes long → who asks for %s is told to come again', async (_name, ask) => {
  const { effects, units } = await stopped()
  await swap(effects, fileOf('A'), fileOf('B'))
  const again = restarted(effects)
  let held = false
  const scheduler = { ...again.scheduler, soon: (job: () => void) => void (held || again.scheduler.soon(job)) }
  const { store } = await started({ ...again, scheduler })
  // Into memory, so that nothing but the mend takes long.
  await unitsOf(store, 'A')
  held = true
  const asking = ask(store, units[100]!.commitLogOffset).catch((error: MqError) => error.code)
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  await effects.advance(3000)
  expect(await Promise.race([asking, new Promise((resolve) => setImmediate(resolve, 'waits'))])).toBe('busy')
})

test('queue repair: the disk refuses what is written → an error, after some tries without reading the log again', async () => {
  const { effects } = await stopped()
  await overwrite(effects, fileOf('A'), 20 * 100, Buffer.alloc(4096))
  const again = restarted(effects)
  let logReads = 0
  const files = interceptFiles(again.files, (path, operation) => {
    if (path === fileOf('A') && operation === 'write') throw new FileError('io', path, 'EIO')
    if (path === LOG && operation === 'read') logReads += 1
  })
  const { store } = await started({ ...again, files })
  const scan = () => store.scan({ topic: 'A', queueId: 0 }, queueOffset(100), () => 'take', { unitsMax: 1 })
  const errors: string[] = []
  let before = 0
  for (let tries = 0; tries < 6; tries += 1) {
    before = logReads
    const result = scan()
    if (result.kind === 'cold') await result.load().catch((error: Error) => errors.push((error as MqError).code))
  }
  expect([errors.length, errors.at(-1)]).toEqual([6, 'unavailable'])
  expect(logReads).toBe(before)
  expect(await textsOf(store, 'B')).toHaveLength(COUNT)
})

test('queue repair: the disk has refused too often → a message that the log has is not taken for a lost one', async () => {
  const { effects, units } = await stopped()
  await overwrite(effects, fileOf('A'), 0, encoded({ ...units[0]!, tagsCode: units[0]!.tagsCode + 1 }))
  const again = restarted(effects)
  const files = interceptFiles(again.files, (path, operation) => {
    if (path === fileOf('A') && operation === 'write') throw new FileError('io', path, 'EIO')
  })
  const { store } = await started({ ...again, files })
  const answers: unknown[] = []
  for (let tries = 0; tries < 5; tries += 1) {
    answers.push(await store.earliestStoredMs({ topic: 'A', queueId: 0 }).catch((error: MqError) => error.code))
  }
  expect(answers).toEqual(['io', 'io', 'io', 'unavailable', 'unavailable'])
})

test('queue repair: the topic was deleted and made again → nothing of the older one comes back', async () => {
  const effects = createManualEffects()
  const topicsEndedBy = ({ bytes }: { bytes: Uint8Array }) => [Buffer.from(decodeRecord(bytes).body).toString()]
  // Its units are in its file, not in the checkpoint.
  const ends = { topicsEndedBy, unitsPerWrite: 256 }
  let { store } = await started(effects, ends)
  await send(store, ...TEXTS.map((text) => newRecord({ topic: 'A', text: `old ${text}` })))
  await send(store, newRecord({ topic: 'rmq_sys_INFLIGHT_LOG', text: 'A' }))
  store.endTopic('A')
  await send(store, ...TEXTS.slice(0, 400).map((text) => newRecord({ topic: 'A', text })))
  await store.close()
  await overwrite(effects, fileOf('A'), 0, Buffer.alloc(20 * 300))
  store = (await started(restarted(effects), ends)).store
  expect(await textsOf(store, 'A')).toEqual(TEXTS.slice(0, 400))
})

test('queue repair: power lost at any step of it → the next start has every unit', async () => {
  /** Ends the process at a step; undefined when all of it was done before. */
  async function crashAt(step: number) {
    const { effects, units } = await stopped()
    await overwrite(effects, fileOf('A'), 20 * 100, Buffer.alloc(20 * 400))
    const again = restarted(effects)
    const crashed = Promise.withResolvers<Effects>()
    const moment = step % 2 === 0 ? 'before' : 'after'
    const files = countSteps(again.files, { step, moment }, () => crashed.resolve(afterPowerLoss(effects)))
    const { store } = await started({ ...again, files })
    const openedAfter = files.steps
    async function work(): Promise<undefined> {
      expect(await unitsOf(store, 'A')).toEqual(units)
      await store.checkpoint()
      await store.close()
    }
    const next = await Promise.race([crashed.promise, work()])
    return { next, units, openedAfter }
  }

  for (let step = (await crashAt(-1)).openedAfter + 1; ; step += 1) {
    const { next, units } = await crashAt(step)
    if (next === undefined) break
    const { store } = await started(next)
    expect(await unitsOf(store, 'A')).toEqual(units)
    expect(await textsOf(store, 'A')).toEqual(TEXTS)
  }
}, 60_000)

test('queue repair: a unit behind the last one after an orderly stop → cleared at the start: Apache would take it for a message', async () => {
  const { effects, right } = await stopped()
  const lonely = encoded({ commitLogOffset: 0, size: 100, tagsCode: 0 })
  await overwrite(effects, fileOf('A'), COUNT * 20, Buffer.concat([lonely, lonely, lonely]))
  const { store, rebuilt } = await started(restarted(effects))
  expect(rebuilt()).toMatchObject([{ file: 'consumequeue/A/0', reason: 'was ahead of the log' }])
  expect(store.recovery).toMatchObject({ cleanStop: true, scannedBytes: 0 })
  expect((await bytesOf(effects, fileOf('A'))).equals(right)).toBe(true)
  await send(store, newRecord({ topic: 'A', text: 'next' }))
  expect((await textsOf(store, 'A')).slice(-2)).toEqual([TEXTS.at(-1), 'next'])
  await store.close()
})
