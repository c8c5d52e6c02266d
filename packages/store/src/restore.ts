// Brings the queues back to what the log says: from the newest checkpoint that the log covers, then record by record.
// A queue whose files are missing or damaged is built again from the whole log; nothing here refuses to start.
import { commitLogOffset, MqError, type QueueId, queueOffset } from '@rocketmq-ts/model'
import { discardGenerationsBeyond, type Files, type Logger, type ReadLane } from '@rocketmq-ts/runtime'
import { coveredEnd, readCheckpoints, type StoredCheckpoint } from './checkpoint.ts'
import { readSeal } from './checkpoint-seal.ts'
import { BEHIND_FLUSHED_BYTES_MAX } from './commit-log/commit-log.ts'
import { isNoSpace } from './commit-log/disk-reserve.ts'
import { isDamage } from './commit-log/scan.ts'
import type { Segments } from './commit-log/segment.ts'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'
import type { QueueFiles } from './consume-queue/queue-files.ts'
import type { QueueTable } from './consume-queue/queue-table.ts'
import { discardFlushedMarks, readFlushedMark, writeFlushedMark } from './flushed-mark.ts'
import { type ForeignWrites, judgeLastWriter, noteForeign } from './last-writer.ts'
import type { IndexState } from './key-index/key-index-options.ts'
import { minOffsetAt } from './consume-queue/unit-search.ts'
import type { StoreEvent } from './events.ts'
import type { RecoveryReport, ReplayedRecord, StoreOptions } from './message-store.ts'
import { isLegalTopic, QueueBuilder } from './queue-builder.ts'
import { isJournal, storedTagsCode, topicOf } from './record-fields.ts'
import { type LogSource, type ScannedRecord, scanLog } from './recovery.ts'
import { cutTail } from './repair.ts'
import type { StartNotes } from './start-notes.ts'
import { TailCommits } from './tail-commits.ts'
import { nameOf, type Report, trustQueues } from './trust-queues.ts'

/** Segments made anew where files of the log are missing, at most. */
const MISSING_SEGMENTS_MAX = 1024
/** Units that a start on a full disk keeps in memory, at most; one that must keep more fails for want of space. */
const UNITS_KEPT_MAX = 4_194_304
/** Bytes written again at once. */
const REWRITE_PIECE_BYTES = 4 * 1024 * 1024

export interface RestoreOptions {
  readonly files: Files
  readonly logger: Logger<StoreEvent>
  readonly notes: StartNotes
  readonly segments: Segments
  readonly queues: QueueTable
  readonly queueFiles: QueueFiles
  /** Path of our checkpoint's generations. */
  readonly checkpointPath: string
  /** Of Apache's checkpoint. */
  readonly storeCheckpointPath: string
  readonly flushedMarkPath: string
  readonly damagedFolder: string
  readonly lastWriterPath: string
  /** Text of the abort marker; undefined after a clean stop. */
  readonly abort: string | undefined
  readonly ownerStamp: string | undefined
  readonly flushedStampOf?: StoreOptions['flushedStampOf'] | undefined
  readonly topicsEndedBy?: StoreOptions['topicsEndedBy'] | undefined
  readonly queueEndsOf?: StoreOptions['queueEndsOf'] | undefined
}

export interface Restored {
  readonly report: RecoveryReport
  /** Store time of the last record scanned, 0 without one. */
  readonly lastTimestampMs: number
  /** What the owner said at its last clean stop. */
  readonly stamp: string | undefined
  /** What the checkpoint says of the key index. */
  readonly savedIndex: IndexState | undefined
}

type StoredCheckpoints = Awaited<ReturnType<typeof readCheckpoints>>

/** The segments as the scan reads them. */
export function sourceOf(segments: Segments, lane?: ReadLane): LogSource {
  return {
    segmentBytes: segments.segmentBytes,
    end: segments.end,
    async read(position, into) {
      const segment = segments.at(position)
      return segment === undefined ? 0 : segment.file.read(position - segment.base, into, lane)
    },
  }
}

/** A scanned record with everything that dispatch tells of it. */
export function replayed({ bytes, at, position, peek }: ScannedRecord): ReplayedRecord {
  return {
    topic: topicOf(bytes, peek),
    queueId: peek.queueId,
    queueOffset: queueOffset(peek.queueOffset),
    commitLogOffset: commitLogOffset(position),
    size: peek.totalSize,
    tagsCode: storedTagsCode(bytes, peek),
    storeTimestampMs: peek.storeTimestampMs,
    bytes: bytes.subarray(at, at + peek.totalSize),
  }
}

