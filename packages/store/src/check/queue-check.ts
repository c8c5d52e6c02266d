// Compares consume queues with the log, unit by unit: what each record must have as its unit is collected while the log is
// read, and compared with the files in pieces. Memory is bounded by the pieces, whatever the size of the store.
import { queueOffset, RECORD_BYTES_MIN } from '@rocketmq-ts/model'
import type { Files } from '@rocketmq-ts/runtime'
import { decodeUnit, FILLER_SIZE, UNIT_BYTES, unitPosition } from '../consume-queue/unit.ts'
import { isLegalTopic } from '../queue-builder.ts'
import { hasUnit, storedTagsCode, topicOf } from '../record-fields.ts'
import type { LogRange, ScannedRecord } from '../recovery.ts'
import { createQueueEdges } from './queue-edges.ts'
import type { Findings } from './finding.ts'
import { placeInLog } from './log-check.ts'
import { createPackReads, packFile } from './pack-check.ts'
import type { Folder } from './folder-shape.ts'
import { QueueTrack, TrackTable } from './queue-track.ts'
import { createQueueUnits, type QueuePlace } from './queue-units.ts'
import { ownFileMax, type QueueState } from '../consume-queue/queue-table.ts'

/** Units of a queue that are compared at once. */
const UNITS_PER_COMPARE = 4096
/** Bytes of units collected over all queues, at most, before all are compared. */
const PENDING_BYTES_MAX = 32 * 1024 * 1024
/** Queues that are told apart, at most. */
const QUEUES_MAX = 1_000_000

export interface QueueCheckOptions {
  readonly files: Files
  readonly folder: Folder
  readonly findings: Findings
  /** Position of the first byte kept. */
  readonly logMin: number
  /** Units of records from here on may be missing after a stop without notice: no checkpoint covers them. */
  readonly coveredTo: number
  /** Another broker wrote from here on: gaps and repetitions are taken as Java takes them. */
  readonly foreignFrom: number | undefined
}

export interface QueueCheck {
  /** Queues with records in the log. */
  readonly queues: number
  readonly units: number
  /** A valid record, in the order of the log. `lostBytes` of the log before it are damaged. Returns its queue. */
  take(record: ScannedRecord, lostBytes: number): QueueTrack | undefined
  /** The record just taken ends an incarnation of the topic. */
  endTopic(topic: string): void
  /** Next offset of a queue by what was taken so far; undefined for an unknown one. */
  nextOf(topic: string, queueId: number): QueueTrack | undefined
  tracks(): Iterable<QueueTrack>
  /** Compares when enough was collected. */
  compare(): Promise<void>
  /** The log ended at `end`: compares the rest, and looks at what lies around it in the files. */
  finish(end: number, damaged: readonly LogRange[], lostBytes: number): Promise<void>
}

