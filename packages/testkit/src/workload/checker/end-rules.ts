// Rules about the end: where every message is for each group, and that the brokers' books say the same.
import type { QueueLedger } from '@rocketmq-ts/broker'
import { hashOf } from '../bodies.ts'
import type { AuditedRecord } from '../../cluster/store-audit.ts'
import type { GroupPlan } from '../seed-plan.ts'
import type { Verdict } from './check-input.ts'
import { surelySettles } from './invisible-time.ts'
import { placeOf, type Places } from './places.ts'

const TAG_PROPERTY = 'TAGS'

export interface EndCounts {
  deadLetters: number
  /** Acknowledgements of handles that were not live any more. */
  expiredHandles: number
}

type End = 'acked' | 'dead' | 'filtered'

export function checkEnd(places: Places, verdict: Verdict): EndCounts {
  const dead = checkDeadLetters(places, verdict)
  let expiredHandles = 0
  for (const group of places.input.groups) {
    const ends = new Map<string, Record<End, number>>()
    for (const record of places.stored.values()) {
      if (record.topic !== group.topic) continue
      const queue = `${record.brokerName} ${record.queueId}`
      const counted = ends.get(queue) ?? { acked: 0, dead: 0, filtered: 0 }
      ends.set(queue, counted)
      const isDead = dead.has(`${group.name} ${placeOf(record)}`)
      const end: End = isFiltered(record, group) ? 'filtered' : isDead ? 'dead' : 'acked'
      counted[end] += 1
      if (end === 'acked') expiredHandles += checkSettled(places, record, group, verdict)
    }
    checkLedgers(places, group, ends, verdict)
  }
  const refused = places.input.history.settlements.filter(({ outcome }) => outcome === 'refused').length
  return { deadLetters: dead.size, expiredHandles: expiredHandles + refused }
}

function isFiltered({ properties }: AuditedRecord, { tagExpression }: GroupPlan): boolean {
  return tagExpression !== '*' && properties.get(TAG_PROPERTY) !== tagExpression
}

/** Somebody acknowledged a delivery that may have been live. Returns how many did so with one that was not. */
function checkSettled(places: Places, record: AuditedRecord, { name }: GroupPlan, verdict: Verdict): number {
  const deliveries = places.deliveries(name, record)
  let expired = 0
  let isSettled = false
  for (const [index, delivery] of deliveries.entries()) {
    const later = deliveries.slice(index + 1).filter((next) => !places.isVolatile(next))
    for (const ack of places.settlements(delivery)) {
      if (ack.kind !== 'ack' || ack.outcome === 'refused') continue
      const earliestMs = places.times(delivery.brokerName).earliest(ack)
      const isDeadHandle = earliestMs !== undefined && later.some(({ popTimeMs }) => popTimeMs < earliestMs)
      if (isDeadHandle) expired += 1
      else isSettled = true
    }
  }
  if (!isSettled) {
    const seen =
      deliveries.length === 0
        ? 'it was never delivered'
        : `delivered ${deliveries.length} times, never acknowledged in time`
    verdict.add('settled', `${placeOf(record)} is settled for ${name}, but ${seen}`)
  }
  return expired
}

/** The keys of messages that are dead, as `group place`. */
function checkDeadLetters(places: Places, verdict: Verdict): ReadonlySet<string> {
  const dead = new Set<string>()
  const groups = new Map(places.input.groups.map((group) => [group.name, group]))
  for (const { record, group, origin, popTimeMs } of places.deadLetters) {
    const name = `${record.topic} ${record.queueOffset} on ${record.brokerName}`
    const original = places.stored.get(placeOf(origin))
    const plan = groups.get(group)
    if (original === undefined || plan === undefined || record.topic !== `%DLQ%${group}`) {
      verdict.add('dead', `${name} comes from ${group} ${placeOf(origin)}: there is no such message`)
      continue
    }
    const key = `${group} ${placeOf(origin)}`
    if (dead.has(key)) verdict.add('dead', `${name}: a second copy of ${key}`)
    dead.add(key)
    if (hashOf(original.body) !== hashOf(record.body)) verdict.add('dead', `${name}: the body is not that of ${key}`)
    if (record.reconsumeTimes !== plan.retryMaxTimes) {
      verdict.add(
        'dead',
        `${name}: ${key} is dead after ${record.reconsumeTimes} retries, allowed are ${plan.retryMaxTimes}`,
      )
    }
    for (const delivery of places.deliveries(group, origin)) {
      const settlements = places.settlements(delivery)
      const times = places.times(delivery.brokerName)
      if (delivery.popTimeMs > popTimeMs && !places.isVolatile(delivery)) {
        verdict.add('dead', `${name}: ${key} was delivered after it was dead`)
      }
      if (settlements.some((settlement) => surelySettles(settlement, delivery, settlements, times))) {
        verdict.add('dead', `${name}: ${key} was acknowledged in time`)
      }
    }
  }
  return dead
}

function checkLedgers(
  { input }: Places,
  group: GroupPlan,
  ends: ReadonlyMap<string, Record<End, number>>,
  verdict: Verdict,
): void {
  const queues = input.topics.find(({ name }) => name === group.topic)?.queues ?? 0
  for (const { brokerName, rows } of input.ledgers) {
    for (let queueId = 0; queueId < queues; queueId += 1) {
      const counted = ends.get(`${brokerName} ${queueId}`) ?? { acked: 0, dead: 0, filtered: 0 }
      const own = rows.filter((row) => row.group === group.name && row.topic === group.topic && row.queueId === queueId)
      const name = `${brokerName} ${group.topic} ${queueId} for ${group.name}`
      if (own.length !== 1 || own[0] === undefined) verdict.add('ledger', `${name}: ${own.length} books instead of one`)
      else for (const fault of faultsOf(own[0], counted)) verdict.add('ledger', `${name}: ${fault}`)
    }
  }
}

function faultsOf(row: QueueLedger, counted: Record<End, number>): string[] {
  const faults = row.balanced ? [] : [...row.faults]
  const written = counted.acked + counted.dead + counted.filtered
  if (row.max !== written) faults.push(`max is ${row.max}, stored are ${written}`)
  if (row.lag !== 0) faults.push(`the lag is ${row.lag}`)
  for (const [bucket, count] of Object.entries(row.buckets)) {
    const expected = counted[bucket as End] ?? 0
    if (count !== expected) faults.push(`${bucket} is ${count}, counted were ${expected}`)
  }
  return faults
}
