// What the clients saw: every attempt to send, every delivery and every acknowledgement, by what the message says of
// itself. It judges each delivery as it comes; the verdict over all of it is verdict.ts.
import { createRandom, hashOf } from '../random.ts'

/** Clocks of two processes may disagree by so much within one invisible time. */
const CLOCK_TOLERANCE_MS = 50
const BODY_BYTES_MAX = 64 * 1024

/** One request to send; a message that was not acknowledged is sent again as a new attempt. */
export interface Attempt {
  readonly id: string
  readonly beganMs: number
  /** unsent: there was no connection. unknown: it may be stored or not. */
  outcome: 'pending' | 'acknowledged' | 'unsent' | 'unknown'
  /** Queue offset that the receipt names. */
  offset: number | undefined
}

export type AckOutcome = 'none' | 'answered' | 'refused' | 'unknown'

export interface Delivery {
  readonly group: string
  readonly attempt: string
  /** Run of the server when the receive was asked for, and when it was answered. */
  readonly askedInRun: number
  readonly answeredInRun: number
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
  /** Undefined where the client does not tell. */
  readonly queueId: number | undefined
}

export interface PowerLossSeen {
  /** Run of the server that it ended. */
  readonly run: number
  /** What was answered before this time is in front of a send that was acknowledged, and so on the disk. */
  readonly flushedToMs: number
}

/** Beginning of a receive. */
export interface Asked {
  readonly run: number
  readonly ms: number
}

/** The body of an attempt: its name, then bytes that follow from the name. One in a hundred is large. */
export function bodyOf(attempt: string): Buffer {
  const random = createRandom(hashOf(attempt))
  const fate = random.next()
  const most = fate < 0.9 ? 600 : fate < 0.99 ? 5 * 1024 : BODY_BYTES_MAX
  const body = Buffer.alloc(attempt.length + 1 + random.integer(most))
  body.write(`${attempt}\n`, 'latin1')
  for (let at = attempt.length + 1; at + 4 <= body.length; at += 4) body.writeUInt32LE(random.integer(2 ** 32), at)
  return body
}

export class History {
  /** The server's run, counted up with every start. */
  run = 0
  readonly powerLosses: PowerLossSeen[] = []
  readonly attempts = new Map<string, Attempt>()
  /** By group and attempt, in the order of arrival. */
  readonly deliveries = new Map<string, Map<string, Delivery[]>>()
  /** By `queueId:offset`, the attempt found there. */
  readonly places = new Map<string, string>()
  readonly placeOf = new Map<string, { readonly queueId: number; readonly offset: number }>()
  #flushedToMs = 0
  acknowledged = 0
  received = 0
  redelivered = 0
  readonly faults = {
    body: [] as string[],
    unsent: [] as string[],
    place: [] as string[],
    tooEarly: [] as string[],
    afterAck: [] as string[],
  }

  begin(id: string): Attempt {
    const attempt: Attempt = { id, beganMs: performance.now(), outcome: 'pending', offset: undefined }
    this.attempts.set(id, attempt)
    return attempt
  }

  acknowledge(attempt: Attempt, offset: number): void {
    attempt.outcome = 'acknowledged'
    attempt.offset = offset
    this.acknowledged += 1
    this.#flushedToMs = Math.max(this.#flushedToMs, attempt.beganMs)
  }

  /** The run ended by a power loss. */
  losePower(): void {
    this.powerLosses.push({ run: this.run, flushedToMs: this.#flushedToMs })
  }

  asked(): Asked {
    return { run: this.run, ms: performance.now() }
  }

  /** Notes a delivery; undefined for a message that nobody sent. */
  deliver(group: string, asked: Asked, invisibleMs: number, seen: Seen): Delivery | undefined {
    this.received += 1
    const body = Buffer.from(seen.body.buffer, seen.body.byteOffset, seen.body.byteLength)
    const end = body.indexOf('\n')
    const id = body.toString('latin1', 0, Math.max(0, end))
    const attempt = this.attempts.get(id)
    if (attempt === undefined) {
      this.faults.unsent.push(`offset ${seen.offset}: ${JSON.stringify(body.toString('latin1', 0, 60))}`)
      return undefined
    }
    if (!body.equals(bodyOf(id))) this.faults.body.push(id)
    this.#place(attempt, seen)
    const delivery: Delivery = {
      group,
      attempt: id,
      askedInRun: asked.run,
      answeredInRun: this.run,
      askedMs: asked.ms,
      answeredMs: performance.now(),
      invisibleMs,
      ack: 'none',
      ackAnsweredMs: 0,
    }
    const earlier = this.deliveriesOf(group, id)
    if (earlier.length > 0) this.redelivered += 1
    for (const before of earlier) this.#judge(before, delivery)
    earlier.push(delivery)
    return delivery
  }

  deliveriesOf(group: string, attempt: string): Delivery[] {
    let ofGroup = this.deliveries.get(group)
    if (ofGroup === undefined) this.deliveries.set(group, (ofGroup = new Map()))
    let found = ofGroup.get(attempt)
    if (found === undefined) ofGroup.set(attempt, (found = []))
    return found
  }

  /** One attempt lies at one place, one place holds one attempt, and the receipt named it. */
  #place(attempt: Attempt, { queueId, offset }: Seen): void {
    const { id } = attempt
    if (attempt.offset !== undefined && attempt.offset !== offset) {
      this.faults.place.push(`${id}: offset ${offset}, its receipt says ${attempt.offset}`)
    }
    const known = this.placeOf.get(id)
    if (known !== undefined && (known.offset !== offset || (queueId ?? known.queueId) !== known.queueId)) {
      this.faults.place.push(`${id}: at ${known.queueId}:${known.offset}, then at ${queueId ?? '?'}:${offset}`)
    }
    if (queueId === undefined) return
    const key = `${queueId}:${offset}`
    const holder = this.places.get(key)
    if (holder !== undefined && holder !== id) this.faults.place.push(`${key}: held ${holder}, then ${id}`)
    this.places.set(key, id)
    this.placeOf.set(id, { queueId, offset })
  }

  /**
   * The rule for a second delivery to a group. Pops and acknowledgements are answered when they are in the page cache:
   * a kill loses none of them, and a power loss only those behind the last sync. So, but for these,
   *
   * - the second one comes when the invisible time of the first is over, counted from when it was asked for, and
   * - it does not come at all when the first was acknowledged, and that answered OK, before its time was over.
   */
  #judge(first: Delivery, second: Delivery): void {
    const overMs = first.askedMs + first.invisibleMs
    const name = `${first.group} ${first.attempt} in run ${first.answeredInRun}, again in run ${second.answeredInRun}`
    if (second.answeredMs < overMs - CLOCK_TOLERANCE_MS) {
      if (this.#mayBeLost(first.answeredMs, first, second)) return
      this.faults.tooEarly.push(`${name} after ${Math.round(second.answeredMs - first.answeredMs)} ms`)
    } else if (first.ack === 'answered' && first.ackAnsweredMs < overMs) {
      if (this.#mayBeLost(Math.max(first.answeredMs, first.ackAnsweredMs), first, second)) return
      this.faults.afterAck.push(name)
    }
  }

  /** What was answered at this time may have been taken back by a power loss between the deliveries. */
  #mayBeLost(answeredMs: number, first: Delivery, second: Delivery): boolean {
    return this.powerLosses.some(
      ({ run, flushedToMs }) => first.askedInRun <= run && run < second.answeredInRun && answeredMs >= flushedToMs,
    )
  }
}
