// The judge of records alone: what is in memory, on disk, damaged, or too much for one pop.
import { expect, test } from '@jest/globals'
import { parseFilter } from '@rocketmq-ts/filter'
import { commitLogOffset, MqError, queueOffset } from '@rocketmq-ts/model'
import type { Unit, UnitReader } from '@rocketmq-ts/store'
import { storedRecord } from '@rocketmq-ts/testkit'
import type { QueueState } from '../../src/inflight/inflight.ts'
import { POP_BYTES_JUDGED_MAX, POP_RECORDS_JUDGED_MAX } from '../../src/limits.ts'
import { createRecordFilter, createRecordMatcher, type Verdicts } from '../../src/pop/record-filter.ts'

const QUEUE = { topic: 'T', group: 'G', queueId: 0 } as unknown as QueueState
const wanted = parseFilter('SQL92', "color = 'rot' AND n > 1")

/** A stored message whose colour is not ASCII-only text, behind a body of so many bytes. */
function recordOf(offset: number, properties: Readonly<Record<string, string>>, bodyBytes = 3): Buffer {
  const place = { queueOffset: offset, commitLogOffset: offset, storeTimestampMs: 2 }
  return storedRecord({ body: Buffer.alloc(bodyBytes, 0x01), properties }, place)
}

const unitOf = (offset: number, size: number): Unit => ({
  queueOffset: queueOffset(offset),
  commitLogOffset: commitLogOffset(offset),
  size,
  tagsCode: 0,
})

/** Records by commit log offset; `later` holds the reads that are under way. */
function setUp(
  records: readonly Buffer[],
  how: (offset: number) => 'hot' | 'cold' | 'damaged' | 'damaged later' | 'broken',
) {
  const later: (() => void)[] = []
  const damaged = new MqError('damaged', 'it is')
  const reader: UnitReader = {
    readUnit: () => new Uint8Array(),
    readUnitInto(_queue, { commitLogOffset: offset }, { into, start }) {
      const kind = how(offset)
      if (kind === 'hot') return void records[offset]!.copy(into, start)
      if (kind === 'damaged') throw damaged
      if (kind === 'broken') throw new MqError('unavailable', 'the disk is')
      return new Promise((resolve, reject) => {
        later.push(() => (kind === 'cold' ? resolve(void records[offset]!.copy(into, start)) : reject(damaged)))
      })
    },
  }
  const verdicts: Verdicts = new Map()
  const create = () => createRecordFilter(reader, wanted, verdicts)
  return { create, verdicts, later, unit: (offset: number) => unitOf(offset, records[offset]!.length) }
}

const RED = { n: '2', color: 'rot' }
const BLUE = { n: '2', color: 'blåu' }

test('judge: records in memory → told apart at once, nothing is to be loaded', () => {
  const { create, unit } = setUp(
    [recordOf(0, RED), recordOf(1, BLUE), recordOf(2, {}), recordOf(3, { ...RED, n: 'x' })],
    () => 'hot',
  )
  const filter = create()
  expect([0, 1, 2, 3].map((offset) => filter.judge(QUEUE, unit(offset)))).toStrictEqual([
    'match',
    'other',
    'other',
    'other',
  ])
  expect([filter.load, filter.isExhausted]).toStrictEqual([undefined, false])
})

test('judge: a record on disk → unknown until it was read; others in memory do not disturb its bytes', async () => {
  const { create, unit, later } = setUp([recordOf(0, RED), recordOf(1, BLUE)], (offset) =>
    offset === 0 ? 'cold' : 'hot',
  )
  const first = create()
  expect(first.judge(QUEUE, unit(0))).toBe('unknown')
  expect(first.judge(QUEUE, unit(1))).toBe('other')
  const loaded = first.load?.()
  for (const read of later) read()
  expect(first.judge(QUEUE, unit(1))).toBe('other')
  await loaded
  expect(create().judge(QUEUE, unit(0))).toBe('match')
})

test.each(['damaged', 'damaged later'] as const)(
  'judge: a record that is %s → claimed, so that it settles as such',
  async (kind) => {
    const { create, unit, later } = setUp([recordOf(0, BLUE)], () => kind)
    const filter = create()
    expect(filter.judge(QUEUE, unit(0))).toBe('unknown')
    const loaded = filter.load?.()
    for (const read of later) read()
    await loaded
    expect(create().judge(QUEUE, unit(0))).toBe('match')
  },
)

test('judge: the disk fails → unknown, and loading says why', async () => {
  const { create, unit, verdicts } = setUp([recordOf(0, RED)], () => 'broken')
  const filter = create()
  expect(filter.judge(QUEUE, unit(0))).toBe('unknown')
  await expect(filter.load?.()).rejects.toThrow('the disk is')
  expect(verdicts.size).toBe(0)
})

test('judge: more records, or more bytes, than one pop may read → unknown, and it is exhausted', () => {
  const many = setUp([recordOf(0, BLUE)], () => 'hot')
  const byCount = many.create()
  for (let count = 0; count < POP_RECORDS_JUDGED_MAX; count += 1)
    expect(byCount.judge(QUEUE, many.unit(0))).toBe('other')
  expect(byCount.judge(QUEUE, many.unit(0))).toBe('unknown')
  expect([byCount.isExhausted, byCount.load]).toStrictEqual([true, undefined])
  const large = setUp([recordOf(0, BLUE, POP_BYTES_JUDGED_MAX / 2)], () => 'hot')
  const byBytes = large.create()
  expect([1, 2, 3].map(() => byBytes.judge(QUEUE, large.unit(0)))).toStrictEqual(['other', 'other', 'unknown'])
  expect(byBytes.isExhausted).toBe(true)
})

test('judge: a unit that claims more bytes than are ever read → claimed, and nothing is allocated for it', () => {
  const { create } = setUp([], () => 'hot')
  expect(create().judge(QUEUE, unitOf(0, 0x7fff_fff0))).toBe('match')
})

test('matcher: anywhere in a body of records → the record that begins there; where none does → damaged', () => {
  const first = recordOf(0, BLUE)
  const both = Buffer.concat([first, recordOf(1, RED)])
  const matches = createRecordMatcher(wanted)
  expect([matches(both, 0), matches(both, first.length)]).toStrictEqual([false, true])
  expect(() => matches(both, 1)).toThrow('no record to filter')
})
