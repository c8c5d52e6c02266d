// What the clients saw: every attempt to send, every delivery and every acknowledgement, by what the message says of
// itself. It notes; redelivery.ts has the rules for deliveries, verdict.ts judges all of it. Messages with which
// everything went well are kept as a name and a place alone, so that a run may have millions.
import type { Bodies } from './bodies.ts'
import { Returns } from './returns.ts'
import { Settled } from './settled.ts'

/** A message that was acknowledged by all groups is settled so much later: what goes wrong mostly does so before. */
const SETTLE_AFTER_MS = 15_000

/** One request to send; a message that was not acknowledged is sent again as a new attempt. */
export interface Attempt {
  readonly id: string
  readonly beganMs: number
  /** When it was answered, or failed. */
  endedMs: number
  /** unsent: there was no connection. unknown: it may be stored or not. */
  outcome: 'pending' | 'acknowledged' | 'unsent' | 'unknown'
  /** Queue offset that the receipt names. */
  offset: number | undefined
  /**
   * Where it was found. A broker that refuses a message, or dies before it answers, may have stored it, and then the
   * proxy gives it to another one: there may be one copy at each broker, never two at one.
   */
  readonly copies: Copy[]
}

export interface Copy {
  readonly attempt: Attempt
  readonly brokerName: string
  readonly queueId: number
  readonly offset: number
  /** By group, in the order of arrival. */
  readonly deliveries: Map<string, Delivery[]>
}

export type AckOutcome = 'none' | 'answered' | 'refused' | 'unknown'

export interface Delivery {
  readonly group: string
  readonly copy: Copy
  /** The message was invisible for others from some time after this. */
  readonly askedMs: number
  readonly answeredMs: number
  readonly invisibleMs: number
  ack: AckOutcome
  ackAnsweredMs: number
}

export interface Seen {
  readonly body: Uint8Array
  readonly offset: number
  readonly brokerName: string
  readonly queueId: number
}

export interface PowerLossSeen {
  readonly brokerName: string
  /** The process was gone. */
  readonly goneMs: number
  /** What the broker answered before this time is in front of a send that it acknowledged, and so on the disk. */
  flushedToMs: number
}

interface Settling {
  readonly copy: Copy
  readonly sinceMs: number
}

export class History {
  /** In their order. */
  readonly powerLosses: PowerLossSeen[] = []
  readonly returns = new Returns()
  /** But for the settled ones, and for those that never left this process. */
  readonly attempts = new Map<string, Attempt>()
  /** By broker, queue and offset, what was found there, but for the settled ones. */
  readonly places = new Map<string, Copy>()
  readonly settled = new Settled()
  unsent = 0
  acknowledged = 0
  received = 0
  redelivered = 0
  readonly faults = { body: [] as string[], unsent: [] as string[], place: [] as string[], settled: [] as string[] }
  readonly #bodies: Bodies
  readonly #groups: readonly string[]
  /** By broker: what it answered before this time is on the disk, whatever comes. */
  readonly #flushedToMs = new Map<string, number>()
  /** Acknowledged by all groups, the oldest first. */
  #settling: Settling[] = []
  #settlingHead = 0

  constructor(bodies: Bodies, groups: readonly string[]) {
    this.#bodies = bodies
    this.#groups = groups
  }

  begin(id: string): Attempt {
    const beganMs = performance.now()
    const attempt: Attempt = { id, beganMs, endedMs: Infinity, outcome: 'pending', offset: undefined, copies: [] }
    this.attempts.set(id, attempt)
    return attempt
  }

  acknowledge(attempt: Attempt, offset: number): void {
    attempt.outcome = 'acknowledged'
    attempt.endedMs = performance.now()
    attempt.offset = offset
    this.acknowledged += 1
    const copy = promisedCopy(attempt)
    if (copy !== undefined) this.#notePromised(copy)
  }

  fail(attempt: Attempt, outcome: 'unsent' | 'unknown'): void {
    attempt.outcome = outcome
    attempt.endedMs = performance.now()
    if (outcome === 'unknown') return
    this.unsent += 1
    this.attempts.delete(attempt.id)
  }

