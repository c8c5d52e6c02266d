import { expect, test } from '@jest/globals'
import { commitLogOffset, queueOffset } from '@rocketmq-ts/model'
import { createInflight } from '../../src/inflight/inflight.ts'
import { createRemovalFence } from '../../src/pop/removal-fence.ts'

test('removal fence: pops met it → when it is lowered as many are woken, once', () => {
  const woken: string[] = []
  const fence = createRemovalFence({
    messageReleased: (topic, group, queueId) => void woken.push(`${topic} ${group} ${queueId}`),
  })
  const inflight = createInflight({ maxAttempts: () => 17 })
  const queue = inflight.start({ topic: 'T', incarnation: 0, group: 'G', queueId: 3 }, 0)
  const unit = { queueOffset: queueOffset(7), commitLogOffset: commitLogOffset(999), size: 100, tagsCode: 0 }
  expect(fence.stops(queue, unit)).toBe(false)
  fence.raise({ below: commitLogOffset(1000), minOf: () => 0 })
  expect(fence.stops(queue, unit)).toBe(true)
  expect(fence.stops(queue, { ...unit, commitLogOffset: commitLogOffset(1000) })).toBe(false)
  fence.met(queue)
  fence.met(queue)
  for (let calls = 0; calls < 2; calls += 1) fence.lower()
  expect(fence.stops(queue, unit)).toBe(false)
  expect(woken).toStrictEqual(['T G 3', 'T G 3'])
})

test('removal fence: raised for the new min of a queue → it stops what lies below it there, and nothing else', () => {
  const fence = createRemovalFence({ messageReleased: () => undefined })
  const at = (offset: number) => ({
    queueOffset: queueOffset(offset),
    commitLogOffset: commitLogOffset(offset),
    size: 100,
    tagsCode: 0,
  })
  fence.raise({ below: 0, minOf: ({ queueId }) => (queueId === 1 ? 5 : 0) })
  expect([4, 5].map((offset) => fence.stops({ topic: 'T', queueId: 1 }, at(offset)))).toEqual([true, false])
  expect(fence.stops({ topic: 'T', queueId: 2 }, at(0))).toBe(false)
})