/** Makes the files of the log that should be there, up to where it was provably flushed. */
async function completeSegments(segments: Segments, provenFlushed: number): Promise<void> {
  const { segmentBytes } = segments
  const last = provenFlushed - (provenFlushed % segmentBytes)
  const first = segments.end > segments.min ? segments.end : last
  if ((last - first) / segmentBytes > MISSING_SEGMENTS_MAX) {
    throw new MqError(
      'unavailable',
      `the commit log ends at ${segments.end}, but was flushed up to ${provenFlushed}: bring its missing files back`,
    )
  }
  for (let base = first; base <= last; base += segmentBytes) await segments.ensure(base)
}

/** The newest checkpoint whose whole content is flushed. Others are removed before the log can grow over them. */
async function chooseCheckpoint(
  { files, segments, checkpointPath }: RestoreOptions,
  { valid, damaged }: StoredCheckpoints,
  provenFlushed: number,
  rebuilt: Report,
): Promise<StoredCheckpoint | undefined> {
  for (const path of damaged) {
    rebuilt(path, 'can not be read')
    // A later start that can read it would go by offsets that this one does not know, and has given out again.
    await files.remove(path)
  }
  if (damaged.length > 0) await files.syncFolder(checkpointPath.slice(0, checkpointPath.lastIndexOf('/')))
  const generations = valid.map((checkpoint) => checkpoint.generation)
  const kept = await discardGenerationsBeyond(files, generations, provenFlushed)
  for (const generation of generations) {
    if (!kept.includes(generation)) rebuilt(generation.path, 'covers more than was flushed')
  }
  return valid.find(({ generation, coversTo }) => kept.includes(generation) && coversTo >= segments.min)
}

async function discardCheckpoints({ files }: RestoreOptions, { valid }: StoredCheckpoints): Promise<void> {
  const generations = valid.map(({ generation }) => generation)
  await discardGenerationsBeyond(files, generations, -1)
}

/** No queue begins with units of records that are in the log no more. Java: ConsumeQueue.correctMinOffset. */
async function raiseMins({ segments, queues, queueFiles }: RestoreOptions): Promise<void> {
  for (const queue of queues.all()) {
    queue.nextMin = await minOffsetAt(queueFiles, queue, segments.min)
    queue.min = queue.nextMin
  }
}

/**
 * Queues that the log knows nothing of. All records of one may have been deleted with their segments: its offsets go on
 * where they were. Otherwise it only had records that were cut off.
 */
async function settleUnknownQueues(options: RestoreOptions, rebuilt: Report): Promise<void> {
  const { segments, queues, queueFiles } = options
  for (const place of await queueFiles.places()) {
    if (!isLegalTopic(place.topic) || queues.find(place.topic, place.queueId) !== undefined) continue
    const last = await queueFiles.lastUnit(place)
    if (last !== undefined && last.commitLogOffset < segments.min) {
      queues.obtain(place.topic, place.queueId, last.offset + 1)
    } else {
      await queueFiles.remove(place)
      rebuilt(nameOf(place), 'was ahead of the log')
    }
  }
}

/** Topics that records from a position on end; none where bytes between these are lost, so that the queues are built again. */
async function topicsEndedFrom(
  { segments, topicsEndedBy, abort }: RestoreOptions,
  from: number,
  provenFlushed: number,
): Promise<ReadonlySet<string>> {
  const topics = new Set<string>()
  if (topicsEndedBy === undefined) return topics
  const { lostBytes } = await scanLog({
    source: sourceOf(segments),
    from,
    provenFlushed,
    cleanStop: abort === undefined,
    behindFlushedMax: BEHIND_FLUSHED_BYTES_MAX,
    onRecord(record) {
      if (isJournal(record.bytes, record.peek)) for (const topic of topicsEndedBy(replayed(record))) topics.add(topic)
      return true
    },
  })
  return lostBytes === 0 ? topics : new Set()
}

/** What was only in the page cache becomes as safe as what follows. */
async function syncSegments({ segments }: RestoreOptions, from: number, to: number): Promise<void> {
  for (let base = from - (from % segments.segmentBytes); base < to; base += segments.segmentBytes) {
    await segments.at(base)?.file.sync()
  }
}

/**
 * Writes what no sync has proven once more. After a failed sync the page cache shows bytes that the disk does not have
 * and calls them clean: no later sync would write them, and records served from now on would vanish with the power.
 */