  /** The broker is gone, and with it what no sync had made durable. Told before it starts again. */
  losePower(brokerName: string, goneMs: number): void {
    this.powerLosses.push({ brokerName, goneMs, flushedToMs: this.#flushedToMs.get(brokerName) ?? 0 })
  }

  /** Only a refused handle says that nothing was acknowledged; the other codes may hide an answer that was lost. */
  noteAck(delivery: Delivery, code: string | undefined): void {
    if (code === 'OK') delivery.ack = 'answered'
    else if (code === 'INVALID_RECEIPT_HANDLE') delivery.ack = 'refused'
    delivery.ackAnsweredMs = performance.now()
    if (delivery.ack === 'answered') this.#noteSettling(delivery.copy)
  }

  /** Notes a delivery of a receive that was asked for at this time; undefined for a message that nobody sent. */
  deliver(group: string, askedMs: number, invisibleMs: number, seen: Seen): Delivery | undefined {
    this.received += 1
    const body = Buffer.from(seen.body.buffer, seen.body.byteOffset, seen.body.byteLength)
    const id = body.toString('latin1', 0, Math.max(0, body.indexOf('\n')))
    this.returns.delivered(seen.brokerName)
    const attempt = this.attempts.get(id) ?? this.#attemptAgain(id, group, seen)
    if (attempt === undefined) return undefined
    if (!body.equals(this.#bodies.of(id))) this.faults.body.push(id)
    const copy = this.#copyOf(attempt, seen)
    const delivery: Delivery = {
      group,
      copy,
      askedMs,
      answeredMs: performance.now(),
      invisibleMs,
      ack: 'none',
      ackAnsweredMs: 0,
    }
    const earlier = copy.deliveries.get(group)
    if (earlier === undefined) copy.deliveries.set(group, [delivery])
    else {
      earlier.push(delivery)
      this.redelivered += 1
    }
    return delivery
  }

  /** An attempt lies at one place of a broker, and a place holds one attempt. */
  #copyOf(attempt: Attempt, seen: Seen): Copy {
    const { brokerName, queueId, offset } = seen
    const place = placeOf(seen)
    const known = attempt.copies.find((copy) => copy.brokerName === brokerName)
    if (known !== undefined) {
      if (placeOf(known) !== place) this.faults.place.push(`${attempt.id}: at ${placeOf(known)}, then at ${place}`)
      return known
    }
    const copy: Copy = { attempt, brokerName, queueId, offset, deliveries: new Map() }
    attempt.copies.push(copy)
    const holder = this.places.get(place)?.attempt.id ?? (this.settled.has(place) ? 'a settled one' : undefined)
    if (holder === undefined) this.places.set(place, copy)
    else this.faults.place.push(`${place}: held ${holder}, then ${attempt.id}`)
    if (promisedCopy(attempt) === copy) this.#notePromised(copy)
    return copy
  }

  /** A message came that is not among the attempts: settled, or never sent. Only another broker may have a copy. */
  #attemptAgain(id: string, group: string, seen: Seen): Attempt | undefined {
    const place = placeOf(seen)
    const settledAt = this.settled.brokerOf(id)
    if (settledAt === undefined) this.faults.unsent.push(`${place}: ${JSON.stringify(id.slice(0, 60))}`)
    else if (this.settled.has(place)) this.faults.settled.push(`${group} ${id} at ${place}, again after it was settled`)
    else if (settledAt === seen.brokerName) this.faults.place.push(`${id}: settled at ${settledAt}, then at ${place}`)
    else {
      const attempt = this.begin(id)
      this.fail(attempt, 'unknown')
      return attempt
    }
    return undefined
  }

  /** An acknowledged send proves that everything its broker answered before it was sent is on the disk. */
  #notePromised(copy: Copy): void {
    const { attempt, brokerName } = copy
    if (attempt.outcome !== 'acknowledged') return
    const { beganMs, endedMs } = attempt
    this.#flushedToMs.set(brokerName, Math.max(this.#flushedToMs.get(brokerName) ?? 0, beganMs))
    for (let index = this.powerLosses.length - 1; index >= 0; index -= 1) {
      const loss = this.powerLosses[index]
      if (loss === undefined || loss.goneMs < endedMs) break
      if (loss.brokerName === brokerName) loss.flushedToMs = Math.max(loss.flushedToMs, beganMs)
    }
    this.#noteSettling(copy)
  }

  #noteSettling(copy: Copy): void {
    if (!this.#isDone(copy)) return
    const nowMs = performance.now()
    this.#settling.push({ copy, sinceMs: nowMs })
    for (;;) {
      const first = this.#settling[this.#settlingHead]
      if (first === undefined || first.sinceMs > nowMs - SETTLE_AFTER_MS) break
      this.#settlingHead += 1
      this.#settle(first.copy)
    }
    if (this.#settlingHead < this.#settling.length / 2) return
    this.#settling = this.#settling.slice(this.#settlingHead)
    this.#settlingHead = 0
  }

  /** Acknowledged, at one place, and delivered once to each group, which acknowledged it in time. */
  #isDone(copy: Copy): boolean {
    const { attempt, deliveries } = copy
    if (attempt.outcome !== 'acknowledged' || attempt.copies.length !== 1 || attempt.offset !== copy.offset)
      return false
    return this.#groups.every((group) => {
      const [only, ...others] = deliveries.get(group) ?? []
      if (only === undefined || others.length > 0 || only.ack !== 'answered') return false
      return only.ackAnsweredMs < only.askedMs + only.invisibleMs
    })
  }

  /** Only where no power loss, of the past or to come, could excuse that it comes again. */
  #settle(copy: Copy): void {
    const { attempt, brokerName } = copy
    const place = placeOf(copy)
    if (this.attempts.get(attempt.id) !== attempt || !this.#isDone(copy)) return
    const all = Array.from(copy.deliveries.values()).flat()
    const askedMs = Math.min(...all.map((delivery) => delivery.askedMs))
    const answeredMs = Math.max(...all.map((delivery) => delivery.ackAnsweredMs))
    if ((this.#flushedToMs.get(brokerName) ?? 0) <= answeredMs) return
    for (let index = this.powerLosses.length - 1; index >= 0; index -= 1) {
      const loss = this.powerLosses[index]
      if (loss === undefined || loss.goneMs < askedMs) break
      if (loss.brokerName === brokerName && answeredMs >= loss.flushedToMs) return
    }
    this.attempts.delete(attempt.id)
    this.places.delete(place)
    this.settled.add(attempt.id, place, copy)
  }
}

/** `broker:queue:offset`, as faults name it. */
export function placeOf({ brokerName, queueId, offset }: Omit<Seen, 'body'>): string {
  return `${brokerName}:${queueId}:${offset}`
}

/** The copy that the receipt of an acknowledged attempt names, once it was found. */
export function promisedCopy({ copies, offset }: Attempt): Copy | undefined {
  return copies.find((copy) => copy.offset === offset)
}
