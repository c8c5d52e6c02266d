import { describe, expect, test } from '@jest/globals'
import { hashOf } from '../../../src/workload/bodies.ts'
import { type Rule, RULES } from '../../../src/workload/checker/check-input.ts'
import { judge } from '../../../src/workload/checker/checker.ts'
import { acknowledge, CLOCK_MS, deadLetterRecord, deliver, inputOf, type SoundRun, soundRun } from './sound-run.ts'

const rulesOf = (run: SoundRun): Rule[] => [...new Set(judge(inputOf(run)).violations.map(({ rule }) => rule))]

test('checker: a run in which everything is right → nothing to say, and every rule had something to judge', () => {
  expect(judge(inputOf(soundRun()))).toEqual({
    violations: [],
    counts: { settledForSure: 6, invisiblePairs: 2, attemptPairs: 2, deadLetters: 1, expiredHandles: 0 },
  })
})

interface Broken {
  readonly what: string
  readonly rule: Rule
  readonly breakIt: (run: SoundRun) => void
}

const BROKEN: readonly Broken[] = [
  { what: 'the run did not end', rule: 'progress', breakIt: (run) => (run.broken = 'stuck') },
  {
    what: 'a service found a defect',
    rule: 'defect',
    breakIt: ({ defects }) => defects.push({ node: 'b', message: 'm' }),
  },
  { what: 'a record can not be read', rule: 'readable', breakIt: ({ faults }) => faults.push('torn') },
  {
    what: 'an acknowledged send is not stored where it was said to be',
    rule: 'acknowledged',
    breakIt: ({ sends }) => (sends[1]!.queueOffset = 0),
  },
  {
    what: 'an acknowledged send is stored nowhere',
    rule: 'acknowledged',
    breakIt: ({ records }) => records.splice(3, 1),
  },
  {
    what: 'a body changed on its way to the disk',
    rule: 'never-sent',
    breakIt: ({ records }) => (records[0]!.body = Buffer.from([...records[0]!.body.subarray(0, 39), 1])),
  },
  {
    what: 'a body changed on its way to the consumer',
    rule: 'never-sent',
    breakIt: ({ deliveries }) => (deliveries[0]!.bodyHash = hashOf(Buffer.from('x'))),
  },
  { what: 'nobody sent what is delivered', rule: 'never-sent', breakIt: ({ deliveries }) => (deliveries[0]!.seq = 99) },
  { what: 'a message id changed', rule: 'never-sent', breakIt: ({ deliveries }) => (deliveries[0]!.messageId = 'y') },
  {
    what: 'more copies are stored than were sent',
    rule: 'never-sent',
    breakIt: ({ records }) => records.splice(4, 0, ...[4, 5].map((queueOffset) => ({ ...records[3]!, queueOffset }))),
  },
  {
    what: 'an offset was another message before',
    rule: 'offsets',
    breakIt: ({ deliveries }) => (deliveries[0]!.queueOffset = 3),
  },
  {
    what: 'what was delivered is not stored any more',
    rule: 'offsets',
    breakIt: ({ deliveries }) => (deliveries[0]!.queueOffset = 9),
  },
  { what: 'a queue has a gap', rule: 'offsets', breakIt: ({ records }) => (records[3]!.queueOffset = 5) },
  {
    what: 'a message is settled that was never delivered',
    rule: 'settled',
    breakIt: ({ deliveries }) => (deliveries[5]!.queueOffset = 2),
  },
  {
    what: 'a message is settled that nobody acknowledged',
    rule: 'settled',
    breakIt: ({ settlements }) => settlements.splice(0, 1),
  },
  {
    what: 'a message is settled by a handle that had expired and been replaced',
    rule: 'settled',
    breakIt: ({ settlements }) => Object.assign(settlements[1]!, { deliveryId: 1, startMs: 11_020, endMs: 11_024 }),
  },
  {
    what: 'a group gets a tag that it does not want',
    rule: 'filter',
    breakIt: (run) => deliver(run, 3, 1, 500, 'tagged'),
  },
  {
    what: 'a message comes after its acknowledgement',
    rule: 'after-ack',
    breakIt: (run) => deliver(run, 0, 2, 11_000),
  },
  {
    what: 'a message comes before its invisible time is over',
    rule: 'invisible',
    breakIt: ({ deliveries }) =>
      Object.assign(deliveries[2]!, { popTimeMs: CLOCK_MS + 10_199, startMs: 10_195, endMs: 10_203 }),
  },
  {
    what: 'a message comes before its prolonged invisible time is over',
    rule: 'invisible',
    breakIt: ({ settlements }) =>
      settlements.push({
        deliveryId: 1,
        kind: 'change',
        startMs: 5000,
        endMs: 5004,
        outcome: 'ok',
        invisibleMs: 10_000,
        newPopTimeMs: CLOCK_MS + 5002,
      }),
  },
  { what: 'an attempt is not counted', rule: 'attempts', breakIt: ({ deliveries }) => (deliveries[2]!.attempt = 1) },
  { what: 'an attempt is counted twice', rule: 'attempts', breakIt: ({ deliveries }) => (deliveries[0]!.attempt = 2) },
  { what: 'there are more attempts than allowed', rule: 'attempts', breakIt: (run) => deliver(run, 1, 3, 22_000) },
  {
    what: 'a dead letter is copied twice',
    rule: 'dead',
    breakIt: ({ records }) => records.push({ ...deadLetterRecord(2, CLOCK_MS + 11_000), queueOffset: 1 }),
  },
  {
    what: 'a dead letter lost its body',
    rule: 'dead',
    breakIt: ({ records }) => (records[4]!.body = Buffer.from('z')),
  },
  { what: 'a letter is dead too early', rule: 'dead', breakIt: ({ records }) => (records[4]!.reconsumeTimes = 0) },
  { what: 'a dead letter comes again', rule: 'dead', breakIt: (run) => deliver(run, 2, 2, 30_000) },
  { what: 'a dead letter had been acknowledged', rule: 'dead', breakIt: (run) => acknowledge(run, 4, 11_010) },
  {
    what: 'a dead letter comes from nowhere',
    rule: 'dead',
    breakIt: ({ records }) => (records[4]!.properties = new Map()),
  },
  {
    what: 'a book does not balance',
    rule: 'ledger',
    breakIt: ({ rows }) => Object.assign(rows[0]!, { balanced: false, faults: ['x'] }),
  },
  { what: 'a book is missing', rule: 'ledger', breakIt: ({ rows }) => rows.splice(0, 1) },
  { what: 'a book has a lag', rule: 'ledger', breakIt: ({ rows }) => (rows[0]!.lag = 1) },
  {
    what: 'a book counts other ends than the folders show',
    rule: 'ledger',
    breakIt: ({ rows }) => (rows[0]!.buckets = { ...rows[0]!.buckets, acked: 4, dead: 0 }),
  },
  { what: 'a book counts other messages than are stored', rule: 'ledger', breakIt: ({ rows }) => (rows[1]!.max = 5) },
  {
    what: 'a pop time is none of the clock of that life',
    rule: 'clock',
    breakIt: ({ deliveries }) => (deliveries[5]!.popTimeMs += 1000),
  },
]

