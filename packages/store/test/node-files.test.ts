// The same store on the files of this machine.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createNodeEffects } from '@rocketmq-ts/runtime/node'
import { openMessageStore, type StoreOptions } from '../src/index.ts'
import { newRecord, send, textsOf } from './store-fixture.ts'

const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'store-'))
  folders.push(folder)
  return folder
}

function open(folder: string, options: Partial<StoreOptions> = {}) {
  const all = { folder, flushMode: 'SYNC_FLUSH' as const, segmentBytes: 65_536, unitsPerFile: 100, ...options }
  return openMessageStore(all, { ...createNodeEffects(), logger: silentLogger })
}

test.each(['SYNC_FLUSH', 'ASYNC_FLUSH'] as const)(
  'real files: sent over several segments in %s, stopped and started → every message in its place',
  async (flushMode) => {
    const folder = await temporaryFolder()
    let store = await open(folder, { flushMode })
    const texts = Array.from({ length: 300 }, (_, index) => `${index}`.padEnd(index * 5, '.'))
    for (let from = 0; from < texts.length; from += 30) {
      await send(store, ...texts.slice(from, from + 30).map((text) => newRecord({ text })))
    }
    expect(await textsOf(store)).toEqual(texts)
    await store.close()
    store = await open(folder, { flushMode })
    expect(store.recovery).toMatchObject({ cleanStop: true, records: 0, rebuilt: [] })
    expect(await textsOf(store)).toEqual(texts)
    await store.close()
  },
)

test('real files: two stores on one folder → the second is refused until the first is closed', async () => {
  const folder = await temporaryFolder()
  const first = await open(folder, { holder: 'the first' })
  await expect(open(folder)).rejects.toMatchObject({ code: 'locked', message: expect.stringContaining('the first') })
  await first.close()
  await (await open(folder)).close()
})
