import { expect, test } from '@jest/globals'
import { FileError } from '@rocketmq-ts/runtime'
import { EntryBuffer } from '../../src/key-index/entry-buffer.ts'
import { keyHash } from '../../src/key-index/key-hashes.ts'
import { interceptFiles } from '../disk-steps.ts'
import { createManualEffects, FOLDER, newKeyIndex } from '../store-fixture.ts'
import { indexBytes } from './key-store.ts'

test('index file: offsets beyond 4 GiB → in eight bytes, and found again', async () => {
  const effects = createManualEffects({ nowMs: 1_700_000_000_000 })
  const index = newKeyIndex(effects)
  const offsets = [0, 0xffff_ffff, 0x1_0000_0000, 2 ** 40 + 0x8765_4321, Number.MAX_SAFE_INTEGER - 1]
  const properties = Buffer.from('KEYS\u0001k\u0002')
  for (const offset of offsets) index.add({ topic: 'T', sysFlag: 0, properties }, offset, 1_700_000_000_000)
  const state = await index.save(Number.MAX_SAFE_INTEGER)
  await index.commit(state!)
  const [bytes] = await indexBytes(effects)
  const entries = Buffer.from(bytes!, 'hex').subarray(40 + 8 * 4 + 20)
  expect(offsets.map((_, number) => Number(entries.readBigInt64BE(number * 20 + 4)))).toEqual(offsets)
  const found: number[] = []
  for await (const offset of index.candidates(entries.readInt32BE(0), 0, 2e12, { entries: 100 })) found.push(offset)
  expect(found).toEqual(offsets.toReversed())
  await index.close()
  expect((await effects.files.list(`${FOLDER}/index`)).map(({ name }) => name.length)).toEqual([17])
})

test('index file: no space for an entry whose slot was written → the same again, and no older one leaves the chain', async () => {
  const effects = createManualEffects({ nowMs: 1_700_000_000_000 })
  let writes = 0
  let failing = 0
  const files = interceptFiles(effects.files, (path, operation) => {
    if (operation !== 'write') return
    writes += 1
    if (writes === failing) throw new FileError('no-space', path, 'can not write')
  })
  const index = newKeyIndex({ ...effects, files }, { slots: 1, entries: 10 })
  const add = (key: string, offset: number) =>
    index.add(
      { topic: 'T', sysFlag: 0, properties: Buffer.from(`KEYS\u0001${key}\u0002`) },
      offset,
      effects.clock.nowMs(),
    )
  add('older', 0)
  await index.persist(100)
  add('newer', 100)
  failing = writes + 2
  await expect(index.persist(200)).rejects.toThrow('can not write')
  await index.persist(200)
  const found: number[] = []
  for (const key of ['older', 'newer']) {
    for await (const offset of index.candidates(keyHash('T', key), 0, 2e12, { entries: 100 })) found.push(offset)
  }
  expect(found).toEqual([0, 100])
})

test('entry buffer: more entries than it was made for → all kept in order; what lies behind a position moves on', () => {
  const buffer = new EntryBuffer()
  for (let entry = 0; entry < 5000; entry += 1) buffer.push(entry, entry * 10, 1_700_000_000_000 + entry)
  expect([buffer.countBelow(0), buffer.countBelow(1), buffer.countBelow(25_000), buffer.countBelow(1e9)]).toEqual([
    0, 1, 2500, 5000,
  ])
  const rest = new EntryBuffer()
  buffer.moveTo(rest, 2500)
  expect([buffer.length, rest.length, rest.hashes[0], rest.offsets[2499]]).toEqual([2500, 2500, 2500, 49_990])
})
