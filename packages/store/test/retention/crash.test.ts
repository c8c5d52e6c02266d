// The power goes, or the process is killed, at every step of a pass of retention: what has been seen to go never comes
// back, what stays is whole, and the next start finishes the pass.
import { expect, test } from '@jest/globals'
import type { Effects } from '@rocketmq-ts/runtime'
import type { MessageStore } from '../../src/index.ts'
import { countSteps, type Moment } from '../disk-steps.ts'
import {
  afterKill,
  afterPowerLoss,
  createManualEffects,
  namesIn,
  newRecord,
  openStore,
  send,
  textsOf,
} from '../store-fixture.ts'
import { openForgetting, RULES } from './retention-fixture.ts'

const OPTIONS = { segmentBytes: 1024, unitsPerFile: 4, unitCacheBytes: 1 }
const RETENTION = {
  rules: { ...RULES, reservedMs: 0 },
  topics: () => [{ topic: 'Counted', maxCount: 2 }],
}
const PLACES = [
  ['TopicTest', 0],
  ['TopicTest', 1],
  ['Counted', 0],
] as const

type Loss = 'power loss' | 'kill'
type Mins = Record<string, number>

/** Mins of the log and of all queues. */
function minsOf(store: MessageStore): Mins {
  const queues = PLACES.map(([topic, queueId]) => [`${topic} ${queueId}`, store.bounds(topic, queueId).min] as const)
  return { log: store.min, ...Object.fromEntries(queues) }
}

/** What was sent, by queue, and the highest mins that anybody has seen. */
interface Seen {
  readonly texts: Map<string, string[]>
  mins: Mins
}

/** Sends, then lets retention work: twice, so that files of queues go too. */
async function work(effects: Effects, advance: (ms: number) => Promise<void>, seen: Seen): Promise<void> {
  const store = await openForgetting(effects, OPTIONS, RETENTION)
  store.onMinMoved(() => (seen.mins = minsOf(store)))
  for (const segments of [4, 7]) {
    const records = Array.from({ length: 12 }, (_, number) => {
      const [topic, queueId] = PLACES[number % PLACES.length]!
      return { topic, queueId, text: `${topic} ${queueId}, round ${segments}, number ${number}` }
    })
    const size = segments * OPTIONS.segmentBytes - store.appended
    const fillers = Array.from({ length: Math.floor(size / 200) }, () => newRecord({ topic: 'Filler' }))
    await send(store, ...records.map((record) => newRecord(record)), ...fillers)
    for (const { topic, queueId, text } of records) {
      const name = `${topic} ${queueId}`
      seen.texts.set(name, [...(seen.texts.get(name) ?? []), text])
    }
    await advance(RULES.intervalMs + 10 * RULES.filePauseMs)
  }
}

async function check(effects: Effects, advance: (ms: number) => Promise<void>, seen: Seen): Promise<void> {
  let store = await openStore(effects, OPTIONS)
  expect(store.recovery.damaged).toEqual([])
  const mins = minsOf(store)
  for (const [name, min] of Object.entries(seen.mins)) expect([name, mins[name]! >= min]).toEqual([name, true])
  for (const [topic, queueId] of PLACES) {
    const sent = seen.texts.get(`${topic} ${queueId}`) ?? []
    const { min, max } = store.bounds(topic, queueId)
    expect(max).toBeGreaterThanOrEqual(sent.length)
    expect((await textsOf(store, topic, queueId)).slice(0, sent.length - min)).toEqual(sent.slice(min))
  }
  await store.close()
  // The next start finishes what was begun, and leaves no file behind.
  store = await openForgetting(effects, OPTIONS, RETENTION)
  await send(store, ...Array.from({ length: 8 }, () => newRecord({ topic: 'Filler' })))
  await advance(3 * RULES.intervalMs + 30 * RULES.filePauseMs)
  const names = await namesIn(effects, '/commitlog')
  expect(Number(names[0])).toBe(store.min)
  expect(store.min).toBe(store.appended - (store.appended % OPTIONS.segmentBytes))
  for (const [topic, queueId] of PLACES) {
    const { min, max } = store.bounds(topic, queueId)
    const files = await namesIn(effects, `/consumequeue/${topic}/${queueId}`)
    if (max > 0) expect(Number(files[0]) / 20).toBe(Math.min(min, max - 1) - (Math.min(min, max - 1) % 4))
  }
  await store.close()
}

/** Runs the work up to a step, then the loss; false when the work has fewer steps. */
async function crashAt(at: { step: number; moment: Moment }, loss: Loss): Promise<boolean> {
  const effects = createManualEffects({ seed: at.step * 7 + (loss === 'power loss' ? 1 : 2) })
  const seen: Seen = { texts: new Map(), mins: {} }
  const crashed = Promise.withResolvers<Effects>()
  const files = countSteps(effects.files, at, () => {
    crashed.resolve(loss === 'power loss' ? afterPowerLoss(effects) : afterKill(effects))
  })
  let advancing = Promise.resolve()
  const advance = (ms: number): Promise<void> => (advancing = effects.advance(ms))
  const done = work({ ...effects, files }, advance, seen).then(() => undefined)
  done.catch(() => undefined)
  const next = await Promise.race([crashed.promise, done])
  if (next === undefined) return false
  await advancing
  await check(next, effects.advance, seen)
  return true
}

/** The step at which the first look begins: what comes before is for the tests of the store. */
async function firstStep(): Promise<number> {
  const effects = createManualEffects()
  const files = countSteps(effects.files, { step: -1, moment: 'before' }, () => undefined)
  let first = 0
  const advance = (ms: number): Promise<void> => {
    if (first === 0) first = files.steps + 1
    return effects.advance(ms)
  }
  await work({ ...effects, files }, advance, { texts: new Map(), mins: {} })
  return first
}

test.each(['power loss', 'kill'] as const)(
  'crash in retention: %s at any step → no min moves back, nothing that stays is lost, the pass is finished',
  async (loss) => {
    const first = await firstStep()
    let step = first
    while (await crashAt({ step, moment: (step % 2 === 0) === (loss === 'kill') ? 'before' : 'after' }, loss)) step += 1
    expect(step - first).toBeGreaterThan(80)
  },
  60_000,
)
