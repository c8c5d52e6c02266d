// What consumers of the harness got, and in which order they got and acknowledged it. A message is named by its body.
import type { RawClient, RawMessage } from '../raw-client.ts'
import { queueOf } from '../kill/raw-consumer.ts'

const BATCH = 16
const POLL_MS = 1_500
/** The shortest that there is: so long a message is away that was given to a proxy which died. */
export const INVISIBLE_MS = 10_000

/** One delivery. Ticks number everything that this process saw or did, in its order. */
export interface Arrival {
  readonly group: string
  readonly name: string
  readonly brokerName: string
  readonly queueId: number
  readonly offset: number
  readonly askedMs: number
  /** Wall time. */
  readonly arrivedMs: number
  readonly tick: number
  /** The same for all of one answer. */
  readonly answer: number
  /** When its acknowledgement was sent. */
  ackTick: number | undefined
  /** It answered OK before the message could come again. */
  isAcked: boolean
}

export class Arrivals {
  /** By group, then by name. */
  readonly #all = new Map<string, Map<string, Arrival[]>>()
  #ticks = 0
  #answers = 0
  received = 0

  tick(): number {
    this.#ticks += 1
    return this.#ticks
  }

  ofGroup(group: string): ReadonlyMap<string, readonly Arrival[]> {
    return this.#all.get(group) ?? new Map<string, Arrival[]>()
  }

  of(group: string, name: string): readonly Arrival[] {
    return this.#all.get(group)?.get(name) ?? []
  }

  /** Notes the messages of one answer, in their order. */
  note(group: string, askedMs: number, messages: readonly RawMessage[]): Arrival[] {
    const answer = (this.#answers += 1)
    const arrivedMs = Date.now()
    const names = this.#all.get(group) ?? new Map<string, Arrival[]>()
    this.#all.set(group, names)
    return messages.map(({ body, queueOffset: offset, queueId, receiptHandle }) => {
      const name = body.toString('latin1')
      const { brokerName } = queueOf(receiptHandle)
      const tick = this.tick()
      const arrival: Arrival = {
        group,
        name,
        brokerName,
        queueId,
        offset,
        askedMs,
        arrivedMs,
        tick,
        answer,
        ackTick: undefined,
        isAcked: false,
      }
      const earlier = names.get(name)
      if (earlier === undefined) names.set(name, [arrival])
      else earlier.push(arrival)
      this.received += 1
      return arrival
    })
  }

  /** Receives once from a broker, and acknowledges what came. Rejects where an outcome is unknown. */
  async receiveOnce(client: RawClient, topic: string, group: string, brokerName: string): Promise<void> {
    const askedMs = Date.now()
    const found = await client.receive({
      topic,
      group,
      brokerName,
      batchSize: BATCH,
      invisibleMs: INVISIBLE_MS,
      pollMs: POLL_MS,
    })
    if (found.length === 0) return
    const arrivals = this.note(group, askedMs, found)
    for (const arrival of arrivals) arrival.ackTick = this.tick()
    const codes = await client.ack(topic, group, found)
    const answeredMs = Date.now()
    for (const [index, arrival] of arrivals.entries()) {
      arrival.isAcked = codes[index] === 'OK' && answeredMs < askedMs + INVISIBLE_MS
    }
  }

  /** Nodes were killed, none lost its power: an acknowledgement that was answered holds, and so does an invisible time. */
  cameAgain(group: string): string[] {
    const faults: string[] = []
    for (const arrivals of this.ofGroup(group).values()) {
      for (const [index, second] of arrivals.entries()) {
        for (const first of arrivals.slice(0, index)) {
          if (placeOf(first) !== placeOf(second)) continue
          if (first.isAcked) faults.push(`${nameOf(second)} again after its acknowledgement`)
          else if (second.arrivedMs < first.askedMs + INVISIBLE_MS)
            faults.push(`${nameOf(second)} within its invisible time`)
        }
      }
    }
    return faults
  }

  /** A message lies at one place of a broker; a proxy may give it to another one when the first does not answer. */
  placedTwice(group: string): string[] {
    const faults: string[] = []
    for (const arrivals of this.ofGroup(group).values()) {
      const places = new Map<string, Arrival>()
      for (const arrival of arrivals) {
        const known = places.get(arrival.brokerName) ?? arrival
        places.set(arrival.brokerName, known)
        if (placeOf(known) !== placeOf(arrival)) faults.push(`${nameOf(known)} and ${nameOf(arrival)}`)
      }
    }
    return faults
  }
}

export function placeOf({ brokerName, queueId, offset }: Arrival): string {
  return `${brokerName}:${queueId}:${offset}`
}

export function nameOf(arrival: Arrival): string {
  return `${arrival.group} ${arrival.name} at ${placeOf(arrival)}`
}
