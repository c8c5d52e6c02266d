// Every state of the note x every stop of ours x whoever came after: only another broker's own marks make another broker.
import { expect, test } from '@jest/globals'
import type { Effects } from '@rocketmq-ts/runtime'
import type { StoreOptions } from '../src/index.ts'
import { judgeFacts } from '../src/writer-verdict.ts'
import {
  ABORT,
  afterKill,
  afterPowerLoss,
  bytesOf,
  createManualEffects,
  encodedRecord,
  FIRST,
  FOLDER,
  namesIn,
  newRecord,
  openStore,
  overwrite,
  restarted,
  send,
  textsOf,
} from './store-fixture.ts'

const CHECKPOINT = `${FOLDER}/checkpoint`
const OPTIONS: Partial<StoreOptions> = { ownerStamp: async () => 'no .bak files' }

const NOTES = ['kept', 'missing', 'damaged', 'older generation'] as const
const STOPS = ['clean stop', 'kill', 'power loss'] as const
const OTHERS = ['nobody', 'Apache wrote', 'Apache wrote, killed', 'Apache cut', 'Apache cut, killed'] as const

/** Two messages, a checkpoint, one more message, a stop. */
async function folderAfter(stop: (typeof STOPS)[number]) {
  const effects = createManualEffects()
  const store = await openStore(effects, OPTIONS)
  const [a] = await send(store, newRecord({ text: 'a' }), newRecord({ text: 'b' }))
  await store.checkpoint()
  await send(store, newRecord({ text: 'c' }))
  const end: number = store.appended
  if (stop === 'clean stop') await store.close()
  const next =
    stop === 'kill' ? afterKill(effects) : stop === 'power loss' ? afterPowerLoss(effects) : restarted(effects)
  return { effects: next, disk: effects.machine.disk, end, size: a!.size }
}

async function loseNote(
  { effects, disk }: Awaited<ReturnType<typeof folderAfter>>,
  how: (typeof NOTES)[number],
): Promise<void> {
  const names = (await namesIn(effects)).filter((name) => name.startsWith('last-writer.'))
  const number = (name: string): number => Number(name.slice('last-writer.'.length))
  const newest = names.toSorted((one, other) => number(other) - number(one))[0]!
  for (const name of names) {
    if (how === 'missing') await effects.files.remove(`${FOLDER}/${name}`)
    if (how === 'damaged') disk.flipBit(`${FOLDER}/${name}`, 30, 1)
    if (how === 'older generation' && name === newest) disk.flipBit(`${FOLDER}/${name}`, 30, 1)
  }
}

/** What Apache's broker leaves: its records, its times in `checkpoint`, no marker or its own. */
async function visit(effects: Effects, who: (typeof OTHERS)[number], end: number, size: number): Promise<void> {
  if (who === 'nobody') return
  let position = end
  if (who.startsWith('Apache cut')) {
    position = size
    await overwrite(effects, FIRST, position, Buffer.alloc(end - position))
  }
  const place = { offset: position / size, position, storedMs: 9_000 }
  await overwrite(effects, FIRST, position, encodedRecord(newRecord({ text: 'of Apache' }), place))
  const times = Buffer.alloc(16)
  times.writeBigInt64BE(9_000n, 0)
  times.writeBigInt64BE(9_000n, 8)
  if ((await namesIn(effects)).includes('checkpoint')) await overwrite(effects, CHECKPOINT, 0, times)
  await effects.files.remove(ABORT)
  if (!who.endsWith('killed')) return
  const file = await effects.files.open(ABORT, 'create')
  file.writeSync(0, [Buffer.from('4711')])
  await file.sync()
  await file.close()
}

const cases = NOTES.flatMap((note) => STOPS.flatMap((stop) => OTHERS.map((other) => [note, stop, other] as const)))

test.each(cases)('last writer: note %s, %s, then %s → only Apache is another broker', async (note, stop, other) => {
  const folder = await folderAfter(stop)
  await loseNote(folder, note)
  await visit(folder.effects, other, folder.end, folder.size)
  const store = await openStore(folder.effects, OPTIONS)
  expect(store.recovery.foreign !== undefined).toBe(other !== 'nobody')
  const wrote = ['a', 'b', 'c', 'of Apache']
  const expected = other === 'nobody' ? ['a', 'b', 'c'] : other.startsWith('Apache cut') ? ['a', 'of Apache'] : wrote
  expect(await textsOf(store)).toEqual(expected)
  await store.close()
})

test.each(STOPS)('last writer: %s, and the note can not be read once → ours', async (stop) => {
  const { effects, disk } = await folderAfter(stop)
  disk.fail({ on: 'read', path: 'last-writer', error: 'io', times: 1 })
  const store = await openStore(effects, OPTIONS)
  expect(store.recovery.foreign).toBeUndefined()
  expect(await textsOf(store)).toEqual(['a', 'b', 'c'])
})

test.each(STOPS)(
  'last writer: %s, and the marker of an open folder or Apache’s checkpoint is lost or flipped → ours',
  async (stop) => {
    for (const what of ['abort lost', 'checkpoint lost', 'checkpoint flipped'] as const) {
      const { effects, disk } = await folderAfter(stop)
      if (what === 'abort lost') await effects.files.remove(ABORT)
      else if (what === 'checkpoint lost') await effects.files.remove(CHECKPOINT)
      else disk.flipBit(CHECKPOINT, 7, 1)
      expect((await openStore(effects, OPTIONS)).recovery.foreign).toBeUndefined()
    }
  },
)

test('last writer: Apache’s checkpoint as ours writes it → its numbers first, zeros, and the seal that Java leaves alone', async () => {
  const { effects } = await folderAfter('clean stop')
  const bytes = await bytesOf(effects, CHECKPOINT)
  expect([bytes.length, bytes.subarray(40, -8).some((byte) => byte !== 0)]).toEqual([4096, false])
  expect(bytes.subarray(-8, -4).toString()).toBe('RMTS')
})

test('last writer: its writes were found, the note of that waited for space, and ours was killed → found again', async () => {
  const note = { state: 'stopped', at: 100, tailCrc: 1, isPrefixKept: true, stamp: undefined } as const
  const facts = { note, isTailSame: true, isWrittenAtNote: true, abort: 'ours', stamp: 'unknown' } as const
  const rest = { covered: { at: 100, isWritten: true }, isEmpty: false }
  expect(judgeFacts({ ...facts, ...rest, seal: 'changed' })).toEqual({ kind: 'foreign', from: 100, isPrefixKept: true })
  expect(judgeFacts({ ...facts, ...rest, seal: 'ours' })).toEqual({ kind: 'ours' })
})
