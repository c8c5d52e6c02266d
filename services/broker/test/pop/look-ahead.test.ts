// How far a pop by message group looks behind a message that holds up its group, and what it says where it ends.
import { expect, test } from '@jest/globals'
import { ALL_TAGS } from '@rocketmq-ts/filter'
import { commitLogOffset, PropertyName, queueOffset, topicConfig } from '@rocketmq-ts/model'
import type { QueueReader, UnitReader } from '@rocketmq-ts/store'
import { storedRecord } from '@rocketmq-ts/testkit'
import { createInflight } from '../../src/inflight/inflight.ts'
import { LOOK_AHEAD_BYTES_MAX, LOOK_AHEAD_OFFSETS_MAX } from '../../src/inflight/message-lines.ts'
import { createLineOpener } from '../../src/pop/line-opener.ts'
import { type PopRequest, type Taken, takeMessages } from '../../src/pop/take-messages.ts'

const NOW = 1_000_000
const MiB = 1024 * 1024
const TRIES_MAX = 40

function recordOf(messageGroup: string): Buffer {
  return storedRecord({ body: 'x', properties: { [PropertyName.SHARDING_KEY]: messageGroup } })
}

/** A queue in memory: the message group of each message by its offset. All records have `size` bytes, as their units say. */
function setUp(groups: readonly string[], size = 200) {
  const records = new Map([...new Set(groups)].map((group) => [group, recordOf(group)]))
  const reader: QueueReader & UnitReader = {
    bounds: () => ({ min: queueOffset(0), max: queueOffset(groups.length) }),
    scan(_queue, from, accept, { unitsMax }) {
      let offset: number = from
      for (const end = Math.min(groups.length, from + unitsMax); offset < end; offset += 1) {
        const place = { queueOffset: queueOffset(offset), commitLogOffset: commitLogOffset(offset * size) }
        if (accept({ ...place, size, tagsCode: 0 }) === 'stop') break
      }
      return { kind: 'scanned', next: queueOffset(offset) }
    },
    queues: () => [],
    readUnit: (_queue, unit) => records.get(groups[unit.queueOffset]!)!,
    readUnitInto: (_queue, unit, { into, start }) => {
      records.get(groups[unit.queueOffset]!)!.copy(into, start)
      return undefined
    },
  }
  const freed: number[] = []
  const inflight = createInflight({ maxAttempts: () => 17, onFree: ({ queueId }) => void freed.push(queueId) })
  const openLines = createLineOpener({ inflight, reader })
  const fence = { stops: () => false, met() {} }
  const moved = { awaitsCopies: () => false }
  let nowMs = NOW

  const request = (max: number, isByGroup: boolean): PopRequest => ({
    topic: { config: topicConfig('T', { readQueueNums: 1, writeQueueNums: 1 }), incarnation: 0, isBuiltIn: false },
    group: 'G',
    queueId: -1,
    max,
    invisibleMs: 60_000,
    filter: ALL_TAGS,
    verdicts: new Map(),
    startAt: 'min',
    retries: [],
    retriesFirst: false,
    attemptId: '',
    byMessageGroup: isByGroup ? { openLines, known: new Map() } : undefined,
  })
  /** Until it has looked at all it may. */
  async function pop(max = 1, isByGroup = true): Promise<Taken> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const taken = takeMessages({ inflight, reader, fence, moved }, request(max, isByGroup), (nowMs += 1), 0)
      if (taken.queues.length > 0 || (!taken.more && taken.load === undefined)) return taken
      await taken.load?.()
    }
    throw new Error('the pop does not end')
  }
  const queue = () => inflight.queue('T', 'G', 0)!
  const offsetsOf = ({ queues }: Taken) =>
    queues.flatMap(({ messages }) => messages.map(({ queueOffset: offset }) => offset))
  return { inflight, pop, queue, offsetsOf, freed }
}

const times = (count: number, group: string) => Array.from({ length: count }, () => group)

