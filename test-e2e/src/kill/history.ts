// What the clients saw: every attempt to send, every delivery and every acknowledgement, by what the message says of
// itself. It notes; redelivery.ts has the rules for deliveries, verdict.ts judges all of it.
import type { Bodies } from './bodies.ts'

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
}

export class History {
  readonly powerLosses: PowerLossSeen[] = []
  readonly attempts = new Map<string, Attempt>()
  /** By broker, queue and offset, what was found there. */
  readonly places = new Map<string, Copy>()
  acknowledged = 0
  received = 0
  redelivered = 0
  readonly faults = { body: [] as string[], unsent: [] as string[], place: [] as string[] }
  readonly #bodies: Bodies

  constructor(bodies: Bodies) {
    this.#bodies = bodies
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
  }

  fail(attempt: Attempt, outcome: 'unsent' | 'unknown'): void {
    attempt.outcome = outcome
    attempt.endedMs = performance.now()
  }

  /** Notes a delivery of a receive that was asked for at this time; undefined for a message that nobody sent. */
  deliver(group: string, askedMs: number, invisibleMs: number, seen: Seen): Delivery | undefined {
    this.received += 1
    const body = Buffer.from(seen.body.buffer, seen.body.byteOffset, seen.body.byteLength)
    const id = body.toString('latin1', 0, Math.max(0, body.indexOf('\n')))
    const attempt = this.attempts.get(id)
    if (attempt === undefined) {
      this.faults.unsent.push(`${placeOf(seen)}: ${JSON.stringify(body.toString('latin1', 0, 60))}`)
      return undefined
    }
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
    const holder = this.places.get(place)
    if (holder === undefined) this.places.set(place, copy)
    else this.faults.place.push(`${place}: held ${holder.attempt.id}, then ${attempt.id}`)
    return copy
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
