// Any bytes as any file of a stopped store: it opens, or says which file does not fit its settings; it serves what is
// whole, says what is not, and goes on. The check of the same folder ends too, and tells of a fault.
import { expect, test } from '@jest/globals'
import { MqError } from '@rocketmq-ts/model'
import { mutateBytes, Prng, takeImage } from '@rocketmq-ts/testkit'
import fc from 'fast-check'
import { checkStore } from '../src/index.ts'
import { createManualEffects, FOLDER, newRecord, openStore, restarted, send, textsOf } from './store-fixture.ts'

const RUNS = 30
const TIME_MS_MAX = 10_000
const MESSAGES = 60

/** A store with several segments and queue files, stopped in order. */
async function stoppedStore() {
  const effects = createManualEffects()
  const store = await openStore(effects, { unitsPerFile: 20 })
  for (let index = 0; index < MESSAGES; index += 1) {
    await send(store, newRecord({ topic: index % 2 === 0 ? 'TopicA' : 'TopicB', text: `text ${index}` }))
    await effects.advance(10)
  }
  await store.close()
  return effects
}

async function write(effects: ReturnType<typeof createManualEffects>, path: string, bytes: Buffer): Promise<void> {
  const file = await effects.files.open(path, 'create')
  await file.truncate(0)
  file.writeSync(0, [bytes])
  await file.close()
}

async function judge(kind: RegExp, seed: number): Promise<void> {
  const random = new Prng(seed)
  const effects = await stoppedStore()
  const image = await takeImage(effects.files, FOLDER)
  const candidates = [...image.keys()].filter((path) => kind.test(path))
  const path = random.pick(candidates)
  const isSwap = random.chance(0.15)
  const bytes = isSwap ? random.pick([...image.values()]) : mutateBytes(image.get(path)!, random)
  await write(effects, `${FOLDER}/${path}`, bytes)
  const isSame = bytes.equals(image.get(path)!)
  if (random.chance(0.3)) await write(effects, `${FOLDER}/abort`, Buffer.from('rocketmq-ts'))

  const report = await checkStore({ folder: FOLDER }, effects)
  const isLog = path.startsWith('commitlog/')
  // Only text that no CRC covers may change unseen, see the planted faults.
  if (!isSame && !isLog && report.cleanStop && path !== 'reserve') expect([path, report.isSound]).toEqual([path, false])

  const opening = openStore(restarted(effects), { unitsPerFile: 20 })
  const store = await opening.catch((error: unknown) => {
    if (!(error instanceof MqError && error.code === 'parameter-invalid')) throw error
    expect([isLog, error.message]).toEqual([true, expect.stringContaining('mappedFileSizeCommitLog')])
  })
  if (store === undefined) return
  for (const [queue, topic] of ['TopicA', 'TopicB'].entries()) {
    const texts = await textsOf(store, topic)
    if (!isLog) expect(texts).toHaveLength(MESSAGES / 2)
    // What a wrong unit leads to is another record or none: the start trusts units after a clean stop, the check finds them.
    if (isLog || path.startsWith('consumequeue/')) continue
    expect(texts).toEqual(Array.from(texts, (_text, index) => `text ${index * 2 + queue}`))
  }
  const [appended] = await send(store, newRecord({ topic: 'TopicC', text: 'later' }))
  expect(await store.read(appended!.commitLogOffset, appended!.size)).toHaveLength(appended!.size)
  await store.close()
}

test.each([
  ['a segment of the log', /^commitlog\//],
  ['a file of a queue', /^consumequeue\//],
  ['a checkpoint of ours', /^queue-checkpoint\./],
  ["Apache's checkpoint", /^checkpoint$/],
  ['a flushed mark', /^flushed\./],
  ['a note of the last writer', /^last-writer\./],
])(
  'files: any bytes as %s → the store opens or names the file, serves what is whole, and goes on',
  async (_name, kind) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), (seed) => judge(kind, seed)),
      { numRuns: RUNS, interruptAfterTimeLimit: TIME_MS_MAX, examples: [[1], [2], [3], [4], [5], [6], [7], [8]] },
    )
  },
  60_000,
)
