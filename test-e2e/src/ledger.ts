// What operators see on /metrics: single series, and the ledger, rocketmq_ts_ledger_messages per topic, group and bucket.

const METRIC = 'rocketmq_ts_ledger_messages'

/** Messages by bucket. */
export type GroupLedger = Readonly<Record<string, number>>

/** Reads the ledgers of one topic, by group. */
export async function readLedger(healthUrl: string, topic: string): Promise<Map<string, GroupLedger>> {
  const ledgers = await readLedgers(healthUrl)
  return ledgers.get(topic) ?? new Map()
}

/** Reads all ledgers, by topic and group. */
export async function readLedgers(healthUrl: string): Promise<Map<string, Map<string, GroupLedger>>> {
  const topics = new Map<string, Map<string, Record<string, number>>>()
  for (const { labels, value } of await readSeries(healthUrl, METRIC)) {
    const groups = topics.get(labels['topic'] ?? '') ?? new Map<string, Record<string, number>>()
    topics.set(labels['topic'] ?? '', groups)
    const ledger = groups.get(labels['consumer_group'] ?? '') ?? {}
    groups.set(labels['consumer_group'] ?? '', ledger)
    ledger[labels['bucket'] ?? ''] = value
  }
  return topics
}

/** Reads the series of one metric. */
export async function readSeries(
  healthUrl: string,
  metric: string,
): Promise<{ readonly labels: Readonly<Record<string, string>>; readonly value: number }[]> {
  const answer = await fetch(`${healthUrl}/metrics`)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}: ${text.slice(0, 200)}`)
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith(`${metric}{`)) return []
    const labels = Array.from(line.matchAll(/(\w+)="([^"]*)"/g), ([, name = '', value = '']) => [name, value])
    return [{ labels: Object.fromEntries(labels), value: Number(line.slice(line.lastIndexOf(' ') + 1)) }]
  })
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
