// A repair: into a new folder, everything whole at its place, and a folder that is sound.
import { expect, test } from '@jest/globals'
import { silentLogger } from '@rocketmq-ts/runtime'
import { takeImage } from '@rocketmq-ts/testkit'
import { checkStore, NO_OWNER, repairStore } from '../../src/index.ts'
import {
  createManualEffects,
  FOLDER,
  newRecord,
  openStore,
  overwrite,
  restarted,
  send,
  textsOf,
} from '../store-fixture.ts'

const COPY = '/data/copy'
const SIZES = { unitsPerFile: 20, indexSlots: 16, indexEntries: 64 }
const PROPERTIES = Buffer.from('KEYS\u0001all\u0002TAGS\u0001TagA\u0002')

async function storeWithHoles() {
  const effects = createManualEffects()
  const store = await openStore(effects, SIZES)
  const sizes: { readonly at: number; readonly size: number }[] = []
  for (let index = 0; index < 90; index += 1) {
    const [appended] = await send(store, newRecord({ text: `text ${index}`, properties: PROPERTIES }))
    sizes.push({ at: appended!.commitLogOffset, size: appended!.size })
    await effects.advance(10)
  }
  await store.close()
  // The first one, one more, then three neighbours at the end of a segment, then the very last one.
  const end = sizes.findIndex(({ at }) => at >= 4096)
  const lost = [0, 5, end - 3, end - 2, end - 1, 89]
  for (const each of lost) {
    const { at, size } = sizes[each]!
    const path = `${FOLDER}/commitlog/${String(at - (at % 4096)).padStart(20, '0')}`
    await overwrite(effects, path, at % 4096, Buffer.alloc(size, 0xee))
  }
  return { effects, lost }
}

function expectedTexts(lost: readonly number[]): string[] {
  return Array.from({ length: 90 }, (_, index) => (lost.includes(index) ? '<damaged>' : `text ${index}`))
}

test('repair: a log with holes → a sound folder with every whole message at its offset; the source is as it was', async () => {
  const { effects, lost } = await storeWithHoles()
  const before = await takeImage(effects.files, FOLDER)
  expect((await checkStore({ folder: FOLDER }, effects)).isSound).toBe(false)
  const report = await repairStore({ from: FOLDER, to: COPY, owner: NO_OWNER }, { ...effects, logger: silentLogger })
  expect(report).toMatchObject({ records: 84, recovery: { damaged: [] } })
  expect(report.lost).toHaveLength(4)
  expect(await takeImage(effects.files, FOLDER)).toEqual(before)
  const checked = await checkStore({ folder: COPY }, effects)
  expect(checked.findings).toEqual([])
  const store = await openStore(restarted(effects), { ...SIZES, folder: COPY })
  expect(await textsOf(store)).toEqual(expectedTexts(lost))
  await store.close()
})

test('repair: queues of the copy are lost later → built again with the same offsets', async () => {
  const { effects, lost } = await storeWithHoles()
  await repairStore({ from: FOLDER, to: COPY, owner: NO_OWNER }, { ...effects, logger: silentLogger })
  await effects.files.remove(`${COPY}/consumequeue`)
  const store = await openStore(restarted(effects), { ...SIZES, folder: COPY })
  expect(store.recovery.damaged).toEqual([])
  expect(await textsOf(store)).toEqual(expectedTexts(lost))
  await store.close()
})
