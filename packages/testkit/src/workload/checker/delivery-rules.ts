// Rules about deliveries of one message to one group: when, how often, and never after it is settled.
import type { Delivery } from '../history.ts'
import type { GroupPlan } from '../seed-plan.ts'
import type { Verdict } from './check-input.ts'
import { promiseOf, surelySettles } from './invisible-time.ts'
import { placeOf, type Places } from './places.ts'

/** A pop without an answer may reach the broker this much later. */
const HIDDEN_POP_MS_MAX = 60_000

/** How many statements were made: a rule that never applies shows nothing. */
export interface RuleCounts {
  settledForSure: number
  invisiblePairs: number
  attemptPairs: number
}

export function checkDeliveries(places: Places, verdict: Verdict): RuleCounts {
  const counts: RuleCounts = { settledForSure: 0, invisiblePairs: 0, attemptPairs: 0 }
  const groups = new Map(places.input.groups.map((group) => [group.name, group]))
  const lost = lostPops(places)
  for (const deliveries of places.byMessage()) {
    const group = groups.get(deliveries[0]?.group ?? '')
    if (group === undefined) continue
    for (const [index, delivery] of deliveries.entries()) {
      const next = deliveries[index + 1]
      checkFilter(delivery, group, verdict)
      if (isNamedTwice(places, delivery, deliveries)) continue
      checkAfterAck(places, delivery, next, verdict, counts)
      if (next !== undefined) checkInvisible(places, delivery, next, verdict, counts)
    }
    checkAttempts(places, deliveries, group, lost.get(group.name) ?? [], verdict, counts)
  }
  for (const { name } of places.input.brokers) {
    for (const { startedMs, byMs } of places.times(name).contradictions()) {
      if (byMs > CLOCK_SLACK_MS)
        verdict.add('clock', `${name}, life from ${startedMs}: pop times contradict by ${byMs} ms`)
    }
  }
  return counts
}

/**
 * A power loss took a pop, and the broker gave its time again: the handle that a client has of the lost one acts on this
 * delivery, too.
 */
function isNamedTwice(places: Places, delivery: Delivery, deliveries: readonly Delivery[]): boolean {
  return deliveries.some(
    (other) => other !== delivery && other.popTimeMs === delivery.popTimeMs && places.isVolatile(other),
  )
}

/** A pop time is at least one above that of a delivery released in the same millisecond. */
const CLOCK_SLACK_MS = 5

function describe(delivery: Delivery): string {
  const { group, attempt, popTimeMs, endMs } = delivery
  return `${placeOf(delivery)} for ${group} (attempt ${attempt}, popped ${popTimeMs}, received ${endMs.toFixed(1)})`
}

function checkFilter(delivery: Delivery, { tagExpression }: GroupPlan, verdict: Verdict): void {
  if (tagExpression === '*' || delivery.tag === tagExpression) return
  verdict.add('filter', `${describe(delivery)} has the tag ${delivery.tag}, asked was ${tagExpression}`)
}

function checkAfterAck(
  places: Places,
  delivery: Delivery,
  next: Delivery | undefined,
  verdict: Verdict,
  counts: RuleCounts,
): void {
  const settlements = places.settlements(delivery)
  const times = places.times(delivery.brokerName)
  const ack = settlements.find((settlement) => surelySettles(settlement, delivery, settlements, times))
  if (ack === undefined) return
  counts.settledForSure += 1
  if (next === undefined) return
  verdict.add(
    'after-ack',
    `${describe(delivery)} was acknowledged until ${ack.endMs.toFixed(1)}, then ${describe(next)}`,
  )
}

function checkInvisible(
  places: Places,
  delivery: Delivery,
  next: Delivery,
  verdict: Verdict,
  counts: RuleCounts,
): void {
  const times = places.times(delivery.brokerName)
  const { untilMs } = promiseOf(delivery, places.settlements(delivery), times, next.endMs)
  if (untilMs === -Infinity) return
  counts.invisiblePairs += 1
  if (next.popTimeMs >= untilMs) return
  verdict.add('invisible', `${describe(delivery)} was promised until ${untilMs}, then ${describe(next)}`)
}

/** A pop whose messages the clients did not see, as far as they, or the proxies, know. */
interface LostPop {
  readonly startMs: number
  readonly endMs: number
}

/** By group: receives that failed, and pops to which a proxy got no answer while its client went on waiting. */
function lostPops({ input }: Places): ReadonlyMap<string, LostPop[]> {
  const lost = new Map<string, LostPop[]>()
  const failed = input.history.receives.filter(({ outcome }) => outcome === 'failed')
  for (const pop of [...failed, ...input.unanswered]) {
    const pops = lost.get(pop.group)
    if (pops === undefined) lost.set(pop.group, [pop])
    else pops.push(pop)
  }
  return lost
}

/** Deliveries that the clients can not have seen: at most one for each lost pop of that time. */
function hiddenMax(lost: readonly LostPop[], fromMs: number, toMs: number): number {
  return lost.filter(({ startMs, endMs }) => startMs <= toMs && endMs + HIDDEN_POP_MS_MAX >= fromMs).length
}

function checkAttempts(
  places: Places,
  deliveries: readonly Delivery[],
  { retryMaxTimes }: GroupPlan,
  lost: readonly LostPop[],
  verdict: Verdict,
  counts: RuleCounts,
): void {
  let before: Delivery | undefined
  for (const delivery of deliveries) {
    const { attempt } = delivery
    if (attempt < 1 || attempt > retryMaxTimes + 1) {
      verdict.add('attempts', `${describe(delivery)}: allowed are 1 to ${retryMaxTimes + 1}`)
    }
    const hidden = hiddenMax(lost, before?.startMs ?? 0, delivery.endMs)
    const attemptBefore = before?.attempt ?? 0
    if (attempt > attemptBefore + 1 + hidden) {
      verdict.add('attempts', `${describe(delivery)} after attempt ${attemptBefore}: at most ${hidden} were hidden`)
    }
    if (before !== undefined && !places.isVolatile(before) && !places.isVolatile(delivery)) {
      counts.attemptPairs += 1
      if (attempt <= attemptBefore) verdict.add('attempts', `${describe(delivery)} after ${describe(before)}`)
    }
    before = delivery
  }
}
