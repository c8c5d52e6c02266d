// Everything known about one message of one queue, by group: the index that the rules walk.
import type { AuditedRecord } from '../../cluster/store-audit.ts'
import type { Delivery, Settlement } from '../history.ts'
import { BrokerTimes } from './broker-times.ts'
import type { CheckInput } from './check-input.ts'

export interface Place {
  readonly brokerName: string
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
}

export function placeOf({ brokerName, topic, queueId, queueOffset }: Place): string {
  return `${brokerName} ${topic} ${queueId} ${queueOffset}`
}

/** A dead-letter copy and the message it stands for. */
export interface DeadLetter {
  readonly record: AuditedRecord
  readonly group: string
  readonly origin: Place
  readonly popTimeMs: number
}

export class Places {
  readonly input: CheckInput
  /** By place. */
  readonly stored = new Map<string, AuditedRecord>()
  readonly deadLetters: DeadLetter[] = []
  readonly #times: ReadonlyMap<string, BrokerTimes>
  readonly #deliveries = new Map<string, Delivery[]>()
  readonly #settlements = new Map<number, Settlement[]>()

  constructor(input: CheckInput) {
    this.input = input
    const { history, syncMsMax } = input
    this.#times = new Map(
      input.brokers.map(({ name, lives }) => {
        const own = history.deliveries.filter(({ brokerName }) => brokerName === name)
        return [name, new BrokerTimes(lives, own, syncMsMax)]
      }),
    )
    for (const delivery of history.deliveries) push(this.#deliveries, keyOf(delivery.group, delivery), delivery)
    for (const list of this.#deliveries.values()) order(list)
    for (const settlement of history.settlements) push(this.#settlements, settlement.deliveryId, settlement)
    const topics = new Set(input.topics.map(({ name }) => name))
    for (const record of input.audits.flatMap(({ records }) => records)) {
      if (topics.has(record.topic)) this.stored.set(placeOf(record), record)
      else this.deadLetters.push(deadLetterOf(record))
    }
  }

  times(brokerName: string): BrokerTimes {
    return this.#times.get(brokerName) ?? new BrokerTimes([], [], 0)
  }

  /** Deliveries of one message to one group, in their order. */
  deliveries(group: string, place: Place): readonly Delivery[] {
    return this.#deliveries.get(keyOf(group, place)) ?? []
  }

  /** All deliveries, message by message. */
  *byMessage(): Iterable<readonly Delivery[]> {
    yield* this.#deliveries.values()
  }

  /** What was done about one delivery, in order. */
  settlements(delivery: Delivery): readonly Settlement[] {
    return this.#settlements.get(delivery.id) ?? []
  }

  /** What the broker may have forgotten. */
  isVolatile(delivery: Delivery, time: { readonly startMs: number; readonly endMs: number } = delivery): boolean {
    return this.times(delivery.brokerName).isVolatile(time)
  }
}

/**
 * By pop time, unless the times of the world say otherwise: after a power loss a broker may give pop times again that
 * lie before lost ones.
 */
function order(deliveries: Delivery[]): void {
  deliveries.sort((a, b) => a.popTimeMs - b.popTimeMs)
  for (let at = 1; at < deliveries.length; at += 1) {
    for (let to = at; to > 0; to -= 1) {
      const [before, after] = [deliveries[to - 1], deliveries[to]]
      if (before === undefined || after === undefined || after.endMs >= before.startMs) break
      deliveries[to - 1] = after
      deliveries[to] = before
    }
  }
}

function keyOf(group: string, place: Place): string {
  return `${group} ${placeOf(place)}`
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** Written by the broker as: incarnation queueId queueOffset popTime group topic. */
const ORIGIN = /(?:^|\0)\d+ (\d+) (\d+) (\d+) (\S+) (\S+)$/u

function deadLetterOf(record: AuditedRecord): DeadLetter {
  let match: RegExpExecArray | null = null
  for (const [name, value] of record.properties) if (name.endsWith('ORIGIN')) match ??= ORIGIN.exec(value)
  const [, queueId, queueOffset, popTime, group = '', topic = ''] = match ?? []
  const origin = { brokerName: record.brokerName, topic, queueId: Number(queueId), queueOffset: Number(queueOffset) }
  return { record, group, origin, popTimeMs: Number(popTime) }
}
