// Any order of sends, waits, changes of the topic, stops and crashes against a small model: the last place of each key.
import { expect, test } from '@jest/globals'
import { utf8Encode } from '@rocketmq-ts/bytes'
import { DedupAttribute, encodeProperties, PropertyName } from '@rocketmq-ts/model'
import { ResponseCode, SendMessageV2, UpdateAndCreateTopic } from '@rocketmq-ts/remoting'
import * as fc from 'fast-check'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

const WINDOW_MS = 5000
/** So much later a send may be on either side of its window's end. */
const EDGE_MS = 50

type Operation =
  | { readonly kind: 'send'; readonly key: number; readonly queueId: number; readonly copies: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'widen' }
  | { readonly kind: 'restart'; readonly how: 'stop' | 'kill' | 'power loss' }

const operations = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('send' as const),
        key: fc.nat(5),
        queueId: fc.nat(1),
        copies: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(4000) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'widen' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('restart' as const),
        how: fc.constantFrom('stop' as const, 'kill' as const, 'power loss' as const),
      }),
    },
  ),
  { maxLength: 25 },
)

async function putTopic(broker: BrokerHarness, queues: number): Promise<void> {
  const shape = {
    readQueueNums: queues,
    writeQueueNums: queues,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    order: false,
  } as const
  const attributes = `+${DedupAttribute.by}=KEY,+${DedupAttribute.window}=${WINDOW_MS}`
  const { code } = await broker.ask(UpdateAndCreateTopic, { topic: 'T', defaultTopic: '', ...shape, attributes })
  expect(code).toBe(ResponseCode.SUCCESS)
}

/** Without the tally of the harness, which takes every answer for a message. */
async function send(broker: BrokerHarness, { key, queueId, copies }: Extract<Operation, { readonly kind: 'send' }>) {
  const header = {
    producerGroup: 'p',
    topic: 'T',
    defaultTopic: '',
    defaultTopicQueueNums: 2,
    queueId,
    sysFlag: 0,
    bornTimestampMs: 1,
    flag: 0,
    properties: encodeProperties([[PropertyName.KEYS, `key-${key}`]]),
  }
  const sends = Array.from({ length: copies }, () =>
    broker.peer.request(SendMessageV2, header, { timeoutMs: 60_000, body: utf8Encode(`key-${key}`) }),
  )
  const answers = await broker.settled(Promise.all(sends))
  for (const { code } of answers) expect(code).toBe(ResponseCode.SUCCESS)
  const places = answers.map(({ header: place }) => `${place?.queueId} ${place?.queueOffset}`)
  expect(new Set(places).size).toBe(1)
  return places[0]!
}

async function run(steps: readonly Operation[]): Promise<void> {
  const broker = await startBroker()
  await putTopic(broker, 2)
  const last = new Map<number, { readonly place: string; readonly fromMs: number; readonly toMs: number }>()
  const stored = new Map<string, number>()
  let queues = 2
  for (const step of steps) {
    if (step.kind === 'wait') await broker.advance(step.ms)
    else if (step.kind === 'widen') await putTopic(broker, (queues += 1))
    else if (step.kind === 'restart') {
      if (step.how === 'stop') await broker.stop()
      else broker.crash({ powerLoss: step.how === 'power loss' })
      await broker.restart()
    } else {
      const fromMs = broker.machine.nowMs
      const place = await send(broker, step)
      const toMs = broker.machine.nowMs
      const known = last.get(step.key)
      const isNew = known?.place !== place
      if (known !== undefined && toMs < known.fromMs + WINDOW_MS - EDGE_MS) expect(place).toBe(known.place)
      if (known !== undefined && fromMs > known.toMs + WINDOW_MS + EDGE_MS) expect(isNew).toBe(true)
      if (isNew) {
        expect(stored.has(place)).toBe(false)
        stored.set(place, step.key)
        last.set(step.key, { place, fromMs, toMs })
      }
    }
  }
  // One copy of each is there, where its answer said.
  const seen: string[] = []
  for (let found = await broker.pop('T', 'G'); found.length > 0; found = await broker.pop('T', 'G')) {
    for (const { record } of found) {
      seen.push(`${record.queueId} ${record.queueOffset}`)
      expect(Buffer.from(record.body).toString()).toBe(`key-${stored.get(seen.at(-1)!)}`)
    }
  }
  expect(seen.toSorted()).toStrictEqual(Array.from(stored.keys()).toSorted())
}

const again = { kind: 'send', key: 1, queueId: 0, copies: 2 } as const

/** What chance finds rarely: a crash between the two sends. */
const EXAMPLES: readonly (readonly Operation[])[] = [
  [again, { kind: 'restart', how: 'kill' }, again, { kind: 'widen' }, { kind: 'restart', how: 'stop' }, again],
  [
    again,
    { kind: 'wait', ms: 4000 },
    again,
    { kind: 'wait', ms: 4000 },
    again,
    { kind: 'restart', how: 'power loss' },
    again,
  ],
]

test('duplicates: any order of sends, waits, stops and crashes → each key once within its window, in the place that was told', async () => {
  await fc.assert(fc.asyncProperty(operations, run), {
    numRuns: 6,
    examples: EXAMPLES.map((steps): [Operation[]] => [[...steps]]),
  })
})
