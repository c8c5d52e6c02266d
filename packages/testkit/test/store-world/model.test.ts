// What the model of the store's world says about resets, repeated messages and rules of topics.
import { expect, test } from '@jest/globals'
import { checkDuplicates, judgeRepeated } from '../../src/store-world/deduplicating.ts'
import type { LogImage, LogRecord } from '../../src/store-world/log-image.ts'
import { bodyOf, GroupModel, type Message, Model, TopicModel } from '../../src/store-world/model.ts'
import { forgetResets } from '../../src/store-world/resetting.ts'
import { mayBeGone } from '../../src/store-world/topic-rules.ts'
import { Verdict } from '../../src/store-world/verdict.ts'

const WINDOW_MS = 1000

function setUp(topic: TopicModel) {
  const group = new GroupModel('G')
  for (const setting of [topic, group]) setting.change(2, 0)(0)
  const model = new Model([topic], [group])
  /** Stored, at a position and a time of its number. */
  function stored(offset: number, storeMs: number, key = 'key'): Message {
    const id = model.messages.length
    const message = model.message('T', bodyOf(id, 20), 'A', key)
    const place = { position: 100 * id, queueId: 0, queueOffset: offset, storeMs }
    return Object.assign(message, { outcome: 'stored' as const, sentMs: storeMs, answeredMs: storeMs, ...place })
  }
  return { model, group, stored }
}

function imageOf(messages: readonly Message[]): LogImage {
  const records = messages.map(
    ({ topic, body, position = 0, queueId = 0, queueOffset = 0, storeMs = 0 }): LogRecord => ({
      position,
      size: 100,
      topic,
      queueId,
      queueOffset,
      storeMs,
      bornMs: 0,
      bodyAt: 0,
      body,
      properties: '',
      crc: 0,
    }),
  )
  return { min: 0, end: 1000, records, debrisBytes: 0 }
}

test('resets: one is answered → what lies before has passed, the rest is open; a power loss behind it → nobody knows', () => {
  const { model, group, stored } = setUp(new TopicModel('T'))
  const [first, second] = [stored(0, 1), stored(1, 2)]
  expect(group.turnOf(first)).toBe('open')
  group.resets.push({ topic: 'T', queueId: 0, from: 300, offset: 1, end: 400 })
  expect([group.turnOf(first), group.turnOf(second)]).toEqual(['passed', 'open'])
  forgetResets(model, 400)
  expect(group.turnOf(first)).toBe('passed')
  forgetResets(model, 399)
  expect([group.turnOf(first), group.turnOf(second)]).toEqual(['maybe', 'maybe'])
  group.resets.push({ topic: 'T', queueId: 0, from: 500, offset: 0, end: 600 })
  expect(group.turnOf(first)).toBe('open')
})

test('resets: of another queue → nothing changes; the last one of each queue is known', () => {
  const { group, stored } = setUp(new TopicModel('T'))
  const first = stored(0, 1)
  const resets = [1, 1, 2].map((queueId, index) => ({ topic: 'T', queueId, from: 0, offset: index, end: 1 }))
  group.resets.push(...resets)
  expect(group.turnOf(first)).toBe('open')
  expect(Array.from(group.lastResets())).toEqual([resets[1], resets[2]])
})

test('repeated messages: the answer names the first one, within the window → right; behind it, or a new place → wrong', () => {
  const dedup = { by: 'KEY', windowMs: WINDOW_MS } as const
  const judge = (sentMs: number, position: number) => {
    const { model, stored } = setUp(new TopicModel('T', { dedup }))
    const first = stored(7, 5000)
    const message = model.message('T', bodyOf(1, 20), 'A', 'key')
    message.sentMs = sentMs
    const verdict = new Verdict()
    const queueOffset = position === 0 ? 7 : 8
    const result = {
      kind: 'stored',
      msgId: '',
      queueId: 0,
      queueOffset,
      transactionId: undefined,
      recallHandle: undefined,
    } as const
    const answer = { position: position === 0 ? first.position! : position, nowMs: sentMs, result }
    return [judgeRepeated(model, message, answer, verdict), verdict.violations.length]
  }
  expect(judge(5500, 0)).toEqual(['yes', 0])
  expect(judge(5000 + WINDOW_MS + 10, 0)).toEqual(['yes', 1])
  expect(judge(5000 + WINDOW_MS + 10, 900)).toEqual(['no', 0])
  expect(judge(5500, 900)).toEqual(['no', 1])
})

test('repeated messages: the log has a key twice within the window → wrong; behind it, or of another key → right', () => {
  const dedup = { by: 'KEY', windowMs: WINDOW_MS } as const
  const found = (times: readonly number[], keys: readonly string[] = []) => {
    const { model, stored } = setUp(new TopicModel('T', { dedup }))
    const messages = times.map((storeMs, index) => stored(index, storeMs, keys[index]))
    const verdict = new Verdict()
    checkDuplicates(model, imageOf(messages), verdict)
    return verdict.violations.length
  }
  expect(found([0, WINDOW_MS])).toBe(0)
  expect(found([0, WINDOW_MS - 10])).toBe(1)
  expect(found([0, 10], ['one', 'other'])).toBe(0)
})

test.each([
  ['as many as it keeps lie behind', { ms: undefined, bytes: undefined, count: 2 }, [false, true]],
  ['it is too old', { ms: 50, bytes: undefined, count: undefined }, [false, true]],
  ['so many bytes lie behind', { ms: undefined, bytes: 1600, count: undefined }, [false, true]],
])('rules of topics: %s → it may be gone, the ones behind it may not', (_, rule, [last, first]) => {
  const topic = new TopicModel('T', { isRuled: true })
  const { model, stored } = setUp(topic)
  const messages = [stored(0, 0), stored(1, 100), stored(2, 110)]
  expect(messages.map((message) => mayBeGone(model, message, 120))).toEqual([false, false, false])
  topic.rules.push(rule)
  expect(mayBeGone(model, messages[0]!, 120)).toBe(first)
  expect(mayBeGone(model, messages[2]!, 120)).toBe(last)
})