describe('checker: broken in one place', () => {
  test.each(BROKEN)('$what → $rule', ({ rule, breakIt }) => {
    const run = soundRun()
    breakIt(run)
    expect(rulesOf(run)).toContain(rule)
  })

  test('every rule is shown to see a violation', () => {
    expect(new Set(BROKEN.map(({ rule }) => rule))).toEqual(new Set(RULES))
  })
})

describe('checker: what a broker may forget', () => {
  const delivered = (run: SoundRun): void => deliver(run, 0, 1, 3000)

  test('an acknowledgement just before a power loss → the message may come again, with any attempt', () => {
    const run = soundRun()
    run.lives.splice(0, 1, life(0, 900, 'power-lost'), life(1000))
    delivered(run)
    acknowledge(run, run.deliveries.length - 1, 3010)
    expect(rulesOf(run)).toEqual([])
  })

  test('an acknowledgement by a handle that a lost pop has, too → what the other client does may undo it', () => {
    for (const [lostMs, rules] of [
      [500, []],
      [100, ['after-ack']],
    ] as const) {
      const run = soundRun()
      run.lives.splice(0, 1, life(0, lostMs, 'power-lost'), life(lostMs + 10))
      deliver(run, 0, 1, 3000)
      const last = run.deliveries.at(-1)!
      acknowledge(run, last.id, 3010)
      deliver(run, 0, 2, 3100)
      deliver(run, 0, 1, 450)
      Object.assign(run.deliveries.at(-1)!, { popTimeMs: last.popTimeMs })
      expect(rulesOf(run).filter((rule) => rule === 'after-ack')).toEqual(rules)
    }
  })

  test('an acknowledgement long before a power loss, or before a kill → it may not', () => {
    for (const [endedMs, end] of [
      [2900, 'power-lost'],
      [900, 'killed'],
    ] as const) {
      const run = soundRun()
      run.lives.splice(0, 1, life(0, endedMs, end), life(2950))
      delivered(run)
      acknowledge(run, run.deliveries.length - 1, 3010)
      expect(rulesOf(run)).toContain('after-ack')
    }
  })

  test('an acknowledgement by a clock that was set back in between → the invisible time may have been over', () => {
    const run = soundRun()
    run.lives.splice(0, 1, life(0, 11_100, 'killed'), life(11_200))
    const setBackMs = 2000
    const last = run.deliveries.length - 1
    Object.assign(run.deliveries[last]!, {
      startMs: 11_496,
      endMs: 11_504,
      popTimeMs: CLOCK_MS + 11_500 - setBackMs,
    })
    Object.assign(run.settlements.at(-1)!, { startMs: 11_510, endMs: 11_514 })
    acknowledge(run, 1, 11_520)
    expect(rulesOf(run)).toEqual([])
  })

  test('an acknowledgement while the log refuses → it may come again after the restart', () => {
    const run = soundRun()
    run.lives.splice(0, 1, { ...life(0, 2900, 'killed'), refusedMs: 150 }, life(2950))
    delivered(run)
    acknowledge(run, run.deliveries.length - 1, 3010)
    expect(rulesOf(run)).toEqual([])
  })
})

