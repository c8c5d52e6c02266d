// The verdict over a whole history and the ledgers of the brokers.
import { type Checks, someOf } from '../checks.ts'
import { formatLedger, type GroupLedger, writtenOf } from '../ledger.ts'
import { type Attempt, type Copy, type History, placeOf, promisedCopy } from './history.ts'
import { judgeRedeliveries } from './redelivery.ts'

/** What the clients know: which attempts are stored, and where. */
export function judge(options: {
  readonly checks: Checks
  readonly history: History
  /** By broker, then by group. */
  readonly ledgers: ReadonlyMap<string, ReadonlyMap<string, GroupLedger>>
  readonly groups: readonly string[]
}): void {
  const { checks, history, ledgers, groups } = options
  const { faults } = history
  const promised = [...history.attempts.values()].filter(({ outcome }) => outcome === 'acknowledged')
  for (const group of groups) {
    const lost = promised.filter((attempt) => promisedCopy(attempt)?.deliveries.has(group) !== true)
    checks.check(`${group}: every acknowledged message was received`, lost.length === 0, someOf(lost.map(nameOf)))
  }
  none(checks, 'nothing was received that nobody sent', faults.unsent)
  none(checks, 'every body is equal to what was sent', faults.body)
  const elsewhere = promised.filter((it) => it.copies.length > 0 && promisedCopy(it) === undefined).map(nameOf)
  none(checks, 'an attempt lies at one place of a broker, where its receipt says, and a place holds one attempt', [
    ...faults.place,
    ...elsewhere,
  ])
  const { tooEarly, afterAck } = judgeRedeliveries(history)
  none(checks, 'nothing was delivered twice within its invisible time, but for what a power loss took', tooEarly)
  none(checks, 'nothing came again whose acknowledgement was answered, but for what a power loss took', afterAck)

  const gaps: string[] = []
  for (const [brokerName, ledgersOfBroker] of ledgers) {
    const copies = [...history.places.values()].filter((copy) => copy.brokerName === brokerName)
    const { settled } = history
    const ends = queueEnds(copies, settled.endsOf(brokerName))
    const written = ends.reduce((sum, end) => sum + end, 0)
    gaps.push(...gapsOf(history, brokerName, ends))
    for (const group of groups) {
      const ledger = ledgersOfBroker.get(group) ?? {}
      const name = `${brokerName}, ${group}`
      const told = `${formatLedger(ledger)}; the clients know of ${written}`
      checks.check(`${name}: the ledger's sum is what was written`, writtenOf(ledger) === written, told)
      const acked = ackedBy(copies, group) + settled.countOf(brokerName)
      const isAcked = ledger['acked'] === acked && acked === written
      checks.check(`${name}: the ledger has all of it as acknowledged`, isAcked, `${told}, ${acked} acknowledged`)
    }
  }
  none(checks, 'queue offsets have no gap', gaps)
}

/** Copies of which the group has an acknowledgement that was answered, or may have arrived. */
function ackedBy(copies: readonly Copy[], group: string): number {
  return copies.filter(({ deliveries }) =>
    deliveries.get(group)?.some(({ ack }) => ack === 'answered' || ack === 'unknown'),
  ).length
}

function none(checks: Checks, name: string, faults: readonly string[]): void {
  checks.check(name, faults.length === 0, someOf(faults))
}

function nameOf({ id, offset, copies }: Attempt): string {
  return `${id} at offset ${offset}, found ${copies.map(placeOf).join(' and ') || 'nowhere'}`
}

/** One past the highest offset seen, by queue. */
function queueEnds(copies: readonly Copy[], settled: readonly (number | undefined)[]): number[] {
  const ends = [...settled]
  for (const { queueId, offset } of copies) ends[queueId] = Math.max(ends[queueId] ?? 0, offset + 1)
  return Array.from(ends, (end) => end ?? 0)
}

function gapsOf({ places, settled }: History, brokerName: string, ends: readonly number[]): string[] {
  const gaps: string[] = []
  for (const [queueId, end] of ends.entries()) {
    for (let offset = 0; offset < end; offset += 1) {
      const place = placeOf({ brokerName, queueId, offset })
      if (!places.has(place) && !settled.has(place)) gaps.push(place)
    }
  }
  return gaps
}
