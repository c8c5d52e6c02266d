// Changes of topics and groups: what is journaled is what is applied, live and at replay; what can not be journaled
// does not happen.
import { expect, test } from '@jest/globals'
import { MqError, subscriptionGroupConfig, topicConfig } from '@rocketmq-ts/model'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createKeptEntries } from '../src/foreign/kept-entries.ts'
import { createGroupTable } from '../src/groups/group-table.ts'
import { createInflight } from '../src/inflight/inflight.ts'
import type { SettingEntry } from '../src/inflight/inflight.ts'
import { SETTING_BYTES_MAX } from '../src/limits.ts'
import { applySetting, createSettingsWriter, liveSettings } from '../src/settings-writer.ts'
import { createTopicTable } from '../src/topics/topic-table.ts'

function setUp() {
  const { clock } = createManualEffects()
  const topics = createTopicTable([topicConfig('built-in')])
  const groups = createGroupTable()
  const kept = createKeptEntries()
  const journaled: SettingEntry[] = []
  const told: string[] = []
  const state = { refuses: false, position: 1000 }
  const writer = createSettingsWriter({
    topics,
    groups,
    kept,
    clock,
    logger: silentLogger,
    dropQueues: (topic) => void told.push(`queues of ${topic} go`),
    topicsChanged: () => void told.push('topics changed'),
    onChanged: () => {},
    journal: {
      seal() {},
      sealLarge() {},
      setting(entry) {
        if (state.refuses) throw new MqError('store-refused', 'the log takes nothing')
        journaled.push(entry)
        state.position += 100
        return { commitLogOffset: state.position, queueOffset: 0, size: 100, storeTimestampMs: 1 } as never
      },
    },
  })
  return { topics, groups, kept, writer, journaled, told, state }
}

test('settings: created, changed, unchanged → two records, one incarnation, and the nameservers hear twice', () => {
  const { topics, writer, journaled, told } = setUp()
  expect(writer.putTopic(topicConfig('T')).incarnation).toBe(1100)
  expect(writer.putTopic(topicConfig('T', { perm: 4 })).incarnation).toBe(1100)
  expect(writer.putTopic(topicConfig('T', { perm: 4 })).incarnation).toBe(1100)
  expect(journaled.map(({ kind, incarnation }) => [kind, incarnation])).toStrictEqual([
    ['topic-created', 0],
    ['topic-changed', 1100],
  ])
  expect(told).toStrictEqual(['topics changed', 'topics changed'])
  expect(topics.require('T').config.perm).toBe(4)
})

test('settings: deleted and made again → the queues go once, the new topic has an incarnation of its own', () => {
  const { topics, writer, told } = setUp()
  writer.putTopic(topicConfig('T'))
  writer.deleteTopic('T')
  expect(topics.get('T')).toBeUndefined()
  expect(writer.putTopic(topicConfig('T')).incarnation).toBe(1300)
  expect(told.filter((line) => line.startsWith('queues'))).toStrictEqual(['queues of T go'])
})

test('settings: the journal refuses → nothing has changed, no queue goes, nobody is told', () => {
  const { topics, groups, writer, told, state } = setUp()
  writer.putTopic(topicConfig('T'))
  writer.putGroup(subscriptionGroupConfig('G'))
  const before = told.length
  state.refuses = true
  expect(() => writer.putTopic(topicConfig('U'))).toThrow(MqError)
  expect(() => writer.putTopic(topicConfig('T', { perm: 4 }))).toThrow(MqError)
  expect(() => writer.deleteTopic('T')).toThrow(MqError)
  expect(() => writer.putGroup(subscriptionGroupConfig('H'))).toThrow(MqError)
  expect(() => writer.deleteGroup('G')).toThrow(MqError)
  expect(topics.require('T').config.perm).toBe(6)
  expect([topics.get('U'), groups.get('H')]).toStrictEqual([undefined, undefined])
  expect(groups.get('G')).toBeDefined()
  expect(told.length).toBe(before)
})

test('settings: a built-in topic → not deleted; unknown ones → told by name', () => {
  const { writer } = setUp()
  expect(() => writer.deleteTopic('built-in')).toThrow("'built-in'")
  expect(() => writer.deleteTopic('T')).toThrow("'T'")
  expect(() => writer.deleteGroup('G')).toThrow("'G'")
})

test('settings: too long for the journal → refused, and nothing has changed', () => {
  const { topics, groups, writer, journaled } = setUp()
  const attributes = new Map([['a', 'x'.repeat(SETTING_BYTES_MAX)]])
  expect(() => writer.putTopic(topicConfig('T', { attributes }))).toThrow("'T'")
  expect(() => writer.putGroup(subscriptionGroupConfig('G', { attributes }))).toThrow("'G'")
  expect([topics.get('T'), groups.get('G'), journaled.length]).toStrictEqual([undefined, undefined, 0])
})

test('settings: the records of a run, applied to empty tables → the same tables, and the same again by the live ones', () => {
  const { topics, groups, kept, writer, journaled, state } = setUp()
  const positions: number[] = []
  const noted = (change: () => void): void => {
    change()
    positions.push(state.position)
  }
  noted(() => writer.putTopic(topicConfig('T', { attributes: new Map([['a', '1']]) })))
  noted(() => writer.putGroup(subscriptionGroupConfig('G', { retryMaxTimes: 2 })))
  noted(() => writer.putTopic(topicConfig('gone')))
  noted(() => writer.putGroup(subscriptionGroupConfig('gone')))
  noted(() => writer.deleteTopic('gone'))
  noted(() => writer.deleteGroup('gone'))
  noted(() => writer.putTopic(topicConfig('T', { perm: 4 })))
  const keptEntry = { kind: 'kept', name: 'topics.json', incarnation: 0, payload: '{"topicConfigTable":{}}' } as const
  noted(() => {
    kept.put(keptEntry.name, keptEntry.payload)
    journaled.push(keptEntry)
  })
  for (const entries of [
    journaled.map((entry, at) => (entry.kind === 'topic-created' ? { ...entry, incarnation: positions[at]! } : entry)),
    [...liveSettings({ topics, groups, kept })],
  ]) {
    const tables = {
      topics: createTopicTable([topicConfig('built-in')]),
      groups: createGroupTable(),
      kept: createKeptEntries(),
    }
    for (const entry of entries) applySetting(entry, tables, 1)
    expect([...tables.topics.all()]).toStrictEqual([...topics.all()])
    expect([...tables.groups.all()]).toStrictEqual([...groups.all()])
    expect([...tables.kept.all()]).toStrictEqual([...kept.all()])
  }
})

test('settings: an entry of the journal with states of its topic → what the core drops fits what the table forgets', () => {
  const inflight = createInflight({ maxAttempts: () => 17 })
  inflight.start({ topic: 'T', incarnation: 1100, group: 'G', queueId: 0 }, 0)
  inflight.recordSetting({ kind: 'topic-changed', name: 'T', incarnation: 1100, payload: '{}' })
  expect(inflight.queue('T', 'G', 0)).toBeDefined()
  inflight.recordSetting({ kind: 'topic-deleted', name: 'T', incarnation: 1100, payload: '' })
  expect(inflight.queue('T', 'G', 0)).toBeUndefined()
})
