// The verdict over a whole history and the server's own ledger.
import { type Checks, someOf } from '../checks.ts'
import { formatLedger, type GroupLedger, writtenOf } from '../ledger.ts'
import type { Attempt, History } from './history.ts'

/** What the clients know: which attempts are stored, and where. */
export function judge(options: {
  readonly checks: Checks
  readonly history: History
  readonly ledgers: ReadonlyMap<string, GroupLedger>
  readonly groups: readonly string[]
}): void {
  const { checks, history, ledgers, groups } = options
  const { faults, attempts } = history
  for (const group of groups) {
    const received = history.deliveries.get(group) ?? new Map<string, unknown>()
    const lost = [...attempts.values()].filter((it) => it.outcome === 'acknowledged' && !received.has(it.id))
    checks.check(`${group}: every acknowledged message was received`, lost.length === 0, someOf(lost.map(nameOf)))
  }
  none(checks, 'nothing was received that nobody sent', faults.unsent)
  none(checks, 'every body is equal to what was sent', faults.body)
  none(checks, 'an attempt lies at one offset, which its receipt names, and an offset holds one attempt', faults.place)
  none(checks, 'nothing was delivered twice within its invisible time, but for what a power loss took', faults.tooEarly)
  none(checks, 'nothing came again whose acknowledgement was answered, but for what a power loss took', faults.afterAck)

  const ends = queueEnds(history)
  const written = ends.reduce((sum, end) => sum + end, 0)
  const gaps = gapsOf(history, ends)
  checks.check('queue offsets have no gap', gaps.length === 0, someOf(gaps))
  for (const group of groups) {
    const ledger = ledgers.get(group) ?? {}
    const told = `${formatLedger(ledger)}; the clients know of ${written}`
    checks.check(`${group}: the ledger's sum is what was written`, writtenOf(ledger) === written, told)
    const acked = ackedBy(history, group)
    const isAcked = ledger['acked'] === acked && acked === written
    checks.check(`${group}: the ledger has all of it as acknowledged`, isAcked, `${told}, ${acked} acknowledged`)
  }
}

/** Messages of a group with an acknowledgement that was answered, or may have arrived. */
export function ackedBy(history: History, group: string): number {
  const deliveries = [...(history.deliveries.get(group)?.values() ?? [])]
  return deliveries.filter((of) => of.some(({ ack }) => ack === 'answered' || ack === 'unknown')).length
}

function none(checks: Checks, name: string, faults: readonly string[]): void {
  checks.check(name, faults.length === 0, someOf(faults))
}

function nameOf({ id, offset }: Attempt): string {
  return `${id} at offset ${offset}`
}

/** One past the highest offset seen, by queue. */
function queueEnds(history: History): number[] {
  const ends: number[] = []
  for (const { queueId, offset } of history.placeOf.values()) ends[queueId] = Math.max(ends[queueId] ?? 0, offset + 1)
  return Array.from(ends, (end) => end ?? 0)
}

function gapsOf(history: History, ends: readonly number[]): string[] {
  const gaps: string[] = []
  for (const [queueId, end] of ends.entries()) {
    for (let offset = 0; offset < end; offset += 1) {
      if (!history.places.has(`${queueId}:${offset}`)) gaps.push(`${queueId}:${offset}`)
    }
  }
  return gaps
}
