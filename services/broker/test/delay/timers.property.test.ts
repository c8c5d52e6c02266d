// Any order of delayed messages, recalls, waits, stops and crashes against a small model: a list of times.
import { expect, test } from '@jest/globals'
import { PropertyName } from '@rocketmq-ts/model'
import { RecallMessage, ResponseCode } from '@rocketmq-ts/remoting'
import * as fc from 'fast-check'
import { delayOf, type DelaySettings } from '../../src/delay/delay-time.ts'
import { entryOf } from '../../src/send/property-text.ts'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { type Properties, received, sendDelayed } from './delayed.ts'

const SECOND_MS = 1000
const LEVELS_MS = [1, 5, 10].map((seconds) => seconds * SECOND_MS)
/** The broker's clock shows whole milliseconds; a delivery takes some calls to the disk. */
const CLOCK_MS = 1
const LATE_MS = 100
const FLUSHED_MS = 1000

type Way = 'level' | 'seconds' | 'milliseconds' | 'moment'
type Operation =
  | { readonly kind: 'send'; readonly way: Way; readonly ms: number }
  | { readonly kind: 'recall'; readonly which: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart'; readonly how: 'stop' | 'kill' | 'power loss' }

const ways = fc.constantFrom<Way>('level', 'seconds', 'milliseconds', 'moment')
const operations = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('send' as const), way: ways, ms: fc.integer({ min: 1, max: 12_000 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('recall' as const), which: fc.nat(30) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(6000) }) },
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

/** How a message asks for it, and how long it then waits. */
function delayAs(way: Way, ms: number, nowMs: number): readonly [Properties, number] {
  if (way === 'level') {
    const level = ms % LEVELS_MS.length
    return [[[PropertyName.DELAY, String(level + 1)]], LEVELS_MS[level]!]
  }
  const seconds = Math.ceil(ms / SECOND_MS)
  if (way === 'seconds') return [[[PropertyName.TIMER_DELAY_SEC, String(seconds)]], seconds * SECOND_MS]
  if (way === 'milliseconds') return [[[PropertyName.TIMER_DELAY_MS, String(ms)]], ms]
  return [[[PropertyName.TIMER_DELIVER_MS, String(Math.floor(nowMs) + ms)]], ms]
}

interface Modelled {
  readonly body: string
  readonly dueMs: number
  readonly handle: string | undefined
  state: 'waits' | 'there' | 'recalled'
}

async function restart(broker: BrokerHarness, how: 'stop' | 'kill' | 'power loss'): Promise<void> {
  // Acknowledgements are answered before they are flushed: those of the last moment would be taken back.
  if (how === 'power loss') await broker.advance(FLUSHED_MS)
  if (how === 'stop') await broker.stop()
  else broker.crash({ powerLoss: how === 'power loss' })
  await broker.restart()
  // What became due meanwhile comes now.
  await broker.advance(LATE_MS)
}

async function run(steps: readonly Operation[]): Promise<void> {
  const broker = await startBroker({ messageDelayLevel: '1s 5s 10s' })
  const all: Modelled[] = []
  const nowMs = (): number => broker.machine.nowMs

  /** Each comes once, when it is due, and not if it was recalled. */
  async function look(): Promise<void> {
    const beforeMs = nowMs()
    for (let found = await received(broker); found.length > 0; found = await received(broker)) {
      for (const body of found) {
        const each = all.find((one) => one.body === body)!
        expect([each.body, each.state]).toStrictEqual([body, 'waits'])
        expect(nowMs()).toBeGreaterThanOrEqual(each.dueMs - CLOCK_MS)
        each.state = 'there'
      }
    }
    expect(all.filter(({ state, dueMs }) => state === 'waits' && dueMs + LATE_MS < beforeMs)).toStrictEqual([])
  }

  for (const step of steps) {
    if (step.kind === 'send') {
      const [properties, delayMs] = delayAs(step.way, step.ms, nowMs())
      const body = `m${all.length}`
      const dueMs = nowMs() + delayMs
      const { header } = await sendDelayed(broker, body, properties)
      all.push({ body, dueMs, handle: header?.recallHandle, state: 'waits' })
    } else if (step.kind === 'recall') {
      await look()
      const each = all[step.which % Math.max(1, all.length)]
      if (each?.handle === undefined) continue
      const { code } = await broker.ask(RecallMessage, { topic: 'T', recallHandle: each.handle })
      if (each.state === 'waits' && each.dueMs > nowMs() + LATE_MS) expect(code).toBe(ResponseCode.SUCCESS)
      if (each.state === 'there') expect(code).toBe(ResponseCode.ILLEGAL_OPERATION)
      else if (code === ResponseCode.SUCCESS) each.state = 'recalled'
    } else if (step.kind === 'wait') {
      await broker.advance(step.ms)
      await look()
    } else {
      await restart(broker, step.how)
      await look()
    }
  }
  await broker.advance(13 * SECOND_MS)
  await look()
  expect(all.filter(({ state }) => state === 'waits')).toStrictEqual([])
  expect(broker.events.filter(({ event }) => event === 'timers.unbalanced')).toStrictEqual([])
}

