import { expect, test } from '@jest/globals'
import { encodeRegisterBrokerBody, INITIAL_DATA_VERSION, type TopicConfig, topicConfig } from '@rocketmq-ts/model'
import { FRAME_BYTES_MAX } from '@rocketmq-ts/remoting'
import { MiB, QUEUES_PER_TOPIC_MAX, TOPICS_BYTES_MAX, TOPICS_MAX } from '../../src/limits.ts'
import { createTopicTable } from '../../src/topics/topic-table.ts'

test('topic table: a change → the settings are new, the incarnation stays', () => {
  const table = createTopicTable([])
  table.put(topicConfig('T', { perm: 6 }), 500, 1)
  table.put(topicConfig('T', { perm: 4 }), 500, 2)
  expect(table.require('T')).toMatchObject({ incarnation: 500, isBuiltIn: false, config: { perm: 4 } })
  expect(table.size).toBe(1)
})

test('topic table: made anew, and the record of its deletion is lost → the new incarnation holds', () => {
  const table = createTopicTable([])
  table.put(topicConfig('T'), 500, 1)
  table.put(topicConfig('T'), 900, 2)
  expect(table.require('T').incarnation).toBe(900)
})

test('topic table: an older record of a topic, repeated → the newer incarnation stays', () => {
  const table = createTopicTable([])
  table.put(topicConfig('T'), 900, 1)
  table.put(topicConfig('T'), 500, 2)
  expect(table.require('T').incarnation).toBe(900)
})

test('topic table: a broker that takes the name of an existing topic → the topic is what its records say', () => {
  const table = createTopicTable([topicConfig('T', { readQueueNums: 1 })])
  expect(table.require('T')).toMatchObject({ incarnation: 0, isBuiltIn: true })
  table.put(topicConfig('T', { readQueueNums: 8 }), 700, 1)
  expect(table.require('T')).toMatchObject({ incarnation: 700, isBuiltIn: false, config: { readQueueNums: 8 } })
})

test('topic table: removed → unknown, a second time nothing happens', () => {
  const table = createTopicTable([])
  table.put(topicConfig('T'), 1, 1)
  const before = table.dataVersion
  expect(table.remove('T', 2)).toBe(true)
  expect(table.dataVersion).not.toStrictEqual(before)
  const after = table.dataVersion
  expect(table.remove('T', 3)).toBe(false)
  expect(table.dataVersion).toStrictEqual(after)
  expect(() => table.require('T')).toThrow("topic 'T' does not exist")
})

test('topic table: the same number of changes in two runs → versions differ, a nameserver must not take one for the other', () => {
  const first = createTopicTable([topicConfig('a')], 1000)
  const second = createTopicTable([topicConfig('b')], 2000)
  expect(second.dataVersion).not.toStrictEqual(first.dataVersion)
  // What a start cache repeats has no time of its own.
  for (const table of [first, second]) table.put(topicConfig('T'), 5, 0)
  expect(second.dataVersion).not.toStrictEqual(first.dataVersion)
  expect(first.dataVersion).toMatchObject({ counter: 1, stateVersion: 0, timestamp: 1000 })
})

const wrong: readonly [string, TopicConfig, string][] = [
  ['no name', topicConfig(''), 'topic'],
  ['a path as its name', topicConfig('a/b'), 'topic'],
  ['the prefix of the system and a path', topicConfig('rmq_sys_/b'), 'topic'],
  ['queues below 0', topicConfig('T', { readQueueNums: -1 }), 'readQueueNums'],
  ['too many queues', topicConfig('T', { writeQueueNums: QUEUES_PER_TOPIC_MAX + 1 }), 'writeQueueNums'],
  ['half a queue', topicConfig('T', { writeQueueNums: 0.5 }), 'writeQueueNums'],
  ['an unknown permission', topicConfig('T', { perm: 8 }), 'perm'],
]

test.each(wrong)('topic table: a topic with %s → refused, the field is named', (_name, config, field) => {
  expect(() => createTopicTable([]).check(config)).toThrow(field)
})

test('topic table: full → one more is refused as busy, one that is there may change', () => {
  const table = createTopicTable([])
  for (let index = 0; index < TOPICS_MAX; index += 1) table.put(topicConfig(`T${index}`), index, 1)
  expect(() => table.check(topicConfig('one-more'))).toThrow(expect.objectContaining({ code: 'busy' }))
  expect(() => table.check(topicConfig('T0', { perm: 4 }))).not.toThrow()
})

test('topic table: settings that one registration can not carry → the next topic is refused, deleting makes room', () => {
  const table = createTopicTable([])
  // Names and values as awkward as JSON may have them: their escapes count.
  const large = (index: number) =>
    topicConfig(`T${index}`, { attributes: new Map([['note', '"\n\u0001é'.repeat(500)]]) })
  let count = 0
  for (let refused = false; !refused && count < 5000; count += 1) {
    try {
      table.check(large(count))
      table.put(large(count), count, 1)
    } catch (error) {
      expect(error).toMatchObject({ code: 'busy', message: expect.stringMatching(/registration.*delete/) })
      refused = true
    }
  }
  const topicConfigTable = new Map([...table.all()].map(({ config }) => [config.topicName, config]))
  const body = encodeRegisterBrokerBody({ dataVersion: INITIAL_DATA_VERSION, topicConfigTable, filterServerList: [] })
  expect(TOPICS_BYTES_MAX - body.length).toBeLessThan(0.01 * MiB)
  expect(body.length).toBeLessThan(FRAME_BYTES_MAX - 0.5 * MiB)
  expect(() => table.check({ ...large(0), attributes: new Map() })).not.toThrow()
  table.remove('T1', 1)
  expect(() => table.check(large(count))).not.toThrow()
})

test('topic table: changes since a version → the topics as they are now, without those that went', () => {
  const table = createTopicTable([topicConfig('built-in')])
  table.put(topicConfig('A'), 1, 1)
  const { counter } = table.dataVersion
  expect(table.changedSince(counter)).toEqual([])
  table.put(topicConfig('B'), 2, 1)
  table.put(topicConfig('C'), 3, 1)
  table.put(topicConfig('B', { perm: 4 }), 2, 1)
  table.remove('C', 1)
  expect(table.changedSince(counter)).toEqual([topicConfig('B', { perm: 4 })])
  expect(table.changedSince(counter + 4)).toEqual([])
  expect(table.changedSince(counter + 5)).toBeUndefined()
})

test('topic table: more changes than are remembered → everything must be told', () => {
  const table = createTopicTable([])
  const { counter } = table.dataVersion
  for (let index = 0; index < 1024; index += 1) table.put(topicConfig(`T${index}`), index, 1)
  expect(table.changedSince(counter)).toHaveLength(1024)
  table.put(topicConfig('one-more'), 9999, 1)
  expect(table.changedSince(counter)).toBeUndefined()
  expect(table.changedSince(counter + 1)).toHaveLength(1024)
})
