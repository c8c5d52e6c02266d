import { expect, test } from '@jest/globals'
import {
  SHARDING_BROKERS_MAX,
  SHARDING_QUEUES_ATTRIBUTE,
  shardingQueuesText,
  topicShardingQueues,
} from '../src/index.ts'

const read = (text: string) => topicShardingQueues({ attributes: new Map([[SHARDING_QUEUES_ATTRIBUTE, text]]) })
const placesOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ brokerName: `b${10_000 + index}`, queues: 1 }))

test('topic sharding: the attribute → its brokers, sorted by their names; none → undefined', () => {
  expect(topicShardingQueues({ attributes: new Map() })).toBeUndefined()
  expect(read('b:2;a:16')).toEqual([
    { brokerName: 'a', queues: 16 },
    { brokerName: 'b', queues: 2 },
  ])
})

test('topic sharding: what is written → read as it was; as many brokers as there may be, not one more', () => {
  const places = placesOf(SHARDING_BROKERS_MAX)
  expect(read(shardingQueuesText(places.toReversed()))).toEqual(places)
  expect(() => read(shardingQueuesText(placesOf(SHARDING_BROKERS_MAX + 1)))).toThrow(SHARDING_QUEUES_ATTRIBUTE)
})

test.each(['', 'a', 'a:0', 'a:-1', 'a:1;', ';a:1', 'a:1;a:2', 'a:1:2', 'a:100000', ':1', 'a:01'])(
  "topic sharding: '%s' → refused with the name of the attribute",
  (text) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: 'parameter-invalid',
        message: expect.stringContaining(SHARDING_QUEUES_ATTRIBUTE),
      }),
    )
  },
)
