// What happens to an index while somebody searches it.
import { expect, test } from '@jest/globals'
import { createManualEffects, newKeyIndex, newRecord } from '../store-fixture.ts'
import { interceptFiles } from '../disk-steps.ts'
import { keyHash } from '../../src/key-index/key-hashes.ts'
import { keyed } from './key-store.ts'

const ALL = [keyHash('TopicTest', 'all'), 0, Number.MAX_SAFE_INTEGER, { entries: 1000 }] as const

test('key index: files go while they are searched → the search ends with what is left, and nothing stays open', async () => {
  for (let removeAt = 1; ; removeAt += 1) {
    const effects = createManualEffects()
    let step = 0
    let opened = 0
    let removing: Promise<void> | undefined
    const watched = interceptFiles(effects.files, (_path, operation) => {
      if (operation !== 'read' && operation !== 'open') return
      step += 1
      if (step === removeAt) removing = index.removeBelow(20)
    })
    const files = new Proxy(watched, {
      get(target, name) {
        if (name !== 'open') return target[name as keyof typeof target]
        return async (...options: Parameters<typeof target.open>) => {
          const file = await target.open(...options)
          opened += 1
          const close = file.close.bind(file)
          file.close = async () => {
            opened -= 1
            await close()
          }
          return file
        }
      },
    })
    const index = newKeyIndex({ ...effects, files })
    for (let offset = 0; offset < 30; offset += 1) index.add(keyed(`m${offset}`, 'all'), offset, 1000 + offset)
    await index.persist(30)
    await index.close()
    step = 0
    const found: number[] = []
    for await (const offset of index.candidates(...ALL)) found.push(offset)
    await removing
    expect(found.slice(0, 10)).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 21, 20])
    await index.close()
    expect([removeAt, opened]).toEqual([removeAt, 0])
    if (step < removeAt) break
  }
})

test('key index: the clock was set back between two files → messages of the later time are found in the older one', async () => {
  const effects = createManualEffects()
  const index = newKeyIndex(effects)
  for (let offset = 0; offset < 18; offset += 1) {
    index.add(newRecord({ properties: Buffer.from('KEYS\u0001all\u0002') }), offset, offset < 9 ? 500_000 : 100_000)
  }
  await index.persist(18)
  const found: number[] = []
  const hash = keyHash('TopicTest', 'all')
  for await (const offset of index.candidates(hash, 500_000, 600_000, { entries: 1000 })) found.push(offset)
  expect(found).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0])
  await index.close()
})
