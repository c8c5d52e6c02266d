import { expect, test } from '@jest/globals'
import { commitLogOffset } from '@rocketmq-ts/model'
import { createInflight } from '../../src/inflight/inflight.ts'
import { createRemovalFence } from '../../src/pop/removal-fence.ts'

test('removal fence: pops met it → when it is lowered as many are woken, once', () => {
  const woken: string[] = []
  const fence = createRemovalFence({
    messageReleased: (topic, group, queueId) => void woken.push(`${topic} ${group} ${queueId}`),
  })
  const inflight = createInflight({ maxAttempts: () => 17 })
  const queue = inflight.start({ topic: 'T', incarnation: 0, group: 'G', queueId: 3 }, 0)
  expect(fence.limit).toBe(0)
  fence.raise(commitLogOffset(1000))
  expect(fence.limit).toBe(1000)
  fence.met(queue)
  fence.met(queue)
  for (let calls = 0; calls < 2; calls += 1) fence.lower()
  expect(fence.limit).toBe(0)
  expect(woken).toStrictEqual(['T G 3', 'T G 3'])
})
