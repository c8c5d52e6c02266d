// What the servers say about the clients: their ledgers, the codes of their answers, their logs.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { formatLedger, type GroupLedger, readLedgers, readSeries } from '../ledger.ts'
import type { ClusterNode } from '../process-cluster.ts'

const POLL_MS = 200
const REQUESTS = 'rocketmq_ts_grpc_requests_total'
/** OK, a group that is switched off, nothing to receive, unknown topic. */
const CODES = new Set(['20000', '40300', '40401', '40402'])
/** Buckets of messages that a group is done with. */
const SETTLED = new Set(['acked', 'filtered', 'dead'])

/** Waits until every group of these topics has settled everything; resolves with what is left at the deadline. */
export async function unsettled(
  brokers: readonly ClusterNode[],
  topics: readonly string[],
  deadlineMs: number,
): Promise<readonly string[]> {
  const endMs = performance.now() + deadlineMs
  for (;;) {
    const lines = (await Promise.all(brokers.map((broker) => unsettledOf(broker, topics)))).flat()
    if (lines.length === 0 || performance.now() > endMs) return lines
    await delay(POLL_MS)
  }
}

async function unsettledOf({ name, healthUrl }: ClusterNode, topics: readonly string[]): Promise<string[]> {
  const left = (ledger: GroupLedger) =>
    Object.entries(ledger).some(([bucket, count]) => count > 0 && !SETTLED.has(bucket))
  const lines: string[] = []
  for (const [topic, groups] of await readLedgers(healthUrl)) {
    if (!topics.includes(topic)) continue
    for (const [group, ledger] of groups) {
      if (left(ledger)) lines.push(`${topic} for ${group} on ${name}: ${formatLedger(ledger)}`)
    }
  }
  return lines
}

/** Calls that were answered with a code that no scenario asks for. */
export async function unexpectedAnswers(proxies: readonly ClusterNode[]): Promise<readonly string[]> {
  const lines: string[] = []
  for (const { name, healthUrl } of proxies) {
    for (const { labels, value } of await readSeries(healthUrl, REQUESTS)) {
      const { method, code = '' } = labels
      if (!CODES.has(code)) lines.push(`${name}: ${value} × ${method} ${code}`)
    }
  }
  return lines
}

/** Lines of the logs since then that are worse than what the scenarios ask for: dead letters. */
export function serverComplaints(nodes: readonly ClusterNode[], since: Date): readonly string[] {
  return nodes
    .flatMap(({ logFile }) => readFileSync(logFile, 'utf8').split('\n'))
    .filter((line) => line !== '' && isComplaint(line, since.toISOString()))
}

/** What is no log line, e.g. a stack, is one too. */
function isComplaint(line: string, since: string): boolean {
  const [, level, time = ''] = /"level":"(\w+)","time":"([^"]+)"/.exec(line) ?? []
  if (level === undefined) return true
  return level !== 'info' && level !== 'debug' && time >= since && !line.includes('"event":"message.dead"')
}
