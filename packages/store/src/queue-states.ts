// The queues in our checkpoint, in bytes: 10,000 of them are written every few seconds. Big-endian, one after the other:
//
//   2  length of the topic, 0 for that of the queue before     8  min, a double
//   n  topic, UTF-8                                            8  max, a double
//   8  queueId, a double                                       4  number of units; 20 bytes each follow
import type { QueueState } from './consume-queue/queue-table.ts'
import { UNIT_BYTES } from './consume-queue/unit.ts'

const FIXED_BYTES = 2 + 8 + 8 + 8 + 4

/** What a JSON number or a double must be to stand for a position, a count or an offset. */
export function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Queues as they were at one moment, in bytes: a list of 10,000 takes megabytes. Read one by one, each time anew. */
export interface QueueStates extends Iterable<QueueState> {
  readonly bytes: Buffer
  /** Places of those whose files nothing may count on; not in the bytes. */
  readonly lost: readonly number[]
}

function statesIn(bytes: Buffer, lost: readonly number[]): QueueStates {
  return { bytes, lost, [Symbol.iterator]: () => readStates(bytes, new Set(lost)) }
}

/** Goes through the queues twice. Those of one topic that follow one another take the least room. */
export function encodeQueueStates(states: Iterable<QueueState>): QueueStates {
  const lost: number[] = []
  let bytes = 0
  let count = 0
  let last: string | undefined
  for (const { topic, units, isLost } of states) {
    bytes += FIXED_BYTES + (topic === last ? 0 : Buffer.byteLength(topic)) + (units?.length ?? 0)
    if (isLost === true) lost.push(count)
    count += 1
    last = topic
  }
  const into = Buffer.allocUnsafeSlow(bytes)
  let at = 0
  last = undefined
  for (const { topic, queueId, min, max, units } of states) {
    const length = topic === last ? 0 : into.write(topic, at + 2)
    at = into.writeUInt16BE(length, at) + length
    at = into.writeDoubleBE(queueId, at)
    at = into.writeDoubleBE(min, at)
    at = into.writeDoubleBE(max, at)
    at = into.writeUInt32BE((units?.length ?? 0) / UNIT_BYTES, at)
    if (units !== undefined) {
      into.set(units, at)
      at += units.length
    }
    last = topic
  }
  return statesIn(into, lost)
}

/** Undefined for bytes that can not be. */
export function decodeQueueStates(bytes: Buffer, lost: readonly number[] = []): QueueStates | undefined {
  return isQueueStates(bytes) ? statesIn(bytes, lost) : undefined
}

function isQueueStates(from: Buffer): boolean {
  for (let at = 0; at < from.length;) {
    if (at + FIXED_BYTES > from.length) return false
    const length = from.readUInt16BE(at)
    if (length === 0 && at === 0) return false
    at += 2 + length
    if (at + FIXED_BYTES - 2 > from.length) return false
    const min = from.readDoubleBE(at + 8)
    const max = from.readDoubleBE(at + 16)
    const count = from.readUInt32BE(at + 24)
    if (!isPosition(from.readDoubleBE(at)) || !isPosition(min) || !isPosition(max)) return false
    at += FIXED_BYTES - 2 + count * UNIT_BYTES
    if (min > max || count > max || at > from.length) return false
  }
  return true
}

/** Units are views. */
function* readStates(from: Buffer, lost: ReadonlySet<number>): Generator<QueueState> {
  let topic = ''
  let place = 0
  for (let at = 0; at < from.length; place += 1) {
    const length = from.readUInt16BE(at)
    at += 2
    if (length > 0) topic = from.toString('utf8', at, at + length)
    at += length
    const queueId = from.readDoubleBE(at)
    const min = from.readDoubleBE(at + 8)
    const max = from.readDoubleBE(at + 16)
    const unitsAt = at + FIXED_BYTES - 2
    at = unitsAt + from.readUInt32BE(at + 24) * UNIT_BYTES
    const state = { topic, queueId, min, max }
    const units = unitsAt === at ? {} : { units: from.subarray(unitsAt, at) }
    yield { ...state, ...units, ...(lost.has(place) && { isLost: true }) }
  }
}