const send = (way: Way, ms: number) => ({ kind: 'send', way, ms }) as const
const kill = { kind: 'restart', how: 'kill' } as const

/** What chance finds rarely: a crash right behind what it must not take back. */
const EXAMPLES: readonly (readonly Operation[])[] = [
  [send('milliseconds', 1), send('milliseconds', 1), kill, send('moment', 3000), { kind: 'recall', which: 2 }, kill],
  [send('level', 0), send('seconds', 900), send('moment', 1000), { kind: 'wait', ms: 1000 }, kill, kill],
]

test('delay: any order of sends, recalls, waits, stops and crashes → each once, at its time, unless recalled', async () => {
  await fc.assert(fc.asyncProperty(operations, run), {
    numRuns: 6,
    examples: EXAMPLES.map((steps): [Operation[]] => [[...steps]]),
  })
})

const settings: DelaySettings = { levels: LEVELS_MS, maxMs: 60_000, precisionMs: 1, takesTimes: true }
const NOW_MS = 1_700_000_000_000

test('delay times: any properties → a level beats seconds, they milliseconds, they a moment; nothing beyond the horizon', () => {
  const number = fc.option(
    fc.oneof(fc.integer({ min: -2, max: 70_000 }), fc.constantFrom(0, 1, 60, 61, 60_000, 60_001)),
    {
      nil: undefined,
    },
  )
  const asked = fc.record({
    level: fc.option(fc.integer({ min: -1, max: 5 }), { nil: undefined }),
    seconds: number,
    ms: number,
    at: number,
  })
  fc.assert(
    fc.property(asked, ({ level, seconds, ms, at }) => {
      const named = [
        [PropertyName.DELAY, level],
        [PropertyName.TIMER_DELAY_SEC, seconds],
        [PropertyName.TIMER_DELAY_MS, ms],
        [PropertyName.TIMER_DELIVER_MS, at === undefined ? undefined : NOW_MS + at],
      ] as const
      const text = named.flatMap(([name, value]) => (value === undefined ? [] : entryOf(name, String(value)))).join('')
      const waitMs = (seconds === undefined ? undefined : seconds * SECOND_MS) ?? ms ?? at
      if (level !== undefined && level > 0) {
        const last = Math.min(level, LEVELS_MS.length)
        expect(delayOf(text, settings, NOW_MS)).toEqual({
          kind: 'level',
          level: last,
          dueMs: NOW_MS + LEVELS_MS[last - 1]!,
        })
      } else if (waitMs === undefined || waitMs <= 0) expect(delayOf(text, settings, NOW_MS)).toBeUndefined()
      else if (waitMs > settings.maxMs) expect(() => delayOf(text, settings, NOW_MS)).toThrow('timerMaxDelaySec')
      else expect(delayOf(text, settings, NOW_MS)).toEqual({ kind: 'time', dueMs: NOW_MS + waitMs })
    }),
  )
})
