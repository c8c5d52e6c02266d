// Starts on a disk that is full from some step on, with nothing kept for them: they serve what is there, and go on.
import { expect, test } from '@jest/globals'
import { type Effects, FileError, type Files } from '@rocketmq-ts/runtime'
import type { ManualEffects } from '@rocketmq-ts/testkit'
import { createManualEffects } from '@rocketmq-ts/testkit'
import type { MessageStore, StoreEvent } from '../src/index.ts'
import { openMessageStore } from '../src/index.ts'
import { interceptFiles } from './disk-steps.ts'
import { FOLDER, afterKill, createEventLog, newRecord, openStore, send, textsOf } from './store-fixture.ts'

const OPTIONS = {
  folder: FOLDER,
  flushMode: 'SYNC_FLUSH',
  segmentBytes: 4096,
  unitsPerFile: 100,
  indexSlots: 100,
  indexEntries: 400,
  reserveBytes: 0,
} as const
const COUNT = 40
const TEXTS = Array.from({ length: COUNT }, (_, index) => `message ${index}`)

/** A folder as a broker leaves it. */
const LEFT: readonly (readonly [string, (effects: ManualEffects) => Promise<Effects>])[] = [
  ['stopped in order', (effects) => leave(effects, 'stop')],
  ['killed', (effects) => leave(effects, 'kill')],
  [
    'killed, nothing but the log left',
    async (effects) => {
      const again = await leave(effects, 'kill')
      for (const { name } of await again.files.list(FOLDER)) {
        if (/^(consumequeue|queue-checkpoint|index|checkpoint)/u.test(name))
          await again.files.remove(`${FOLDER}/${name}`)
      }
      return again
    },
  ],
]

async function leave(effects: ManualEffects, how: 'stop' | 'kill'): Promise<Effects> {
  const store = await openStore(effects, OPTIONS)
  const records = TEXTS.map((text) => newRecord({ text }))
  await send(store, ...records.slice(0, COUNT / 2))
  await store.checkpoint()
  await send(store, ...records.slice(COUNT / 2))
  if (how === 'stop') await store.close()
  return afterKill(effects)
}

/** From the step on, the disk has no byte more than what is used. Returns undefined when the start has fewer steps. */
async function startFullFrom(
  step: number,
  effects: ManualEffects,
  again: Effects,
): Promise<{ store: MessageStore; events: StoreEvent[]; free(): void } | undefined> {
  const { disk } = effects.machine
  let steps = 0
  let isFree = false
  const isFull = (): boolean => steps >= step && !isFree
  const intercepted = interceptFiles(again.files, () => {
    steps += 1
    if (isFull()) disk.capacityBytes = Math.min(disk.capacityBytes, disk.usedBytes)
  })
  const files: Files = {
    ...intercepted,
    // Neither is there room for a name.
    async open(path, mode) {
      const at = path.lastIndexOf('/')
      if (mode === 'create' && isFull()) {
        const names = await again.files.list(path.slice(0, at))
        if (!names.some(({ name }) => name === path.slice(at + 1)))
          throw new FileError('no-space', path, 'can not make the file')
      }
      return intercepted.open(path, mode)
    },
  }
  const { events, logger } = createEventLog()
  const store = await openMessageStore(OPTIONS, { ...again, files, logger })
  function free(): void {
    isFree = true
    disk.capacityBytes = Infinity
  }
  if (steps >= step) return { store, events, free }
  await store.close()
  return undefined
}

test.each(LEFT)(
  'full disk: a start in a folder that was %s, from any step on → serves, and goes on',
  async (_n, left) => {
    let waited = 0
    let step = 1
    for (; ; step += 1) {
      const effects = createManualEffects({ seed: step })
      const started = await startFullFrom(step, effects, await left(effects))
      if (started === undefined) break
      const { store, events, free } = started
      expect(await textsOf(store)).toEqual(TEXTS)
      if (events.some(({ event }) => event === 'store.note-waits')) {
        waited += 1
        expect(store.diskFull).toBe(true)
      }
      await effects.advance(3000)
      free()
      await effects.advance(3000)
      expect(store.diskFull).toBe(false)
      if (store.appended > store.recovery.end) expect(await textsOf(store, 'Journal')).toEqual(['acked'])
      await send(store, newRecord({ text: 'more' }))
      const next = await openStore(afterKill(effects), OPTIONS)
      expect(next.recovery).toMatchObject({ cleanStop: false, damaged: [], foreign: undefined })
      expect(await textsOf(next)).toEqual([...TEXTS, 'more'])
      await next.close()
    }
    expect(step).toBeGreaterThan(20)
    expect(waited).toBeGreaterThan(5)
  },
)

test('full disk: the log has room, the notes of the start have none → it is written behind them, and a kill is a crash of ours', async () => {
  const effects = createManualEffects()
  const again = await leave(effects, 'stop')
  let isFull = true
  const files = interceptFiles(again.files, (path, operation) => {
    if (isFull && operation === 'write' && !path.includes('/commitlog/'))
      throw new FileError('no-space', path, 'can not write')
  })
  const { events, logger } = createEventLog()
  let store = await openMessageStore(OPTIONS, { ...again, files, logger })
  expect(events).toContainEqual(expect.objectContaining({ event: 'store.note-waits', file: `${FOLDER}/abort` }))
  store.append(newRecord({ topic: 'Journal', text: 'acked' }), { journal: true })
  await expect(store.submit()).rejects.toMatchObject({ code: 'disk-full' })
  store = await openMessageStore(OPTIONS, { ...afterKill(effects), logger })
  expect(store.recovery.foreign).toBeUndefined()
  await store.close()
  isFull = false
})
