import { expect, test } from '@jest/globals'
import { commitLogOffset, decodeRecord } from '@rocketmq-ts/model'
import { createManualEffects, FOLDER, newRecord, openStore, restarted, SEGMENT_BYTES, send } from './store-fixture.ts'

test('walk: records of any topic over several segments → all of them from the position on, damaged ones left out', async () => {
  const effects = createManualEffects()
  const store = await openStore(effects)
  const texts = Array.from({ length: 120 }, (_, index) => `m${index} ${'x'.repeat(400)}`)
  const sent = []
  for (const [index, text] of texts.entries())
    sent.push(...(await send(store, newRecord({ topic: `T${index % 7}`, text }))))
  expect(store.segments).toBeGreaterThan(1)
  await store.close()
  const lost = sent[30]!.commitLogOffset
  const base = lost - (lost % SEGMENT_BYTES)
  const file = await effects.files.open(`${FOLDER}/commitlog/${String(base).padStart(20, '0')}`, 'must-exist')
  file.writeSync(lost - base + 100, [new Uint8Array([0xff, 0xee])])
  await file.close()
  const again = await openStore(restarted(effects))
  for (const from of [0, 10, 31, 119]) {
    const found: string[] = []
    await again.walk(commitLogOffset(sent[from]!.commitLogOffset), ({ bytes, at, peek }) => {
      found.push(Buffer.from(decodeRecord(bytes.subarray(at, at + peek.totalSize)).body).toString())
    })
    expect(found).toEqual(texts.filter((_, index) => index >= from && index !== 30))
  }
  let count = 0
  await again.walk(commitLogOffset(again.appended), () => void (count += 1))
  expect(count).toBe(0)
})
