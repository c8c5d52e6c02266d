// One record by its place in the log alone, as ids and the key index name it. It counts when its queue names the same
// place: then it is a record and no bytes inside of one, of the topic as it is now, and not expired.
import {
  type CommitLogOffset,
  commitLogOffset,
  createRecordPeek,
  MqError,
  peekRecord,
  type QueueId,
  queueOffset,
} from '@rocketmq-ts/model'
import { isDamage } from '../commit-log/scan.ts'
import type { RecordReads } from '../commit-log/record-reads.ts'
import type { QueueReader, RecordReader } from '../message-store.ts'
import { hasUnit, topicOf } from '../record-fields.ts'
import type { FoundRecord } from './message-queries.ts'

/** Loads of units for one look, at most: a small cache may give them up in between. */
const LOADS_MAX = 16
/** Looks at a unit that was mended after the one before, at most. */
const LOOKS_MAX = 4

export interface RecordPlaces {
  readonly reader: RecordReader & QueueReader
  readonly log: Pick<RecordReads, 'sizeAt' | 'queueAt' | 'sizeMaxToday'>
  /** See UnitReads.isBorderRight. */
  readonly isBorderRight: (queue: QueueId, offset: number) => Promise<boolean>
}

/** Where the log has the message of a queue offset; undefined without one. */
async function placeOf(
  reader: QueueReader,
  topic: string,
  queueId: number,
  offset: number,
): Promise<number | undefined> {
  let place: number | undefined
  for (let load = 0; load <= LOADS_MAX; load += 1) {
    const { min, max } = reader.bounds(topic, queueId)
    if (offset < min || offset >= max) return undefined
    const result = reader.scan(
      { topic, queueId },
      queueOffset(offset),
      (unit) => {
        place = unit.commitLogOffset
        return 'take'
      },
      { unitsMax: 1 },
    )
    if (result.kind === 'scanned') return place
    await result.load()
  }
  throw new MqError('busy', `the units of topic '${topic}' do not stay in memory; try again`)
}

/** True when the queue names the place. A unit that names another one may be wrong itself: then it is mended first. */
async function isInQueue(places: RecordPlaces, queue: QueueId, offset: number, at: number): Promise<boolean> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const place = await placeOf(places.reader, queue.topic, queue.queueId, offset)
    if (place === at) return true
    if (place === undefined) return false
    const isRight = await places.isBorderRight(queue, offset)
    // Somebody else may have had it mended meanwhile.
    if (isRight && (await placeOf(places.reader, queue.topic, queue.queueId, offset)) === place) return false
  }
  throw new MqError('busy', `queue ${queue.queueId} of '${queue.topic}' is compared with the log; try again in a while`)
}

/**
 * The text of a message may say that it is a record of any size. One that none may have today is not read before its queue
 * names the place: it is older than the setting.
 */
async function isOlder(places: RecordPlaces, at: CommitLogOffset): Promise<boolean> {
  const said = await places.log.queueAt(at)
  return said !== undefined && hasUnit(said.sysFlag) && isInQueue(places, said, said.queueOffset, at)
}

/** The record at a place; undefined where there is none that counts, or only a damaged one. */
export async function recordAt(places: RecordPlaces, at: CommitLogOffset): Promise<FoundRecord | undefined> {
  const size = await places.log.sizeAt(at)
  if (size === undefined || (size > places.log.sizeMaxToday && !(await isOlder(places, at)))) return undefined
  let bytes: Uint8Array
  try {
    bytes = await places.reader.read(at, size)
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
  const peek = createRecordPeek()
  peekRecord(bytes, 0, peek)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const topic = topicOf(text, peek)
  const { queueId, storeTimestampMs, propertiesAt, propertiesLength } = peek
  // A message that is not decided has no place in a queue.
  const offset = peek.queueOffset
  if (hasUnit(peek.sysFlag) && !(await isInQueue(places, { topic, queueId }, offset, at))) return undefined
  return {
    topic,
    queueId,
    queueOffset: queueOffset(offset),
    commitLogOffset: commitLogOffset(at),
    storeTimestampMs,
    properties: text.subarray(propertiesAt, propertiesAt + propertiesLength),
    bytes,
  }
}
