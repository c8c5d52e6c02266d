// Proves the ledger of running queues against their entries, some at every scrape and each in its turn, so that a defect
// shows where operators look. What one scrape walks is bounded.
import { MetricName, type MetricsRegistry } from '@rocketmq-ts/metrics'
import type { QueueReader } from '@rocketmq-ts/store'
import type { Inflight, LedgerReport, QueueState } from '../inflight/inflight.ts'

/** Queues that one scrape proves. */
export const AUDIT_QUEUES_MAX = 1024
/** Entries that one scrape walks; a single queue may have more and is walked whole. */
export const AUDIT_ENTRIES_MAX = 20_000
const QUEUES_PER_STEP = 64

export interface LedgerAuditDeps {
  readonly inflight: Pick<Inflight, 'all' | 'ledger'>
  readonly reader: Pick<QueueReader, 'bounds'>
  /** A queue whose books do not add up, when that is found first. */
  readonly onUnbalanced: (queue: QueueState, report: LedgerReport) => void
}

/** Registers the gauge that counts queues whose ledger is not balanced. */
export function registerLedgerAudit(
  registry: MetricsRegistry,
  { inflight, reader, onUnbalanced }: LedgerAuditDeps,
): void {
  const unbalanced = registry.gauge(MetricName.ledgerUnbalanced)
  const found = new Set<QueueState>()
  let walk = inflight.all()[Symbol.iterator]()

  function prove(queue: QueueState): void {
    if (queue.dropped) {
      found.delete(queue)
      return
    }
    const { max } = reader.bounds(queue.topic, queue.queueId)
    const report = inflight.ledger(queue, { max })
    if (report.balanced) found.delete(queue)
    else if (!found.has(queue)) {
      found.add(queue)
      onUnbalanced(queue, report)
    }
  }

  registry.collect(function* () {
    for (const queue of found) prove(queue)
    let entries = 0
    for (let queues = 1; queues <= AUDIT_QUEUES_MAX && entries < AUDIT_ENTRIES_MAX; queues += 1) {
      const { done, value } = walk.next()
      if (done === true) {
        walk = inflight.all()[Symbol.iterator]()
        break
      }
      entries += value.entries
      prove(value)
      if (queues % QUEUES_PER_STEP === 0) yield undefined
    }
    unbalanced.set({}, found.size)
  })
}
