// What the files of a queue hold around the units that the log tells: units of removed records before, nothing behind.
// And queues that the log knows nothing of.
import type { Files } from '@rocketmq-ts/runtime'
import type { QueueState } from '../consume-queue/queue-table.ts'
import { FILLER_SIZE, UNIT_BYTES, unitPosition } from '../consume-queue/unit.ts'
import { isLegalTopic } from '../queue-builder.ts'
import type { LogRange } from '../recovery.ts'
import type { Findings } from './finding.ts'
import { type Folder, type NumberedFile, numberedFiles } from './folder-shape.ts'
import type { OffsetRange, QueueTrack } from './queue-track.ts'
import { queueFolder, type QueuePlace, type QueueUnits } from './queue-units.ts'
import { firstNonZero } from './zeros.ts'

/** Units read at once. */
const PIECE_UNITS = 3200

export interface QueueEdgesOptions {
  readonly files: Files
  readonly folder: Folder
  readonly findings: Findings
  readonly units: QueueUnits
  readonly logMin: number
  /** A queue in the newest checkpoint. */
  readonly stateOf: (place: QueuePlace) => QueueState | undefined
  /** Offset below which the files of a queue hold its units, by the newest checkpoint. */
  readonly inFilesTo: (place: QueuePlace) => number
  readonly coveredTo: number
  readonly end: number
  readonly damaged: readonly LogRange[]
  /** Bytes of the log that are damaged, or stand for such. */
  readonly lostBytes: number
}

export interface QueueEdges {
  check(track: QueueTrack): Promise<void>
  /** Queues with a folder that `isKnown` denies. */
  checkUnknown(isKnown: (place: QueuePlace) => boolean, ended: ReadonlySet<string>): Promise<void>
}

