// The ledger as operators see it: rocketmq_ts_ledger_messages on /metrics, per topic, group and bucket.

const METRIC = 'rocketmq_ts_ledger_messages'

/** Messages by bucket. */
export type GroupLedger = Readonly<Record<string, number>>

/** Reads the ledgers of one topic, by group. */
export async function readLedger(healthUrl: string, topic: string): Promise<Map<string, GroupLedger>> {
  const answer = await fetch(`${healthUrl}/metrics`)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}: ${text.slice(0, 200)}`)
  const ledgers = new Map<string, Record<string, number>>()
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${METRIC}{`)) continue
    const labels = new Map(Array.from(line.matchAll(/(\w+)="([^"]*)"/g), ([, name = '', value = '']) => [name, value]))
    if (labels.get('topic') !== topic) continue
    const group = labels.get('consumer_group') ?? ''
    const ledger = ledgers.get(group) ?? {}
    ledger[labels.get('bucket') ?? ''] = Number(line.slice(line.lastIndexOf(' ') + 1))
    ledgers.set(group, ledger)
  }
  return ledgers
}

/** All messages of the topic, wherever the group has them. */
export function writtenOf(ledger: GroupLedger): number {
  return Object.values(ledger).reduce((sum, count) => sum + count, 0)
}

/** The buckets that are not empty, as text. */
export function formatLedger(ledger: GroupLedger | undefined): string {
  if (ledger === undefined) return 'no ledger'
  const parts = Object.entries(ledger).filter(([, count]) => count !== 0)
  return parts.map(([bucket, count]) => `${bucket} ${count}`).join(', ') || 'empty'
}
