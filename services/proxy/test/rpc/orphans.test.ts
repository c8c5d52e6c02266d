// Questions about transactions on their way to clients, and brokers that hear who can be asked.
import { expect, test } from '@jest/globals'
import {
  ClientType,
  Language,
  MessagingService,
  MessageType,
  msToDuration,
  type SettingsInit,
} from '@rocketmq-ts/grpc/v2'
import { commitLogOffset, formatTransactionId, queueOffset } from '@rocketmq-ts/model'
import { createPresence } from '../../src/messaging/presence.ts'
import { createOrphans, type OrphanResult } from '../../src/rpc/orphans.ts'
import { createProducers, PRODUCED_TOPICS_MAX } from '../../src/sessions/producers.ts'
import type { Client } from '../../src/sessions/clients.ts'
import { createHarness, TOPIC } from '../harness.ts'
import { createManualEffects } from '@rocketmq-ts/testkit'

const place = { brokerName: 'broker-a', queueOffset: queueOffset(7), commitLogOffset: commitLogOffset(4096) }
const message = {
  queueId: 1,
  queueOffset: 7,
  sysFlag: 0,
  bornTimestampMs: 5,
  bornHost: '10.0.0.9:5000',
  storeTimestampMs: 6,
  storeHost: '10.0.0.1:10911',
  reconsumeTimes: 0,
  storeId: 'STORE-ID',
  properties: new Map([
    ['UNIQ_KEY', 'MSG-1'],
    ['TRAN_MSG', 'true'],
    ['REAL_TOPIC', TOPIC.name],
    ['color', 'red'],
  ]),
  body: Buffer.from('hello'),
}

function publishing(...names: string[]): SettingsInit {
  return {
    clientType: ClientType.PRODUCER,
    requestTimeout: msToDuration(3000),
    userAgent: { language: Language.JAVA },
    publishing: { topics: names.map((name) => ({ name })), maxBodySize: 0 },
  }
}

function clientOf(clientId: string, pushed?: unknown[]): Client {
  const push = (command: unknown): boolean => (pushed?.push(command) ?? 0) > 0
  return { clientId, push: pushed === undefined ? undefined : push } as unknown as Client
}

test('question: a client of the topic → gets the message as it was sent, digest and id, and no handle', () => {
  const pushed: { recoverOrphanedTransactionCommand: { message: unknown; transactionId: string } }[] = []
  const producers = createProducers(() => {})
  producers.put(clientOf('a', pushed), [TOPIC.name])
  const results: OrphanResult[] = []
  createOrphans({ producers, onAsked: (result) => void results.push(result) }).ask({
    place,
    topic: TOPIC.name,
    message,
  })
  expect(results).toEqual(['asked'])
  const { recoverOrphanedTransactionCommand: command } = pushed[0]!
  expect(command).toMatchObject({
    transactionId: formatTransactionId(place),
    message: {
      topic: { name: TOPIC.name },
      userProperties: { color: 'red' },
      body: message.body,
      systemProperties: {
        messageId: 'MSG-1',
        messageType: MessageType.TRANSACTION,
        bodyDigest: { checksum: '5D41402ABC4B2A76B9719D911017C592' },
      },
    },
  })
  expect(command.message).not.toHaveProperty('systemProperties.receiptHandle')
})

test('question: nobody produces for the topic, or nobody has a stream → unanswerable', () => {
  const producers = createProducers(() => {})
  const results: OrphanResult[] = []
  const orphans = createOrphans({ producers, onAsked: (result) => void results.push(result) })
  orphans.ask({ place, topic: TOPIC.name, message })
  producers.put(clientOf('without a stream'), [TOPIC.name])
  orphans.ask({ place, topic: TOPIC.name, message })
  expect(results).toEqual(['unanswerable', 'unanswerable'])
})

test('producers: two of a topic → picked in turn; what a client names later counts, and nothing of one that is gone', () => {
  const heard: string[] = []
  const producers = createProducers((topic) => void heard.push(topic))
  const [a, b] = [clientOf('a', []), clientOf('b', [])]
  producers.put(a, ['T', 'U', 'T'])
  producers.put(b, ['T'])
  expect(heard).toEqual(['T', 'U'])
  expect([producers.pick('T'), producers.pick('T'), producers.pick('T')]).toEqual([a, b, a])
  producers.put(a, ['T'])
  expect([...producers.topics()]).toEqual(['T'])
  producers.remove(a)
  expect([producers.pick('T'), producers.pick('T'), producers.pick('U')]).toEqual([b, b, undefined])
  producers.remove(b)
  expect([...producers.topics()]).toEqual([])
})

test('producers: at the bound → further topics are left out until others go', () => {
  const producers = createProducers(() => {})
  const [a, b] = [clientOf('a', []), clientOf('b', [])]
  producers.put(
    a,
    Array.from({ length: PRODUCED_TOPICS_MAX }, (_, index) => `T${index}`),
  )
  producers.put(b, ['T'])
  expect(producers.pick('T')).toBeUndefined()
  producers.remove(a)
  producers.put(b, ['T'])
  expect(producers.pick('T')).toBe(b)
})

test('presence: the first producer of a topic for transactions → brokers hear of it at once, then every 20 s', async () => {
  const { settle, upstream, time, call } = await createHarness()
  upstream.types.set('Tx', 'TRANSACTION')
  upstream.types.set('Any', 'MIXED')
  await settle(publishing('Tx', 'Plain'), { clientId: 'a' })
  await settle(publishing('Any'), { clientId: 'b' })
  await time.advance(100)
  expect(upstream.announced).toEqual([['Tx', 'Any']])
  await time.advance(20_000)
  expect(upstream.announced).toHaveLength(2)
  for (const clientId of ['a', 'b']) await call(MessagingService.NotifyClientTermination, {}, { clientId })
  await time.advance(100_000)
  expect(upstream.announced).toHaveLength(2)
})

test('presence: brokers can not be told → told again with the next period', async () => {
  const time = createManualEffects()
  const failures: unknown[] = []
  let tries = 0
  const presence = createPresence({
    producers: { topics: () => ['T'] },
    topicTypes: { known: () => 'TRANSACTION', type: async () => 'TRANSACTION' },
    announcer: {
      async announceProducers() {
        tries += 1
        throw new Error('away')
      },
    },
    scheduler: time.scheduler,
    periodMs: 1000,
    onFailed: (error) => void failures.push(error),
  })
  presence.changed()
  await time.advance(1100)
  expect([tries, failures.length]).toEqual([2, 2])
  presence.stop()
  await time.advance(10_000)
  expect(tries).toBe(2)
})