export function createQueueEdges(options: QueueEdgesOptions): QueueEdges {
  const { files, folder, findings, units, logMin, coveredTo, end } = options
  const fileBytes = folder.unitsPerFile * UNIT_BYTES
  const piece = Buffer.allocUnsafe(PIECE_UNITS * UNIT_BYTES)

  /** Calls `look` for each unit of [from, to) until it returns false. */
  async function walk(
    place: QueuePlace,
    from: number,
    to: number,
    look: (bytes: Buffer, at: number, offset: number) => boolean,
  ): Promise<void> {
    for (let offset = from; offset < to; offset += PIECE_UNITS) {
      const part = piece.subarray(0, Math.min(PIECE_UNITS, to - offset) * UNIT_BYTES)
      await units.read(place, offset, part)
      for (let at = 0; at < part.length; at += UNIT_BYTES) {
        if (!look(part, at, offset + at / UNIT_BYTES)) return
      }
    }
  }

  function unitPlace(place: QueuePlace, offset: number) {
    return { file: units.fileOf(place, offset), at: (offset % folder.unitsPerFile) * UNIT_BYTES, bytes: UNIT_BYTES }
  }

  /** Files of a queue with good names; says what is wrong with names and sizes. */
  async function filesOf(place: QueuePlace): Promise<NumberedFile[]> {
    const path = queueFolder(place)
    const found = await numberedFiles(files, `${folder.root}/${path}`, (name) =>
      findings.add('file-name', { file: `${path}/${name}` }, 'is no name of a file of units: 20 digits'),
    )
    return found.filter(({ name, base, bytes }) => {
      const file = { file: `${path}/${name}` }
      if (base % fileBytes !== 0) {
        findings.add('queue-file', file, `does not begin at a multiple of ${fileBytes} bytes`)
        return false
      }
      if (bytes !== fileBytes) findings.add('queue-file', file, `has ${bytes} bytes instead of ${fileBytes}`)
      return true
    })
  }

  /** Units of records that retention took: fillers, or positions before the log, ascending. */
  async function checkBefore(place: QueuePlace, from: number, to: number): Promise<void> {
    let last = -1
    await walk(place, from, to, (bytes, at, offset) => {
      const position = unitPosition(bytes, at)
      if (isFiller(bytes, at)) return true
      if (position > last && position < logMin) {
        last = position
        return true
      }
      const what = position < 0 ? 'holds no unit' : `says ${position}`
      findings.add('queue-unit', unitPlace(place, offset), `offset ${offset}, whose record is not in the log, ${what}`)
      return findings.more === 0
    })
  }

  /** Offsets whose records are damaged: fillers, or units that were written before the damage. */
  async function checkHole(place: QueuePlace, { from, to, isMixed }: OffsetRange): Promise<void> {
    let last = -1
    await walk(place, from, to, (bytes, at, offset) => {
      const position = unitPosition(bytes, at)
      if (isFiller(bytes, at)) return true
      const isLost = isMixed || options.damaged.some((range) => position >= range.from && position < range.to)
      if (position > last && isLost) {
        last = position
        return true
      }
      findings.add(
        'queue-unit',
        unitPlace(place, offset),
        `offset ${offset}, whose record was lost, has a foreign unit`,
      )
      return findings.more === 0
    })
  }

  /** Nothing may lie behind the last unit. */
  async function checkBehind(track: QueueTrack, next: number, found: readonly NumberedFile[]): Promise<void> {
    for (const file of found) {
      const start = file.base / UNIT_BYTES
      const stop = start + Math.floor(file.bytes / UNIT_BYTES)
      if (stop <= next) continue
      if (start >= next && start > 0) {
        const path = `${queueFolder(track)}/${file.name}`
        if (folder.cleanStop)
          findings.add('queue-file', { file: path }, `begins behind the queue's end, offset ${next}`)
      }
      await checkRest(track, Math.max(start, next), stop)
    }
  }

  async function checkRest(place: QueuePlace, from: number, to: number): Promise<void> {
    let isAhead = false
    for (let offset = from; offset < to; offset += PIECE_UNITS) {
      const part = piece.subarray(0, Math.min(PIECE_UNITS, to - offset) * UNIT_BYTES)
      await units.read(place, offset, part)
      const at = firstNonZero(part)
      if (at < 0) continue
      const first = offset + Math.floor(at / UNIT_BYTES)
      const position = unitPosition(part, at - (at % UNIT_BYTES))
      isAhead = !folder.cleanStop && position >= Math.min(coveredTo, end)
      const kind = isAhead ? 'queue-ahead' : 'queue-rest'
      const what = position >= 0 ? `a unit of position ${position} of the log` : 'bytes that are not zero'
      findings.add(kind, unitPlace(place, first), `the queue ends at offset ${from}, behind it are ${what}`)
      return
    }
  }

  function checkPresence(track: QueueTrack, found: readonly NumberedFile[]): void {
    const starts = new Set(found.map(({ base }) => base))
    const first = Math.max(track.first, options.stateOf(track)?.min ?? 0)
    const firstStart = first - (first % folder.unitsPerFile)
    for (let start = firstStart; start < track.next; start += folder.unitsPerFile) {
      if (starts.has(start * UNIT_BYTES)) continue
      // After a stop without notice a file that no checkpoint covers may not be there yet: its units count as behind.
      if (!folder.cleanStop && track.behind > 0) continue
      findings.add('queue-file', { file: units.fileOf(track, start) }, 'is missing')
    }
  }

  return {
    async check(track) {
      const found = await filesOf(track)
      checkPresence(track, found)
      const firstInFiles = (found[0]?.base ?? 0) / UNIT_BYTES
      // What only a checkpoint held may have got into no file before its record went.
      const before = folder.cleanStop ? track.first : Math.min(track.first, options.inFilesTo(track))
      if (firstInFiles < before) await checkBefore(track, firstInFiles, before)
      for (const hole of track.holes) await checkHole(track, hole)
      // The last records may be lost: their offsets stay given out.
      const max = Math.max(track.next, options.lostBytes > 0 ? (options.stateOf(track)?.max ?? 0) : 0)
      if (max > track.next) await checkHole(track, { from: track.next, to: max, isMixed: false })
      await checkBehind(track, max, found)
    },
    async checkUnknown(isKnown, ended) {
      const root = `${folder.root}/consumequeue`
      for (const topic of await files.list(root)) {
        if (topic.kind !== 'folder' || !isLegalTopic(topic.name)) {
          findings.add('file-name', { file: `consumequeue/${topic.name}` }, 'is no folder of a topic')
          continue
        }
        for (const { name, kind } of await files.list(`${root}/${topic.name}`)) {
          const place = { topic: topic.name, queueId: Number(name) }
          if (kind !== 'folder' || !/^\d{1,10}$/u.test(name)) {
            findings.add('file-name', { file: `consumequeue/${topic.name}/${name}` }, 'is no folder of a queue')
          } else if (!isKnown(place)) await checkForgotten(place, ended.has(topic.name))
        }
      }
    },
  }

  /** A queue without a record in the log: retention took all of them, or it should not be here. */
  async function checkForgotten(place: QueuePlace, isEnded: boolean): Promise<void> {
    const found = await filesOf(place)
    const first = found[0]
    if (first === undefined) return
    let units = 0
    let problem: string | undefined
    const to = found.at(-1)!.base / UNIT_BYTES + folder.unitsPerFile
    await walk(place, first.base / UNIT_BYTES, to, (bytes, at, offset) => {
      if (firstNonZero(bytes, at, at + UNIT_BYTES) < 0) return true
      units += 1
      const position = unitPosition(bytes, at)
      if (isFiller(bytes, at) || (position >= 0 && position < logMin)) return true
      problem = `offset ${offset} says ${position < 0 ? 'nothing' : position}, where the log has no record of this queue`
      return false
    })
    const path = { file: queueFolder(place) }
    if (problem === undefined && units > 0) return
    if (folder.cleanStop) findings.add('queue-unknown', path, problem ?? 'has no unit')
    else findings.add('queue-ahead', path, isEnded ? 'belongs to a deleted topic' : (problem ?? 'has no unit'))
  }
}

function isFiller(bytes: Buffer, at: number): boolean {
  return (
    bytes.readInt32BE(at + 8) === FILLER_SIZE &&
    firstNonZero(bytes, at, at + 8) < 0 &&
    firstNonZero(bytes, at + 12, at + 20) < 0
  )
}
