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

/** Queues of one topic that follow one another take the least room. */
export function encodeQueueStates(states: readonly QueueState[]): Buffer {
  let bytes = 0
  let last: string | undefined
  for (const { topic, units } of states) {
    bytes += FIXED_BYTES + (topic === last ? 0 : Buffer.byteLength(topic)) + (units?.length ?? 0)
    last = topic
  }
  const into = Buffer.allocUnsafe(bytes)
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
  return into
}

/** How many queues these bytes hold; undefined for bytes that can not be. */
export function countQueueStates(from: Buffer): number | undefined {
  let queues = 0
  for (let at = 0; at < from.length; queues += 1) {
    if (at + FIXED_BYTES > from.length) return undefined
    const length = from.readUInt16BE(at)
    at += 2 + length
    if (at + FIXED_BYTES - 2 > from.length || (length === 0 && queues === 0)) return undefined
    const min = from.readDoubleBE(at + 8)
    const max = from.readDoubleBE(at + 16)
    const count = from.readUInt32BE(at + 24)
    if (!isPosition(from.readDoubleBE(at)) || !isPosition(min) || !isPosition(max)) return undefined
    at += FIXED_BYTES - 2 + count * UNIT_BYTES
    if (min > max || count > max || at > from.length) return undefined
  }
  return queues
}

/** The queues of bytes that were counted, one after the other: a list of them all takes megabytes. Units are views. */
export function* readQueueStates(from: Buffer): Generator<QueueState> {
  let topic = ''
  for (let at = 0; at < from.length;) {
    const length = from.readUInt16BE(at)
    at += 2
    if (length > 0) topic = from.toString('utf8', at, at + length)
    at += length
    const queueId = from.readDoubleBE(at)
    const min = from.readDoubleBE(at + 8)
    const max = from.readDoubleBE(at + 16)
    const unitsAt = at + FIXED_BYTES - 2
    const unitsEnd = unitsAt + from.readUInt32BE(at + 24) * UNIT_BYTES
    at = unitsEnd
    if (unitsAt === unitsEnd) yield { topic, queueId, min, max }
    else yield { topic, queueId, min, max, units: from.subarray(unitsAt, unitsEnd) }
  }
}