export function createQueueCheck(options: QueueCheckOptions): QueueCheck {
  const { files, folder, findings, coveredTo } = options
  const units = createQueueUnits(files, folder.root, folder.unitsPerFile)
  const packs = createPackReads(files, folder)
  const table = new TrackTable()
  const endedTopics = new Set<string>()
  let full: QueueTrack[] = []
  let pendingBytes = 0
  let unitsTaken = 0

  const isForeign = ({ position }: ScannedRecord): boolean => position >= (options.foreignFrom ?? Infinity)
  const stateOf = statesOf(folder)
  /** Offset below which its files hold the units, by the newest checkpoint: others are in packs or the checkpoint itself. */
  function inFilesTo(track: QueuePlace): number {
    const state = stateOf(track)
    return state === undefined ? 0 : ownFileMax(state)
  }

  function open(record: ScannedRecord): QueueTrack | undefined {
    if (table.size >= QUEUES_MAX) return undefined
    const { bytes, peek } = record
    const topic = topicOf(bytes, peek)
    const startsAtZero = !isForeign(record) && (options.logMin === 0 || endedTopics.has(topic))
    const topicBytes = Buffer.from(bytes.subarray(peek.topicAt, peek.topicAt + peek.topicLength))
    const first = startsAtZero ? 0 : peek.queueOffset
    const track = new QueueTrack(topic, topicBytes, peek.queueId, first, isLegalTopic(topic))
    table.add(track)
    if (!track.isLegal && !isForeign(record)) {
      findings.add('log-header', placeOf(record), `topic: '${topic.slice(0, 64)}' is no name of a topic`)
    }
    return track
  }

  function placeOf({ position, peek }: ScannedRecord) {
    return placeInLog(folder, position, peek.totalSize)
  }

  /** True when the record takes the next offset of its queue, or one behind it that lost records explain. */
  function settleOffset(track: QueueTrack, record: ScannedRecord, lostBytes: number): boolean {
    const { queueOffset: offset } = record.peek
    const missing = offset - track.next
    if (missing === 0) return true
    const missingMax = Math.floor(lostBytes / RECORD_BYTES_MIN) + track.excused
    if (missing > 0 && (missing <= missingMax || isForeign(record))) {
      track.skipTo(offset)
      return true
    }
    track.excused += 1
    const file = `${track.topic}/${track.queueId}`
    findings.add('log-offset', placeOf(record), `queue ${file}: offset ${offset} where ${track.next} comes next`)
    return false
  }

  async function compareTrack(track: QueueTrack): Promise<void> {
    for (const { from, units: expected } of track.take()) {
      pendingBytes -= expected.length
      if (track.isLegal) await compareRun(track, from, expected)
    }
  }

  /** What a pack has is compared as well: its CRC says only that it is as it was written. */
  async function comparePacked(track: QueueTrack, from: number, expected: Buffer): Promise<void> {
    const state = stateOf(track)
    if (state === undefined) return
    for (const { place, from: first, bytes } of await packs.overlapping(state, from, expected.length / UNIT_BYTES)) {
      for (let at = 0; at < bytes.length; at += UNIT_BYTES) {
        const offset = first + at / UNIT_BYTES
        const unit = (offset - from) * UNIT_BYTES
        if (unit < 0 || unit >= expected.length || unitPosition(expected, unit) >= coveredTo) continue
        if (expected.compare(bytes, at, at + UNIT_BYTES, unit, unit + UNIT_BYTES) === 0) continue
        const problem = `queue ${track.topic}/${track.queueId}: ${difference(bytes, expected, { at, unit }, offset)}`
        track.found({ kind: 'unit-pack', file: packFile(place), at: place.at + at, bytes: UNIT_BYTES, problem })
      }
    }
  }

  async function compareRun(track: QueueTrack, from: number, expected: Buffer): Promise<void> {
    await comparePacked(track, from, expected)
    const actual = Buffer.allocUnsafe(expected.length)
    await units.read(track, from, actual)
    if (actual.equals(expected)) return
    for (let at = 0; at < expected.length; at += UNIT_BYTES) {
      if (actual.compare(expected, at, at + UNIT_BYTES, at, at + UNIT_BYTES) === 0) continue
      const offset = from + at / UNIT_BYTES
      const isMissing = actual.readInt32BE(at + 8) === 0 && unitPosition(actual, at) < 0
      // Retention by rules of the topic takes files of units before their records.
      if (isMissing && offset < (stateOf(track)?.min ?? 0)) continue
      const isCovered = unitPosition(expected, at) < coveredTo && offset < inFilesTo(track)
      if (isMissing && !folder.cleanStop && !isCovered) track.behind += 1
      else
        track.found({
          kind: 'queue-unit',
          ...unitPlace(track, offset),
          problem: difference(actual, expected, { at, unit: at }, offset),
        })
    }
  }

  function drop(track: QueueTrack): void {
    for (const run of track.take()) pendingBytes -= run.units.length
  }

  function unitPlace(track: QueueTrack, offset: number) {
    return {
      file: units.fileOf(track, offset),
      at: (offset % folder.unitsPerFile) * UNIT_BYTES,
      bytes: UNIT_BYTES,
    }
  }

  function report(track: QueueTrack): void {
    for (const { kind, file, at, bytes, problem } of track.findings) {
      findings.add(kind, { file, at, bytes }, problem)
    }
    for (let index = 0; index < track.moreFindings; index += 1) {
      findings.add('queue-unit', { file: `consumequeue/${track.topic}/${track.queueId}` }, 'one of many more')
    }
    if (track.behind > 0) {
      const file = `consumequeue/${track.topic}/${track.queueId}`
      findings.add('queue-behind', { file }, `${track.behind} of its last units are not in its files yet`)
    }
  }

  return {
    get queues() {
      return table.size
    },
    get units() {
      return unitsTaken
    },
    take(record, lostBytes) {
      const { bytes, position, peek } = record
      if (!hasUnit(peek.sysFlag)) return undefined
      const track = table.find(bytes, peek.topicAt, peek.topicLength, peek.queueId) ?? open(record)
      if (track === undefined || !settleOffset(track, record, lostBytes)) return track
      track.push(position, peek.totalSize, storedTagsCode(bytes, peek))
      unitsTaken += 1
      pendingBytes += UNIT_BYTES
      if (track.count === UNITS_PER_COMPARE) full.push(track)
      return track
    },
    endTopic(topic) {
      endedTopics.add(topic)
      for (const track of table.removeTopic(topic)) drop(track)
      full = full.filter((track) => track.topic !== topic)
    },
    nextOf(topic, queueId) {
      const bytes = Buffer.from(topic)
      return table.find(bytes, 0, bytes.length, queueId)
    },
    tracks: () => table.all(),
    async compare() {
      if (pendingBytes < PENDING_BYTES_MAX) {
        for (const track of full.splice(0)) await compareTrack(track)
        return
      }
      full = []
      for (const track of table.all()) await compareTrack(track)
    },
    async finish(end, damaged, lostBytes) {
      const edges = createQueueEdges({ ...options, units, stateOf, inFilesTo, end, damaged, lostBytes })
      try {
        for (const track of table.all()) {
          await compareTrack(track)
          if (track.isLegal) await edges.check(track)
          report(track)
        }
        await edges.checkUnknown((place) => this.nextOf(place.topic, place.queueId) !== undefined, endedTopics)
      } finally {
        await units.close()
        await packs.close()
      }
    },
  }
}

