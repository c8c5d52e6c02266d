import { expect, test } from '@jest/globals'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import { queueOffset } from '@rocketmq-ts/model'
import { createInflight, type Inflight, Ledger } from '../../src/inflight/inflight.ts'
import { AUDIT_ENTRIES_MAX, AUDIT_QUEUES_MAX, registerLedgerAudit } from '../../src/metrics/ledger-audit.ts'

const WRITTEN = 40

/** Forgets what becomes of a message, when it is told to. */
class ForgetfulLedger extends Ledger {
  forgets = false

  override moveMask(from: number, to: number, base: number, mask: number): void {
    if (!this.forgets) super.moveMask(from, to, base, mask)
  }
}

function world(queues: number, max = WRITTEN) {
  const ledgers: ForgetfulLedger[] = []
  const inflight = createInflight({
    maxAttempts: () => 17,
    createLedger() {
      const ledger = new ForgetfulLedger()
      ledgers.push(ledger)
      return ledger
    },
  })
  for (let index = 0; index < queues; index += 1) {
    inflight.start({ topic: `T${index}`, incarnation: 1, group: 'G', queueId: 0 }, 0)
  }
  const proven: string[] = []
  const counting: Pick<Inflight, 'all' | 'ledger'> = {
    all: () => inflight.all(),
    ledger(queue, bounds) {
      proven.push(queue.topic)
      return inflight.ledger(queue, bounds)
    },
  }
  const told: string[] = []
  const registry = createMetricsRegistry()
  registerLedgerAudit(registry, {
    inflight: counting,
    reader: { bounds: () => ({ min: queueOffset(0), max: queueOffset(max) }) },
    onUnbalanced: ({ topic }, { faults }) => told.push(`${topic}: ${faults.join()}`),
  })
  async function unbalanced(): Promise<number> {
    proven.length = 0
    const text = await registry.expose()
    return Number(/^rocketmq_ts_ledger_unbalanced_queues (\d+)$/m.exec(text)?.[1])
  }
  return { inflight, ledgers, proven, told, unbalanced }
}

function popAndAck(inflight: Inflight, topic: string): void {
  const queue = inflight.queue(topic, 'G', 0)!
  const popTime = inflight.nextPopTime(1000)
  inflight.popNext(queue, { popTime, invisibleMs: 1000, to: 1, taken: [0] })
  inflight.ack(queue, 0, popTime)
}

test('audit: a transition is not booked → the queue is counted and told of, once, while the others are balanced', async () => {
  const { inflight, ledgers, told, unbalanced } = world(3)
  for (const topic of ['T0', 'T1', 'T2']) popAndAck(inflight, topic)
  expect(await unbalanced()).toBe(0)
  ledgers[1]!.forgets = true
  const queue = inflight.queue('T1', 'G', 0)!
  const popTime = inflight.nextPopTime(2000)
  inflight.popNext(queue, { popTime, invisibleMs: 1000, to: 2, taken: [1] })
  inflight.ack(queue, 1, popTime)
  await unbalanced()
  expect(await unbalanced()).toBe(1)
  expect(await unbalanced()).toBe(1)
  expect(told).toEqual(['T1: inFlight: the ledger has 1, the entries have 0 (or others)'])
  inflight.recordSetting({ kind: 'topic-deleted', name: 'T1', incarnation: 1, payload: '' })
  expect(await unbalanced()).toBe(0)
})

test('audit: more queues than one scrape proves → all of them in turn', async () => {
  const queues = 2 * AUDIT_QUEUES_MAX + 10
  const { proven, unbalanced } = world(queues)
  const seen = new Set<string>()
  for (const count of [AUDIT_QUEUES_MAX, AUDIT_QUEUES_MAX, 10]) {
    await unbalanced()
    expect(proven).toHaveLength(count)
    for (const topic of proven) seen.add(topic)
  }
  expect(seen.size).toBe(queues)
})

test('audit: queues with many entries → one scrape walks no more than its bound', async () => {
  const blocks = Math.ceil(AUDIT_ENTRIES_MAX / 2)
  const max = blocks * 32
  const { inflight, proven, unbalanced } = world(5, max)
  for (const queue of inflight.all()) {
    const taken = Array.from({ length: blocks }, (_, index) => index * 32)
    inflight.popNext(queue, { popTime: inflight.nextPopTime(1000), invisibleMs: 1000, to: max, taken })
  }
  expect(await unbalanced()).toBe(0)
  expect(proven).toEqual(['T0', 'T1'])
  await unbalanced()
  expect(proven).toEqual(['T2', 'T3'])
})
