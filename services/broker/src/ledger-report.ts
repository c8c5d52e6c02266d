// The ledger of a broker: every message of a queue is in exactly one bucket of each group, and the report shows it.
import type { QueueReader } from '@rocketmq-ts/store'
import type { Inflight, LedgerReport } from './inflight/inflight.ts'

export interface QueueLedger extends LedgerReport {
  readonly topic: string
  readonly group: string
  readonly queueId: number
  /** Messages of the queue that consumers may see, and so the sum that the buckets must give. */
  readonly max: number
  readonly lag: number
}

/** One line for each (topic, group, queue), in this order. */
export function ledgerReport(inflight: Inflight, reader: QueueReader): QueueLedger[] {
  const report: QueueLedger[] = []
  for (const queue of inflight.all()) {
    const { topic, group, queueId } = queue
    const { max } = reader.bounds(topic, queueId)
    report.push({ topic, group, queueId, max, lag: inflight.lag(queue, max), ...inflight.ledger(queue, { max }) })
  }
  return report.sort((a, b) => compare(a.topic, b.topic) || compare(a.group, b.group) || a.queueId - b.queueId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
