import { expect, test } from '@jest/globals'
import { MqError } from '@rocketmq-ts/model'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { CREATIONS_MAX, CREATIONS_WAITING_MAX, createTopics } from '../../src/messaging/topics.ts'
import type { TopicRoute } from '../../src/upstream/upstream.ts'

function setUp() {
  const effects = createManualEffects()
  const made = new Map<string, TopicRoute>()
  /** What ends each creation. */
  const creating: ((error?: MqError) => void)[] = []
  const topics = createTopics({
    clock: effects.clock,
    scheduler: effects.scheduler,
    createWithQueues: 4,
    routes: {
      known: (topic) => made.get(topic),
      route: (topic) => Promise.resolve(made.get(topic)),
      refresh: () => undefined,
      forget: () => undefined,
      missingBrokers: () => Promise.resolve(undefined),
      topicFacts: () => Promise.resolve(undefined),
      createTopic: (topic) =>
        new Promise((resolve, reject) => {
          creating.push((error) => {
            if (error !== undefined) return reject(error)
            made.set(topic, { topic, brokers: [] })
            resolve([])
          })
        }),
    },
  })
  const outcomes: string[] = []
  const ask = (topic: string): void =>
    void topics.route(topic).then(
      () => outcomes.push('made'),
      (error: MqError) => outcomes.push(error.code),
    )
  return { effects, creating, outcomes, ask }
}

test('topics: more creations than may be under way → the others wait for their turn, also behind one that fails', async () => {
  const { effects, creating, outcomes, ask } = setUp()
  const all = CREATIONS_MAX + 3
  for (let index = 0; index < all; index += 1) ask(`T${index}`)
  await effects.settle()
  expect(creating).toHaveLength(CREATIONS_MAX)
  creating[0]?.(new MqError('unavailable', 'gone'))
  creating[1]?.()
  await effects.settle()
  expect(creating).toHaveLength(CREATIONS_MAX + 2)
  for (let index = 2; index < all; index += 1) {
    creating[index]?.()
    await effects.settle()
  }
  expect(outcomes.toSorted()).toEqual([...Array<string>(all - 1).fill('made'), 'unavailable'])
  ask('another')
  await effects.settle()
  expect(creating).toHaveLength(all + 1)
})

test('topics: as many wait as may → the next one is told to try again, and those asked for already are not', async () => {
  const { effects, outcomes, ask } = setUp()
  for (let index = 0; index < CREATIONS_MAX + CREATIONS_WAITING_MAX; index += 1) ask(`T${index}`)
  await effects.settle()
  expect(outcomes).toEqual([])
  ask('T0')
  ask('one more')
  await effects.settle()
  expect(outcomes).toEqual(['busy'])
})
