// What Apache's records of pops say, as bytes and as a whole.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createPendingPops } from '../../src/foreign/pending-pops.ts'
import { type PopRecord, decodeOrderInfo, decodePopRecord, isPopTag } from '../../src/foreign/pop-records.ts'

const decode = (tag: 'ck' | 'ack' | 'bAck', json: string): PopRecord => decodePopRecord(tag, Buffer.from(json))

test('pop records: bodies as Apache writes them → checkpoint, acknowledgement, acknowledgement of several', () => {
  const pop = { topic: 'T', group: 'G', queueId: 3, startOffset: 100, popTime: 1_700_000_000_000 }
  const ck =
    '{"bm":0,"bn":"b","c":"G","d":[0,1],"it":60000,"n":2,"pt":1700000000000,"q":3,"reviveTime":1700000060000,"ro":0,"so":100,"t":"T"}'
  expect(decode('ck', ck)).toStrictEqual({
    kind: 'checkpoint',
    pop,
    invisibleMs: 60_000,
    offsets: [100, 101],
    acked: 0,
  })
  const ack = '{"ao":101,"bn":"b","c":"G","pt":1700000000000,"q":3,"so":100,"t":"T"}'
  expect(decode('ack', ack)).toStrictEqual({ kind: 'ack', pop, offsets: [101] })
  const batch = '{"ao":-1,"aol":[100,101],"c":"G","pt":1700000000000,"q":3,"so":100,"t":"T"}'
  expect(decode('bAck', batch)).toStrictEqual({ kind: 'ack', pop, offsets: [100, 101] })
})

test('pop records: differences left out or with gaps, a mask of 32 → every message of it', () => {
  const of = (rest: string) => decode('ck', `{"c":"G","it":1,"pt":1,"q":0,"so":100,"t":"T",${rest}}`)
  expect(of('"n":3')).toMatchObject({ offsets: [100, 101, 102], acked: 0 })
  expect(of('"n":2,"d":[]')).toMatchObject({ offsets: [100, 101] })
  expect(of('"n":2,"d":[0,7],"bm":2')).toMatchObject({ offsets: [100, 107], acked: 2 })
  expect(of('"n":32,"bm":-2147483648')).toMatchObject({ acked: -2_147_483_648 })
})

test.each([
  ['no JSON', 'ck', '{'],
  ['no object', 'ack', '7'],
  ['a topic that is missing', 'ack', '{"c":"G","pt":1,"q":0,"so":1,"ao":1}'],
  ['a negative offset', 'ack', '{"t":"T","c":"G","pt":1,"q":0,"so":1,"ao":-1}'],
  ['33 messages', 'ck', '{"t":"T","c":"G","pt":1,"q":0,"so":1,"it":1,"n":33}'],
  ['fewer differences than messages', 'ck', '{"t":"T","c":"G","pt":1,"q":0,"so":1,"it":1,"n":3,"d":[0,1]}'],
  ['a mask of 64 bits', 'ck', '{"t":"T","c":"G","pt":1,"q":0,"so":1,"it":1,"n":3,"bm":4294967296}'],
] as const)('pop records: %s → refused, naming it', (_name, tag, json) => {
  expect(() => decode(tag, json)).toThrow(expect.objectContaining({ code: 'parameter-invalid' }))
})

test('pop records: any bytes → a record, or refused', () => {
  fc.assert(
    fc.property(fc.constantFrom('ck', 'ack', 'bAck'), fc.uint8Array({ maxLength: 200 }), (tag, bytes) => {
      if (!isPopTag(tag)) return
      try {
        decodePopRecord(tag, bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: 'parameter-invalid' })
      }
    }),
  )
})

test('order file: a mask of 64 bits, own times of single messages → what is open, when and how often', () => {
  const delivery = decodeOrderInfo(
    { topic: 'T', group: 'G', queueId: 0 },
    { o: [100, 1, 63], cm: -9_223_372_036_854_775_806n, popTime: 1000, i: 60, ot: { 163: 9000 }, oc: { 101: 2 } },
  )
  expect(delivery.offsets).toStrictEqual([100, 101, 163])
  expect([0, 1, 63].map((index) => delivery.isAcked(index))).toStrictEqual([false, true, true])
  expect(delivery.offsets.map((offset) => [delivery.visibleMs(offset), delivery.attempts(offset)])).toStrictEqual([
    [1060, 1],
    [1060, 3],
    [9000, 1],
  ])
})