async function rewriteUnproven({ segments }: RestoreOptions, from: number, to: number): Promise<void> {
  const piece = Buffer.allocUnsafe(Math.min(REWRITE_PIECE_BYTES, Math.max(0, to - from)))
  for (let position = from; position < to;) {
    const segment = segments.at(position)
    const inSegment = position % segments.segmentBytes
    const length = Math.min(piece.length, to - position, segments.segmentBytes - inSegment)
    if (segment !== undefined) {
      const count = await segment.file.read(inSegment, piece.subarray(0, length))
      segment.file.writeSync(inSegment, [piece.subarray(0, count)])
    }
    position += length
  }
}

/** Where to begin: without a mark nothing may be proven, but no byte was ever written further behind the flushed end. */
function unprovenFrom(provenFlushed: number, end: number): number {
  return Math.min(end, Math.max(provenFlushed, end - BEHIND_FLUSHED_BYTES_MAX))
}

/** Finds out whose the log is. Where another broker may have cut it, everything that derives from it goes. */
async function judgeWriter(
  options: RestoreOptions,
): Promise<Pick<Restored, 'stamp'> & { readonly foreign?: ForeignWrites; readonly checkpoints: StoredCheckpoints }> {
  const { files, segments, abort, lastWriterPath: path } = options
  const checkpoints = await readCheckpoints(files, options.checkpointPath)
  const covered = checkpoints.valid.map(({ coversTo }) => coversTo)
  const ends = [await readFlushedMark(files, options.flushedMarkPath), ...covered]
  const known = ends.filter((end) => end !== undefined)
  const judged = await judgeLastWriter({
    files,
    path,
    segments,
    coversTo: known.length === 0 ? undefined : Math.max(...known),
    seal: await readSeal(files, options.storeCheckpointPath),
    abort,
    stamp: options.ownerStamp,
  })
  const { foreign, stamp } = judged
  if (foreign === undefined) return { stamp, checkpoints }
  options.logger.warn({ event: 'store.foreign', ...foreign })
  const isCut = judged.isNew && !foreign.isPrefixKept
  if (judged.isNew) {
    // What derives from a log that may have been cut goes before it is noted.
    if (isCut) {
      await discardCheckpoints(options, checkpoints)
      await discardFlushedMarks(files, options.flushedMarkPath)
    }
    await options.notes.add(path, () => noteForeign({ files, path, segments }, foreign))
  }
  return { stamp, foreign, checkpoints: isCut ? { ...checkpoints, valid: [] } : checkpoints }
}

/** On a full disk the units stay in memory, for the next checkpoint; also where those in front of them can not be read. */
async function writeOrKeep(
  { notes, queues }: RestoreOptions,
  written: readonly ConsumeQueue[],
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write()
  } catch (error) {
    const isWaiting = notes.mayWait && isNoSpace(error)
    // What a pack does not give back is asked for when the store is open.
    if (!(isWaiting || isDamage(error)) || queues.dirtyUnits() > UNITS_KEPT_MAX) throw error
    for (const queue of written) queues.markDirty(queue)
  }
}

