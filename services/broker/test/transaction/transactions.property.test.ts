// Any order of half messages, decisions, silence, stops and crashes against a small model of what transactions are.
import { expect, test } from '@jest/globals'
import { SystemTopic } from '@rocketmq-ts/model'
import { ResponseCode } from '@rocketmq-ts/remoting'
import * as fc from 'fast-check'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { type Half, SECOND_MS, connectProducer, end, halves, sendHalf, texts } from './transaction-harness.ts'

const CHECKS_MAX = 3
const IMMUNITY_MS = 6 * SECOND_MS
const INTERVAL_MS = 30 * SECOND_MS

type Operation =
  | { readonly kind: 'send' }
  | { readonly kind: 'end'; readonly which: number; readonly decision: 'commit' | 'rollback' | 'unknown' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart'; readonly how: 'stop' | 'kill' | 'power loss' }

const operations = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('send' as const) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('end' as const),
        which: fc.nat(30),
        decision: fc.constantFrom('commit' as const, 'rollback' as const, 'unknown' as const),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(40 * SECOND_MS) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('restart' as const),
        how: fc.constantFrom('stop' as const, 'kill' as const, 'power loss' as const),
      }),
    },
  ),
  { maxLength: 20 },
)

/** What a transaction is: undecided until the first decision, or until enough questions brought none. */
interface Modelled {
  readonly text: string
  readonly half: Half
  readonly sentMs: number
  state: 'undecided' | 'commit' | 'rollback' | 'given up'
  questions: number
}

class Model {
  readonly all: Modelled[] = []

  textsOf(state: Modelled['state']): string[] {
    return this.all.filter((each) => each.state === state).map(({ text }) => text)
  }

  decide(each: Modelled, decision: 'commit' | 'rollback' | 'unknown'): void {
    if (each.state === 'undecided' && decision !== 'unknown') each.state = decision
  }
}

async function restart(broker: BrokerHarness, how: 'stop' | 'kill' | 'power loss'): Promise<void> {
  if (how === 'stop') await broker.stop()
  else broker.crash({ powerLoss: how === 'power loss' })
  await broker.restart()
}

async function run(steps: readonly Operation[]): Promise<void> {
  const broker = await startBroker({ transactionCheckMax: CHECKS_MAX })
  const { effects } = broker.machine.start('clock', () => undefined)
  const model = new Model()
  const seen: string[] = []
  let producer = await connectProducer(broker)
  let heard = 0

  /** Questions are about what is undecided, never too early, and not too many. */
  function hear(): void {
    for (const { text } of producer.questions.slice(heard)) {
      const asked = model.all.find((each) => each.text === text)!
      asked.questions += 1
      expect([asked.state, asked.questions <= CHECKS_MAX]).toStrictEqual(['undecided', true])
      expect(effects.clock.nowMs() - asked.sentMs).toBeGreaterThanOrEqual(IMMUNITY_MS)
    }
    heard = producer.questions.length
  }

  async function look(): Promise<void> {
    hear()
    for (const text of await texts(broker, SystemTopic.CHECK_MAX_TIME)) {
      const each = model.all.find((one) => one.text === text)!
      expect([each.state, each.questions]).toStrictEqual(['undecided', CHECKS_MAX])
      each.state = 'given up'
    }
    seen.push(...(await texts(broker, 'T')))
    expect(seen.toSorted()).toStrictEqual(model.textsOf('commit').toSorted())
    const buckets = halves(broker)
    const { inFlight = 0, ready = 0, waiting = 0 } = buckets ?? {}
    expect({ ...buckets, undecided: inFlight + ready + waiting }).toMatchObject({
      ...(buckets !== undefined && {
        acked: model.textsOf('commit').length,
        rolledBack: model.textsOf('rollback').length,
        dead: model.textsOf('given up').length,
      }),
      undecided: model.textsOf('undecided').length,
    })
    expect(broker.broker.ledger().every(({ balanced }) => balanced)).toBe(true)
  }

  for (const step of steps) {
    if (step.kind === 'send') {
      const text = `m${model.all.length}`
      const sentMs = effects.clock.nowMs()
      model.all.push({ text, half: await sendHalf(broker, 'T', text), sentMs, state: 'undecided', questions: 0 })
    } else if (step.kind === 'end') {
      const each = model.all[step.which % Math.max(1, model.all.length)]
      if (each === undefined) continue
      expect((await end(broker, each.half, step.decision)).code).toBe(ResponseCode.SUCCESS)
      hear()
      model.decide(each, step.decision)
    } else if (step.kind === 'wait') {
      await broker.advance(step.ms)
      await producer.beat()
      await look()
    } else {
      hear()
      await restart(broker, step.how)
      producer = await connectProducer(broker)
      heard = 0
      await look()
    }
  }
  // In the end nothing is undecided: what nobody decides is given up.
  for (let round = 0; round <= CHECKS_MAX + 1; round += 1) {
    await broker.advance(INTERVAL_MS + SECOND_MS)
    await producer.beat()
  }
  await look()
  expect(model.textsOf('undecided')).toStrictEqual([])
}

const send = { kind: 'send' } as const
const endAs = (which: number, decision: 'commit' | 'rollback') => ({ kind: 'end', which, decision }) as const
const kill = { kind: 'restart', how: 'kill' } as const

/** What chance finds rarely: a crash right behind what it must not take back. */
const EXAMPLES: readonly (readonly Operation[])[] = [
  [send, send, send, endAs(0, 'commit'), endAs(1, 'rollback'), kill, endAs(0, 'rollback'), endAs(1, 'commit')],
  [send, { kind: 'wait', ms: 7 * SECOND_MS }, endAs(0, 'rollback'), kill, { kind: 'restart', how: 'stop' }, kill],
]

test('transactions: any order of sends, decisions, waits, stops and crashes → as the model says', async () => {
  await fc.assert(fc.asyncProperty(operations, run), {
    numRuns: 6,
    examples: EXAMPLES.map((steps): [Operation[]] => [[...steps]]),
  })
})
