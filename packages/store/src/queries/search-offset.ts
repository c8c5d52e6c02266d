// Queue offsets by store time: a search by halves over the units of a queue, each asked for the time of its record.
// Units without a record (lost, or removed meanwhile) are stepped over. Only at the border that was found the units
// are compared with their records: a wrong one leads the search to itself. Java: ConsumeQueue.getOffsetInQueueByTime.
import { type QueueId, type QueueOffset, MqError, queueOffset } from '@rocketmq-ts/model'
import { isFillerUnit } from '../consume-queue/unit.ts'
import type { QueueReader, RecordTimes, Unit } from '../message-store.ts'
import type { TimeBoundary } from './message-queries.ts'

/** Looks of one step of the search, at most: at so many units each, or for one that had to be loaded. */
const LOOKS_MAX = 256
const LOOK_UNITS = 256
/** Searches over units that were mended after the one before, at most. */
const SEARCHES_MAX = 8

/** What a search needs; `pause` lets other work run. */
export interface TimeSearchDeps {
  readonly reader: QueueReader & RecordTimes
  readonly pause: () => Promise<void>
  /** See UnitReads.isBorderRight. */
  readonly isBorderRight: (queue: QueueId, offset: number) => Promise<boolean>
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

function notBelieved({ topic, queueId }: QueueId): MqError {
  return new MqError('busy', `queue ${queueId} of '${topic}' is compared with the log; try again in a while`)
}

/** See MessageQueries.searchOffset. */
export async function searchOffset(
  deps: TimeSearchDeps,
  queue: QueueId,
  timestampMs: number,
  boundary: TimeBoundary,
): Promise<QueueOffset> {
  for (let search = 0; search < SEARCHES_MAX; search += 1) {
    const { min, max } = deps.reader.bounds(queue.topic, queue.queueId)
    const { before, behind } = await borderOf(deps, queue, { timestampMs, boundary, min, max })
    if (!(await deps.isBorderRight(queue, before + 1))) continue
    if (behind > before + 1 && !(await deps.isBorderRight(queue, behind))) continue
    // Somebody else may have had them mended meanwhile.
    const near = { timestampMs, boundary, min: before, max: Math.min(max, behind + 1) }
    const again = await borderOf(deps, queue, near)
    if (again.before !== before || again.behind !== behind) continue
    return queueOffset(boundary === 'LOWER' ? behind : before)
  }
  throw notBelieved(queue)
}

interface Search {
  readonly timestampMs: number
  readonly boundary: TimeBoundary
  /** Offsets to search in: [min, max). */
  readonly min: number
  readonly max: number
}

async function borderOf(
  deps: TimeSearchDeps,
  queue: QueueId,
  { timestampMs, boundary, min, max }: Search,
): Promise<{ readonly before: number; readonly behind: number }> {
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
  return { before, behind }
}

/** See MessageQueries.earliestStoredMs. */
export async function earliestStoredMs(deps: TimeSearchDeps, queue: QueueId): Promise<number | undefined> {
  for (let search = 0; search < SEARCHES_MAX; search += 1) {
    const { min, max } = deps.reader.bounds(queue.topic, queue.queueId)
    const first = await storedFrom(deps, queue, min, max)
    if (!(await deps.isBorderRight(queue, first?.offset ?? min))) continue
    // Somebody else may have had it mended meanwhile.
    if ((await storedFrom(deps, queue, min, max))?.storedMs === first?.storedMs) return first?.storedMs
  }
  throw notBelieved(queue)
}