describe('checker: asynchronous flush', () => {
  const lost = (lostMs: number): SoundRun => {
    const run = soundRun()
    run.isAsync = true
    run.lives.splice(0, 1, life(0, lostMs, 'power-lost'), life(lostMs))
    run.records.splice(3, 1)
    run.deliveries.splice(5, 1, { ...run.deliveries[5]!, queueOffset: 2 })
    run.rows[0]!.max = 3
    run.rows[0]!.buckets = { ...run.rows[0]!.buckets, acked: 2 }
    run.rows[1]!.max = 3
    run.rows[1]!.buckets = { ...run.rows[1]!.buckets, filtered: 0 }
    return run
  }

  test('a send just before a power loss → may be gone', () => {
    expect(rulesOf(lost(500))).toEqual([])
  })

  test('a send long before a power loss → may not', () => {
    expect(rulesOf(lost(5000))).toContain('acknowledged')
  })
})

describe('checker: what clients can not know', () => {
  test('a failed receive in between → one attempt more may be hidden, not two', () => {
    for (const [attempt, rules] of [
      [2, []],
      [3, ['attempts']],
    ] as const) {
      const run = soundRun()
      run.deliveries[0]!.attempt = attempt
      run.history.receives.push({ group: 'all', brokerName: 'broker-0', startMs: 100, endMs: 150, outcome: 'failed' })
      expect(rulesOf(run)).toEqual(rules)
    }
  })

  test('a pop of the proxy without an answer, behind a receive that went on → the same', () => {
    for (const [group, rules] of [
      ['all', []],
      ['tagged', ['attempts']],
    ] as const) {
      const run = soundRun()
      run.deliveries[0]!.attempt = 2
      run.unanswered.push({ group, startMs: 100, endMs: 150 })
      expect(rulesOf(run)).toEqual(rules)
    }
  })

  test('an acknowledgement that got no answer → both ends are fine', () => {
    const run = soundRun()
    run.settlements[0]!.outcome = 'unknown'
    expect(rulesOf(run)).toEqual([])
    deliver(run, 0, 2, 11_000)
    acknowledge(run, run.deliveries.length - 1, 11_010)
    expect(rulesOf(run)).toEqual([])
  })

  test('an acknowledgement after the invisible time → counted as an expired handle, and the message comes again', () => {
    const run = soundRun()
    acknowledge(run, 1, 11_020)
    const { violations, counts } = judge(inputOf(run))
    expect([violations, counts.expiredHandles]).toEqual([[], 1])
  })
})

function life(startedMs: number, endedMs?: number, end?: 'killed' | 'power-lost') {
  return { startedMs, endedMs, end, refusedMs: undefined }
}
