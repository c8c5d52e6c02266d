// Queue offsets by store time: a search by halves over the units of a queue, each asked for the time of its record.
// Units without a record (lost, or removed meanwhile) are stepped over. Java: ConsumeQueue.getOffsetInQueueByTime.
import { type QueueId, type QueueOffset, MqError, queueOffset } from '@rocketmq-ts/model'
import { isFillerUnit } from '../consume-queue/unit.ts'
import type { QueueReader, RecordTimes, Unit } from '../message-store.ts'
import type { TimeBoundary } from './message-queries.ts'

/** Looks of one step of the search, at most: at so many units each, or for one that had to be loaded. */
const LOOKS_MAX = 256
const LOOK_UNITS = 256

/** What a search needs; `pause` lets other work run. */
export interface TimeSearchDeps {
  readonly reader: QueueReader & RecordTimes
  readonly pause: () => Promise<void>
}

interface Stored {
  readonly offset: number
  readonly storedMs: number
}

/** The first unit from `from` on that stands for a record, and where to go on looking. */
function unitFrom(
  reader: QueueReader,
  queue: QueueId,
  from: number,
): { readonly unit: Unit | undefined; readonly next: number; readonly load: (() => Promise<void>) | undefined } {
  const found: Unit[] = []
  const result = reader.scan(
    queue,
    queueOffset(from),
    (unit) => {
      if (isFillerUnit(unit)) return 'skip'
      found.push(unit)
      return 'stop'
    },
    { unitsMax: LOOK_UNITS },
  )
  const isCold = result.kind === 'cold'
  return { unit: found[0], next: isCold ? from : result.next, load: isCold ? result.load : undefined }
}

/** The first unit of [from, end) whose record is there; undefined without one. */
async function storedFrom(
  { reader, pause }: TimeSearchDeps,
  queue: QueueId,
  from: number,
  end: number,
): Promise<Stored | undefined> {
  let at = from
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const { unit, next, load } = unitFrom(reader, queue, at)
    if (load !== undefined) {
      await load()
      continue
    }
    if (look > 0) await pause()
    if (unit === undefined && (next === at || next >= end)) return undefined
    if (unit !== undefined) {
      if (unit.queueOffset >= end) return undefined
      const storedMs = await reader.storedMs(unit.commitLogOffset)
      if (storedMs !== undefined) return { offset: unit.queueOffset, storedMs }
    }
    at = unit === undefined ? next : unit.queueOffset + 1
    if (at >= end) return undefined
  }
  throw new MqError('damaged', `queue ${queue.queueId} of '${queue.topic}': too many lost records from ${from} on`)
}

/** See MessageQueries.searchOffset. */
export async function searchOffset(
  deps: TimeSearchDeps,
  queue: QueueId,
  timestampMs: number,
  boundary: TimeBoundary,
): Promise<QueueOffset> {
  const { min, max } = deps.reader.bounds(queue.topic, queue.queueId)
  let low: number = min
  let high: number = max
  /** The last record known to lie before the border, and the first one known to lie behind it. */
  let before: number = min
  let behind: number = max
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    const stored = await storedFrom(deps, queue, middle, high)
    const isBefore =
      stored !== undefined && (boundary === 'LOWER' ? stored.storedMs < timestampMs : stored.storedMs <= timestampMs)
    if (isBefore) {
      before = stored.offset
      low = stored.offset + 1
    } else {
      behind = stored?.offset ?? behind
      high = middle
    }
  }
  return queueOffset(boundary === 'LOWER' ? behind : before)
}

/** See MessageQueries.earliestStoredMs. */
export async function earliestStoredMs(deps: TimeSearchDeps, queue: QueueId): Promise<number | undefined> {
  const { min, max } = deps.reader.bounds(queue.topic, queue.queueId)
  return (await storedFrom(deps, queue, min, max))?.storedMs
}
