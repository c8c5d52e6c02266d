import { expect, test } from '@jest/globals'
import type { OrderUnit } from '@rocketmq-ts/model'
import { overtakenBy } from '../../src/store-world/check-order.ts'
import {
  bodyOf,
  deadKeyOf,
  type Entry,
  GroupModel,
  type Message,
  Model,
  TopicModel,
} from '../../src/store-world/model.ts'

/** Messages 0 to 5 of one queue; those at 0 and 2 are of one message group, that at 1 is of another. */
function setUp(order: OrderUnit | undefined) {
  const topic = new TopicModel('T')
  const group = new GroupModel('G', undefined, order)
  for (const setting of [topic, group]) setting.change(1, 0)(0)
  const model = new Model([topic], [group])
  const messages = Array.from({ length: 6 }, (_, queueOffset) => {
    const message = model.message('T', bodyOf(queueOffset, 20), 'A', 'key')
    return Object.assign(message, { outcome: 'stored', position: 100 * queueOffset, queueId: 0, queueOffset } as const)
  })
  const take = (message: Message): Entry => {
    const latest = { handle: { topicKind: 'normal' } }
    const entry = { message, latest, settled: 'no', deliveries: 1 } as unknown as Entry
    group.entries.set(message, entry)
    return entry
  }
  const overtaken = (...got: readonly Message[]) =>
    overtakenBy(model, { group, got: got.map(take) }).map(({ by, message }) => [by.id, message.id])
  return { model, group, messages, take, overtaken }
}

test('store world, order: by queue → every message before that is not settled is overtaken, unless it is in front in the answer', () => {
  const { messages, overtaken } = setUp('QUEUE')
  const [first, second, third] = messages
  expect(overtaken(third!)).toEqual([
    [2, 0],
    [2, 1],
  ])
  expect(overtaken(first!, second!, third!)).toEqual([])
  expect(overtaken(second!, first!)).toEqual([[1, 0]])
})

test('store world, order: by message group → only messages of the same one count; in any order, none does', () => {
  const byGroup = setUp('MESSAGE_GROUP')
  expect(byGroup.overtaken(byGroup.messages[1]!)).toEqual([])
  expect(byGroup.overtaken(byGroup.messages[2]!)).toEqual([[2, 0]])
  const none = setUp(undefined)
  expect(none.overtaken(none.messages[5]!)).toEqual([])
})

test('store world, order: what was settled, is dead, damaged or gone, or never got a place → is not overtaken', () => {
  const { model, messages, take, overtaken } = setUp('QUEUE')
  const [settled, dead, damaged, gone, pending, last] = messages
  take(settled!).settled = 'maybe'
  model.toldDead.add(deadKeyOf('G', 'T', 0, dead!.queueOffset))
  damaged!.isDamaged = true
  gone!.isGone = true
  Object.assign(pending!, { queueOffset: undefined, position: undefined })
  expect(overtaken(last!)).toEqual([])
})