/** What a run of Apache's broker did: pops, acknowledgements, and what its timer and its revive made of them. */
type Step =
  | { readonly kind: 'pop'; readonly start: number; readonly offsets: readonly number[] }
  | { readonly kind: 'ack'; readonly pop: number; readonly picks: readonly number[]; readonly strange: number }
  | { readonly kind: 'deliver'; readonly pop: number; readonly isPassed: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('pop' as const),
    start: fc.nat(40),
    offsets: fc.uniqueArray(fc.nat(31), { minLength: 1, maxLength: 32 }).map((list) => list.sort((a, b) => a - b)),
  }),
  fc.record({
    kind: fc.constant('ack' as const),
    pop: fc.nat(8),
    picks: fc.array(fc.nat(31), { maxLength: 6 }),
    strange: fc.nat(100),
  }),
  fc.record({ kind: fc.constant('deliver' as const), pop: fc.nat(8), isPassed: fc.boolean() }),
)

interface ModelPop {
  readonly popTime: number
  readonly open: Set<number>
  isPassed: boolean
}

/** Records in the order of the log, and what must be open after them. */
function play(steps: readonly Step[]): { records: [PopRecord, boolean][]; pops: ModelPop[] } {
  const records: [PopRecord, boolean][] = []
  const pops: ModelPop[] = []
  const checkpoints: Extract<PopRecord, { kind: 'checkpoint' }>[] = []
  for (const each of steps) {
    if (each.kind === 'pop') {
      const popTime = pops.length + 1
      const pop = { topic: 'T', group: 'G', queueId: 0, startOffset: each.start, popTime }
      const offsets = each.offsets.map((offset) => each.start + offset)
      const record = { kind: 'checkpoint' as const, pop, invisibleMs: 10, offsets, acked: 0 }
      checkpoints.push(record)
      pops.push({ popTime, open: new Set(offsets), isPassed: false })
      records.push([record, false])
      continue
    }
    const [pop, checkpoint] = [pops[each.pop], checkpoints[each.pop]]
    if (pop === undefined || checkpoint === undefined) continue
    if (each.kind === 'ack') {
      // One of them may be of no message of the pop.
      const own = each.picks.map((pick) => checkpoint.offsets[pick % checkpoint.offsets.length]!)
      const offsets = [...own, each.strange]
      for (const offset of offsets) pop.open.delete(offset)
      records.push([{ kind: 'ack', pop: checkpoint.pop, offsets }, false])
    } else if (!pop.isPassed) {
      pop.isPassed = each.isPassed
      records.push([checkpoint, each.isPassed])
    }
  }
  return { records, pops }
}

test('pending pops: any run of pops, acknowledgements and revivals → open is what the newest open pop of each message says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { records, pops } = play(steps)
      const pending = createPendingPops()
      for (const [record, isDone] of records) pending.take(record, isDone)
      const expected = new Map<number, number>()
      for (const { popTime, open, isPassed } of pops) {
        if (!isPassed) for (const offset of open) expected.set(offset, popTime)
      }
      const [queue] = pending.queues()
      const found = (queue?.claimed ?? []).map(({ offset, popTime }) => [offset, popTime])
      expect(found).toStrictEqual([...expected].sort(([a], [b]) => a - b))
      expect((queue?.claimed ?? []).every(({ popTime, deadlineMs }) => deadlineMs === popTime + 10)).toBe(true)
    }),
  )
})

test('pending pops: more checkpoints than are kept → every open message is known, or delivered again from before it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (steps, checkpointsMax) => {
      const { records, pops } = play(steps)
      const pending = createPendingPops(checkpointsMax)
      for (const [record, isDone] of records) pending.take(record, isDone)
      const [queue] = pending.queues()
      const known = new Set(queue?.claimed.map(({ offset }) => offset))
      for (const { open, isPassed } of pops) {
        if (isPassed) continue
        for (const offset of open) expect(known.has(offset) || offset >= (queue?.againFrom ?? Infinity)).toBe(true)
      }
    }),
  )
})
