import { expect, test } from '@jest/globals'
import type { SimMachine } from '../../src/sim/index.ts'
import { checkDrained, isSomethingLeft } from '../../src/store-world/check-end.ts'
import type { LogImage, LogRecord } from '../../src/store-world/log-image.ts'
import { bodyOf, GroupModel, Model, TopicModel } from '../../src/store-world/model.ts'
import { Verdict } from '../../src/store-world/verdict.ts'

/** A message of queue 1, offset 7, that nobody has acknowledged. */
function setUp() {
  const topic = new TopicModel('T')
  const group = new GroupModel('G', undefined)
  for (const setting of [topic, group]) setting.change(2, 0)(0)
  const model = new Model([topic], [group])
  const message = Object.assign(model.message('T', bodyOf(0, 20), 'A', 'key'), { outcome: 'stored' as const })
  Object.assign(message, { position: 100, queueId: 1, queueOffset: 7 })
  return { model, body: message.body }
}

function imageWith(topic: string, body: Buffer): LogImage {
  const record: LogRecord = {
    position: 900,
    size: 100,
    topic,
    queueId: 0,
    queueOffset: 0,
    bornMs: 0,
    storeMs: 0,
    bodyAt: 0,
    body,
    properties: '',
    crc: 0,
  }
  return { min: 0, end: 1000, records: [record], debrisBytes: 0 }
}

function violationsOf(model: Model, image: LogImage): string[] {
  const verdict = new Verdict()
  checkDrained(model, {
    image,
    mins: new Map(),
    host: { areFilesForced: false, machine: { nowMs: 0 } as SimMachine },
    verdict,
  })
  return verdict.violations.map(({ rule }) => rule)
}

test('store world, the end: a dead letter of the group has the body of a message → the group is done with the message', () => {
  const { model, body } = setUp()
  expect(violationsOf(model, imageWith('%DLQ%G', body))).toEqual([])
})

test('store world, the end: a dead letter of another group, or a copy alone → the message is missed', () => {
  for (const topic of ['%DLQ%other', '%RETRY%G_T']) {
    const { model, body } = setUp()
    expect(violationsOf(model, imageWith(topic, body))).toEqual(['settled'])
  }
})

test('store world, the end: a queue of the topic has a lag → something is left; one beyond its queues does not count', () => {
  const { model } = setUp()
  const row = { topic: 'T', group: 'G', queueId: 1, lag: 1, max: 1, sum: 1, balanced: true, faults: [], buckets: {} }
  const rows = [row] as unknown as Parameters<typeof isSomethingLeft>[1]
  expect(isSomethingLeft(model, rows)).toBe(true)
  expect(isSomethingLeft(model, [{ ...rows[0]!, lag: 0 }])).toBe(false)
  expect(
    isSomethingLeft(model, [
      { ...rows[0]!, lag: 0 },
      { ...rows[0]!, queueId: 2 },
    ]),
  ).toBe(false)
})

test('store world, the end: a group has not begun with the queue of a message → something is left; not of one that expired', () => {
  const { model } = setUp()
  expect(isSomethingLeft(model, [])).toBe(true)
  model.min = 200
  expect(isSomethingLeft(model, [])).toBe(false)
})