test.each([
  [LOOK_AHEAD_OFFSETS_MAX - 2, [LOOK_AHEAD_OFFSETS_MAX - 1], undefined],
  [LOOK_AHEAD_OFFSETS_MAX - 1, [], 'look-ahead'],
])('look-ahead: %s messages wait behind one of their group → another one comes: %s', async (waiting, offsets, full) => {
  const { pop, offsetsOf } = setUp(['a', ...times(waiting, 'a'), 'b'])
  expect(offsetsOf(await pop())).toEqual([0])
  const taken = await pop()
  expect(offsetsOf(taken)).toEqual(offsets)
  expect(taken.full).toBe(full)
})

test.each([
  [15, [16], undefined],
  [16, [], 'look-ahead'],
])('look-ahead: %s MiB wait behind one of their group → another one comes: %s', async (waiting, offsets, full) => {
  expect(LOOK_AHEAD_BYTES_MAX).toBe(16 * MiB)
  const { pop, offsetsOf } = setUp(['a', ...times(waiting, 'a'), 'b'], MiB)
  await pop()
  const taken = await pop()
  expect([offsetsOf(taken), taken.full]).toEqual([offsets, full])
})

test('look-ahead: held up at the bound → the next message that leaves is told, and what is behind comes', async () => {
  const { inflight, pop, queue, offsetsOf, freed } = setUp(['a', 'b', ...times(16, 'a'), 'c'], MiB)
  const [a, b] = [await pop(), await pop()]
  expect((await pop()).full).toBe('look-ahead')
  freed.length = 0
  inflight.ack(queue(), 1, b.popTime)
  expect(freed).toHaveLength(1)
  expect(offsetsOf(await pop())).toEqual([])
  inflight.ack(queue(), 0, a.popTime)
  expect(freed).toHaveLength(2)
  expect(offsetsOf(await pop())).toEqual([2])
  expect(offsetsOf(await pop())).toEqual([18])
})

test('look-ahead: held up with thousands in lines → told once for 32 that have left, and what is behind comes', async () => {
  const taken = times(64, 'a').map((_, index) => `taken-${index}`)
  const { inflight, pop, queue, offsetsOf, freed } = setUp([
    ...taken,
    ...times(LOOK_AHEAD_OFFSETS_MAX - taken.length, 'taken-63'),
    ...times(64, 'b'),
  ])
  const { popTime } = await pop(taken.length)
  expect((await pop()).full).toBe('look-ahead')
  freed.length = 0
  const toldAfter: number[] = []
  for (let offset = 0; offset < 63; offset += 1) {
    inflight.ack(queue(), offset, popTime)
    if (freed.length > toldAfter.length) toldAfter.push(offset + 1)
  }
  expect(toldAfter).toEqual([32])
  expect(offsetsOf(await pop())).toEqual([LOOK_AHEAD_OFFSETS_MAX])
})

test.each([
  [LOOK_AHEAD_OFFSETS_MAX - 1, true],
  [LOOK_AHEAD_OFFSETS_MAX + 1, false],
])(
  'look-ahead: the setting comes when %s messages are with somebody → others come at once: %s',
  async (live, isAtOnce) => {
    const { inflight, pop, queue, offsetsOf } = setUp([...times(live, 'a'), 'b'])
    await pop(1, false)
    // As pops in any order leave it.
    const taken = Array.from({ length: live - 1 }, (_, index) => index + 1)
    inflight.popNext(queue(), { popTime: NOW, invisibleMs: 60_000, to: live, taken })
    expect(offsetsOf(await pop())).toEqual(isAtOnce ? [live] : [])
    for (const { offset, popTime } of inflight.oldest(queue(), 2)) inflight.ack(queue(), offset, popTime)
    expect(offsetsOf(await pop())).toEqual(isAtOnce ? [] : [live])
    expect(queue().inFlight).toBe(live - 1)
  },
)