/** Restores the queues and repairs the log. Afterwards all of it is flushed. */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { files, logger, notes, segments, queues, queueFiles, flushedStampOf, topicsEndedBy, queueEndsOf } = options
  const cleanStop = options.abort === undefined
  const rebuiltFiles: string[] = []
  const rebuilt: Report = (file, reason) => {
    rebuiltFiles.push(file)
    logger.warn({ event: 'store.rebuilt', file, reason })
  }

  function noteFlushed(position: number): Promise<void> {
    return notes.add(options.flushedMarkPath, () => writeFlushedMark(files, options.flushedMarkPath, position))
  }

  const { foreign, stamp, checkpoints } = await judgeWriter(options)
  const ownMark = await readFlushedMark(files, options.flushedMarkPath)
  let mark = ownMark ?? coveredEnd(checkpoints.valid, segments)
  // A log that has no file yet has no bytes to guess about, and from now on the folder is ours.
  const isEmpty = segments.end === segments.min
  if (isEmpty && ownMark === undefined) {
    mark = segments.min
    await noteFlushed(mark)
  }
  await completeSegments(segments, mark ?? segments.min)
  const checkpoint = await chooseCheckpoint(options, checkpoints, mark ?? 0, rebuilt)
  // Retention was stopped between its decision and the last of its removals.
  if (checkpoint !== undefined) segments.retireBelow(checkpoint.min)
  const builder = new QueueBuilder({
    queues,
    coversTo: checkpoint?.coversTo,
    isWhole: segments.min === 0,
    foreignFrom: foreign?.from,
  })
  const trust = {
    ...options,
    endedBehind: ({ coversTo }: StoredCheckpoint) => topicsEndedFrom(options, coversTo, mark ?? 0),
  }
  const isIntact =
    checkpoint !== undefined && (await trustQueues(trust, builder, checkpoint, foreign !== undefined, rebuilt))
  const ended: QueueId[] = []
  const commits = new TailCommits(isIntact ? checkpoint.commits : [])
  /** Before a unit of the next incarnation gets into the same file. */
  async function removeEnded(): Promise<void> {
    for (const queue of ended.splice(0)) await queueFiles.remove(queue)
  }

  const isGuess = foreign !== undefined && cleanStop && !isEmpty
  const decision = await scanLog({
    source: sourceOf(segments),
    from: isIntact ? checkpoint.coversTo : segments.min,
    provenFlushed: isGuess ? segments.end : (mark ?? 0),
    isGuess,
    foreignFrom: foreign?.from,
    cleanStop: cleanStop && !isGuess,
    ...(foreign === undefined ? { behindFlushedMax: BEHIND_FLUSHED_BYTES_MAX } : {}),
    onRecord: (record, lostBytes) => {
      if (!builder.take(record, lostBytes)) return false
      commits.take(record)
      if (!isJournal(record.bytes, record.peek)) return true
      if (checkpoint === undefined && queueEndsOf !== undefined) builder.noteEnds(queueEndsOf(replayed(record)))
      // The last word of a record.
      if (topicsEndedBy !== undefined) {
        for (const topic of topicsEndedBy(replayed(record))) ended.push(...builder.endTopic(topic, record.position))
      }
      return true
    },
    onBodyLost: (record, lostBytes) => builder.takeLost(record, lostBytes),
    onWindow: async () => {
      await removeEnded()
      const { write, pack } = queues.takeDirty('many')
      for (const queue of write) await writeOrKeep(options, [queue], () => queueFiles.persist(queue))
      if (pack.length > 0) await writeOrKeep(options, pack, () => queueFiles.packs.write(pack))
    },
    ...(flushedStampOf === undefined
      ? {}
      : {
          stampOf: (record) => (isJournal(record.bytes, record.peek) ? flushedStampOf(replayed(record)) : undefined),
        }),
  })
  await removeEnded()
  builder.finish()
  // Files of the log went that no checkpoint speaks of.
  if (checkpoint !== undefined && checkpoint.min < segments.min) await raiseMins(options)
  const { end, tailEnd } = decision
  for (const range of decision.damaged) logger.error({ event: 'store.damaged', ...range })
  if (decision.moreDamaged !== undefined) logger.error({ event: 'store.damaged', ...decision.moreDamaged })
  if (tailEnd > end) await cutTail({ files, folder: options.damagedFolder, segments, logger }, end, tailEnd)
  if (!cleanStop || !isIntact) await settleUnknownQueues(options, rebuilt)
  for (const queue of queues.all()) {
    if (cleanStop && builder.isTrusted(queue) && !builder.isOvergrown(queue)) continue
    if (await queueFiles.truncate(queue)) rebuilt(nameOf(queue), 'was ahead of the log')
  }
  if (!cleanStop) await rewriteUnproven(options, unprovenFrom(decision.provenFlushed, end), end)
  await syncSegments(options, Math.min(mark ?? 0, end), end)
  // From here on the folder is ours: what is below this mark was promised by somebody.
  if ((ownMark === undefined && !isEmpty) || foreign !== undefined) await noteFlushed(end)
  const report: RecoveryReport = {
    cleanStop,
    end: commitLogOffset(end),
    provenFlushed: commitLogOffset(decision.provenFlushed),
    scannedBytes: decision.scannedBytes,
    records: decision.records,
    cutBytes: tailEnd - end,
    damaged: decision.damaged.map((range) => ({ from: commitLogOffset(range.from), to: commitLogOffset(range.to) })),
    damagedBytes: decision.damagedBytes,
    rebuilt: rebuiltFiles,
    tailCommits: commits.places,
    foreign,
  }
  return { report, lastTimestampMs: decision.lastTimestampMs, stamp, savedIndex: checkpoint?.index }
}
