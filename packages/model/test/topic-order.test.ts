import { expect, test } from '@jest/globals'
import { ORDER_BROKERS_MAX, ORDER_QUEUES_ATTRIBUTE, orderQueuesText, topicOrderQueues } from '../src/index.ts'

const read = (text: string) => topicOrderQueues({ attributes: new Map([[ORDER_QUEUES_ATTRIBUTE, text]]) })
const placesOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ brokerName: `b${10_000 + index}`, queues: 1 }))

test('topic order: the attribute → its brokers, sorted by their names; none → undefined', () => {
  expect(topicOrderQueues({ attributes: new Map() })).toBeUndefined()
  expect(read('b:2;a:16')).toEqual([
    { brokerName: 'a', queues: 16 },
    { brokerName: 'b', queues: 2 },
  ])
})

test('topic order: what is written → read as it was; as many brokers as there may be, not one more', () => {
  const places = placesOf(ORDER_BROKERS_MAX)
  expect(read(orderQueuesText(places.toReversed()))).toEqual(places)
  expect(() => read(orderQueuesText(placesOf(ORDER_BROKERS_MAX + 1)))).toThrow(ORDER_QUEUES_ATTRIBUTE)
})

test.each(['', 'a', 'a:0', 'a:-1', 'a:1;', ';a:1', 'a:1;a:2', 'a:1:2', 'a:100000', ':1', 'a:01'])(
  "topic order: '%s' → refused with the name of the attribute",
  (text) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'parameter-invalid', message: expect.stringContaining(ORDER_QUEUES_ATTRIBUTE) }),
    )
  },
)