/** Finds a queue in the newest checkpoint. */
function statesOf({ checkpoints }: Folder): (place: QueuePlace) => QueueState | undefined {
  const states = new Map(
    Array.from(checkpoints[0]?.queues ?? [], (state) => [`${state.topic}/${state.queueId}`, state]),
  )
  return ({ topic, queueId }) => states.get(`${topic}/${queueId}`)
}

/** Names what differs between the unit `at` and what its record asks for, which is `unit` of the others. */
function difference(
  actual: Buffer,
  expected: Buffer,
  { at, unit }: { readonly at: number; readonly unit: number },
  offset: number,
): string {
  const [is, must] = [decodeUnit(actual, at, queueOffset(offset)), decodeUnit(expected, unit, queueOffset(offset))]
  const record = `the record of offset ${offset} is at ${must?.commitLogOffset} of the log`
  if (is === undefined) return `${record}, its unit is ${actual.readInt32BE(at + 8) === 0 ? 'missing' : 'no unit'}`
  if (is.size === FILLER_SIZE) return `${record}, its unit says it was lost`
  if (is.commitLogOffset !== must?.commitLogOffset) return `${record}, its unit says ${is.commitLogOffset}`
  if (is.size !== must.size) return `${record} with ${must.size} bytes, its unit says ${is.size}`
  return `${record} with tags code ${must.tagsCode}, its unit says ${is.tagsCode}`
}
