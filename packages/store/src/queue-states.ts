// The queues in our checkpoint, in bytes: 10,000 of them are written every few seconds. Big-endian, one after the other:
//
//   2  length of the topic, 0 for that of the queue before     8  max, a double
//   n  topic, UTF-8                                            4  number of units in the checkpoint
//   8  queueId, a double                                       4  number of places in packs: none in version 2
//   8  min, a double
//
// Then the places, 24 bytes each (4 pack, 4 place in it, 4 units, 4 CRC, 8 position in the log, a double), and the units, 20
// bytes each.
import type { QueueState } from './consume-queue/queue-table.ts'
import { UNIT_BYTES } from './consume-queue/unit.ts'
import type { PackedUnits } from './consume-queue/unit-packs.ts'

/** Of the fields behind the topic. */
const FIELDS_BYTES = { 2: 8 + 8 + 8 + 4, 3: 8 + 8 + 8 + 4 + 4 } as const
const TOPIC_LENGTH_BYTES = 2
const PLACE_BYTES = 4 + 4 + 4 + 4 + 8
/** Version of a checkpoint with such states; what is written is of the last one. */
export type StatesVersion = keyof typeof FIELDS_BYTES
const VERSION: StatesVersion = 3

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

function statesIn(bytes: Buffer, lost: readonly number[], version: StatesVersion): QueueStates {
  return { bytes, lost, [Symbol.iterator]: () => readStates(bytes, new Set(lost), version) }
}

/** Goes through the queues twice. Those of one topic that follow one another take the least room. */
export function encodeQueueStates(states: Iterable<QueueState>): QueueStates {
  const lost: number[] = []
  let bytes = 0
  let count = 0
  let last: string | undefined
  for (const { topic, packed, units, isLost } of states) {
    bytes += TOPIC_LENGTH_BYTES + FIELDS_BYTES[VERSION] + (topic === last ? 0 : Buffer.byteLength(topic))
    bytes += (packed?.length ?? 0) * PLACE_BYTES + (units?.length ?? 0)
    if (isLost === true) lost.push(count)
    count += 1
    last = topic
  }
  const into = Buffer.allocUnsafeSlow(bytes)
  let at = 0
  last = undefined
  for (const { topic, queueId, min, max, packed = [], units } of states) {
    const length = topic === last ? 0 : into.write(topic, at + 2)
    at = into.writeUInt16BE(length, at) + length
    at = into.writeDoubleBE(queueId, at)
    at = into.writeDoubleBE(min, at)
    at = into.writeDoubleBE(max, at)
    at = into.writeUInt32BE((units?.length ?? 0) / UNIT_BYTES, at)
    at = into.writeUInt32BE(packed.length, at)
    for (const place of packed) at = writePlace(into, at, place)
    if (units !== undefined) {
      into.set(units, at)
      at += units.length
    }
    last = topic
  }
  return statesIn(into, lost, VERSION)
}

function writePlace(into: Buffer, start: number, { pack, at, units, crc, position }: PackedUnits): number {
  let end = into.writeUInt32BE(pack, start)
  end = into.writeUInt32BE(at, end)
  end = into.writeUInt32BE(units, end)
  end = into.writeUInt32BE(crc, end)
  return into.writeDoubleBE(position, end)
}

function readPlaces(from: Buffer, start: number, count: number): PackedUnits[] {
  return Array.from({ length: count }, (_, index) => {
    const place = start + index * PLACE_BYTES
    const [pack, at, units, crc] = [0, 4, 8, 12].map((field) => from.readUInt32BE(place + field))
    return { pack: pack!, at: at!, units: units!, crc: crc!, position: from.readDoubleBE(place + 16) }
  })
}

/** Undefined for bytes that can not be. */
export function decodeQueueStates(
  bytes: Buffer,
  lost: readonly number[] = [],
  version: StatesVersion = VERSION,
): QueueStates | undefined {
  return isQueueStates(bytes, version) ? statesIn(bytes, lost, version) : undefined
}

function isQueueStates(from: Buffer, version: StatesVersion): boolean {
  const fieldsBytes = FIELDS_BYTES[version]
  for (let at = 0; at < from.length;) {
    if (at + TOPIC_LENGTH_BYTES + fieldsBytes > from.length) return false
    const length = from.readUInt16BE(at)
    if (length === 0 && at === 0) return false
    at += TOPIC_LENGTH_BYTES + length
    if (at + fieldsBytes > from.length) return false
    const min = from.readDoubleBE(at + 8)
    const max = from.readDoubleBE(at + 16)
    const count = from.readUInt32BE(at + 24)
    const places = version === 2 ? 0 : from.readUInt32BE(at + 28)
    if (!isPosition(from.readDoubleBE(at)) || !isPosition(min) || !isPosition(max)) return false
    at += fieldsBytes
    const end = at + places * PLACE_BYTES + count * UNIT_BYTES
    if (min > max || end > from.length) return false
    let units = count
    for (const place of readPlaces(from, at, places)) {
      if (!isPosition(place.position) && place.position !== Infinity) return false
      units += place.units
    }
    if (units > max) return false
    at = end
  }
  return true
}

/** Units are views. */
function* readStates(from: Buffer, lost: ReadonlySet<number>, version: StatesVersion): Generator<QueueState> {
  let topic = ''
  let place = 0
  for (let at = 0; at < from.length; place += 1) {
    const length = from.readUInt16BE(at)
    at += TOPIC_LENGTH_BYTES
    if (length > 0) topic = from.toString('utf8', at, at + length)
    at += length
    const queueId = from.readDoubleBE(at)
    const min = from.readDoubleBE(at + 8)
    const max = from.readDoubleBE(at + 16)
    const count = from.readUInt32BE(at + 24)
    const places = version === 2 ? 0 : from.readUInt32BE(at + 28)
    const placesAt = at + FIELDS_BYTES[version]
    const unitsAt = placesAt + places * PLACE_BYTES
    at = unitsAt + count * UNIT_BYTES
    const state = { topic, queueId, min, max }
    const packed = places === 0 ? {} : { packed: readPlaces(from, placesAt, places) }
    const units = count === 0 ? {} : { units: from.subarray(unitsAt, at) }
    yield { ...state, ...packed, ...units, ...(lost.has(place) && { isLost: true }) }
  }
}
