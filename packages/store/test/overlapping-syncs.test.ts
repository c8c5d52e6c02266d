// Two syncs of the log at once: the second begins while the first runs, and nothing is promised out of order.
import { expect, test } from '@jest/globals'
import {
  createManualEffects,
  FIRST,
  FOLDER,
  newRecord,
  openStore,
  SEGMENT_BYTES,
  send,
  textsOf,
} from './store-fixture.ts'

const LOG = `${FOLDER}/commitlog/`
const SECOND = `${LOG}${String(SEGMENT_BYTES).padStart(20, '0')}`
const HALF = Buffer.alloc(SEGMENT_BYTES / 2, 'x')

interface Outcome {
  isFlushed: boolean
  error?: unknown
}

async function setUp() {
  const effects = createManualEffects()
  const { disk } = effects.machine
  const store = await openStore(effects)
  await send(store, newRecord({ text: 'before' }))
  const begun: string[] = []
  disk.watcher = {
    before: (call, path) => void (call === 'sync' && path.startsWith(LOG) && begun.push(path)),
    after: () => undefined,
  }
  /** Appends a message, of which the sync takes so long, and tells when it counts as flushed. */
  async function write(text: string, delayMs: number, body = Buffer.from(text)): Promise<Outcome> {
    if (delayMs > 0) disk.fail({ on: 'sync', path: 'commitlog', delayMs })
    store.append(newRecord({ text, body }))
    await store.submit()
    const state: Outcome = { isFlushed: false }
    store.whenFlushed(store.appended).then(
      () => (state.isFlushed = true),
      (error: unknown) => (state.error = error),
    )
    return state
  }
  return { effects, disk, store, begun, write }
}

test('two syncs: the second ends first → it counts with the first one, and consumers see nothing before', async () => {
  const { effects, store, begun, write } = await setUp()
  const first = await write('first', 1000)
  const second = await write('second', 100)
  expect(begun).toHaveLength(2)
  await effects.advance(500)
  expect([first.isFlushed, second.isFlushed, store.bounds('TopicTest', 0).max]).toEqual([false, false, 1])
  await effects.advance(500)
  expect([first.isFlushed, second.isFlushed, store.bounds('TopicTest', 0).max]).toEqual([true, true, 3])
  expect(store.positions.flushed).toBe(store.appended)
  await store.close()
})

test('two syncs: the first one fails after the second has ended → both are refused, for good', async () => {
  const { effects, disk, store, write } = await setUp()
  disk.fail({ on: 'sync', path: 'commitlog', delayMs: 1000, error: 'io' })
  const { flushed } = store.positions
  store.append(newRecord({ text: 'first' }))
  await store.submit()
  const first = expect(store.whenFlushed(store.appended)).rejects.toMatchObject({ code: 'store-refused' })
  const second = await write('second', 100)
  await effects.advance(1000)
  await first
  expect([second.isFlushed, second.error]).toEqual([false, store.failure])
  expect([store.positions.flushed, store.bounds('TopicTest', 0).max]).toEqual([flushed, 1])
  expect(() => store.append(newRecord())).toThrow(expect.objectContaining({ code: 'store-refused' }))
  await store.close()
})

test('two syncs: what is written next is in the next segment → its file is synced when the one in front of it is safe', async () => {
  const { effects, store, begun, write } = await setUp()
  await send(store, newRecord({ text: 'half of it', body: HALF }))
  await effects.settle()
  begun.length = 0
  const first = await write('first', 1000)
  const second = await write('second', 0, HALF)
  await effects.advance(999)
  expect([begun, second.isFlushed]).toEqual([[FIRST], false])
  await effects.advance(1)
  expect([begun.at(-1), first.isFlushed, second.isFlushed]).toEqual([SECOND, true, true])
  expect(await textsOf(store)).toHaveLength(4)
  await store.close()
})
