import { expect, test } from '@jest/globals'
import { startCluster } from '../cli-harness.ts'

test('topic create: one broker → made with the defaults, listed, and as JSON the same', async () => {
  const { rmq } = await startCluster()
  expect(await rmq('topic create orders')).toMatchObject({
    code: 0,
    out: 'Topic orders created on broker-a: 4 queues, NORMAL, rw.\n',
    err: '',
  })
  expect((await rmq('topic list')).out).toBe(
    'TOPIC   TYPE    QUEUES  PERM  BROKERS\norders  NORMAL       4  rw    broker-a\n',
  )
  expect((await rmq('topic list --json')).json()).toEqual({
    topics: [{ topic: 'orders', type: 'NORMAL', queues: 4, perm: 'rw', brokers: ['broker-a'] }],
  })
})
