// Brings the queues back to what the log says: from the newest checkpoint that the log covers, then record by record.
// A queue whose files are missing or damaged is built again from the whole log; nothing here refuses to start.
import { checkTopicName, commitLogOffset, MqError, queueOffset } from '@rocketmq-ts/model'
import { discardGenerationsBeyond, type Files, type Logger } from '@rocketmq-ts/runtime'
import { readCheckpoints, type StoredCheckpoint } from './checkpoint.ts'
import type { Segments } from './commit-log/segment.ts'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'
import type { QueueFiles } from './consume-queue/queue-files.ts'
import type { QueueState, QueueTable } from './consume-queue/queue-table.ts'
import { readFlushedMark } from './flushed-mark.ts'
import type { RecoveryReport, ReplayedRecord, StoreEvent, StoreOptions } from './message-store.ts'
import { hasUnit, storedTagsCode, topicOf } from './record-fields.ts'
import { type LogSource, type ScannedRecord, scanLog } from './recovery.ts'
import { cutTail } from './repair.ts'

/** Segments made anew where files of the log are missing, at most. */
const MISSING_SEGMENTS_MAX = 1024

export interface RestoreOptions {
  readonly files: Files
  readonly logger: Logger<StoreEvent>
  readonly segments: Segments
  readonly queues: QueueTable
  readonly queueFiles: QueueFiles
  /** Path of our checkpoint's generations. */
  readonly checkpointPath: string
  readonly flushedMarkPath: string
  readonly damagedFolder: string
  readonly cleanStop: boolean
  readonly flushedStampOf?: StoreOptions['flushedStampOf']
}

export interface Restored {
  readonly report: RecoveryReport
  /** Store time of the last record scanned, 0 without one. */
  readonly lastTimestampMs: number
}

/** The segments as the scan reads them. */
function sourceOf(segments: Segments): LogSource {
  return {
    segmentBytes: segments.segmentBytes,
    end: segments.end,
    async read(position, into) {
      const segment = segments.at(position)
      return segment === undefined ? 0 : segment.file.read(position - segment.base, into)
    },
  }
}

/** A scanned record with everything that dispatch tells of it. */
function replayed({ bytes, at, position, peek }: ScannedRecord): ReplayedRecord {
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

function isLegalTopic(topic: string): boolean {
  try {
    checkTopicName(topic)
    return true
  } catch {
    // Apache may hold names that we would not make; their records stay readable by position.
    return false
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

/** Decides, per queue, what a record of the log means for it. */
class QueueBuilder {
  readonly #queues: QueueTable
  /** Units of trusted queues below are in their files. */
  readonly #coversTo: number
  readonly #trusted = new Set<ConsumeQueue>()
  readonly #lost: QueueState[] = []

  constructor(queues: QueueTable, coversTo: number) {
    this.#queues = queues
    this.#coversTo = coversTo
  }

  trust(state: QueueState): ConsumeQueue {
    const queue = this.#queues.restore(state)
    this.#trusted.add(queue)
    return queue
  }

  isTrusted(queue: ConsumeQueue): boolean {
    return this.#trusted.has(queue)
  }

  /** Forgets what a queue has: its files can not be trusted. */
  distrust(queue: ConsumeQueue, state: QueueState): void {
    this.#trusted.delete(queue)
    this.#queues.remove(queue)
    this.#lost.push(state)
  }

  /** Takes a record's unit; false when its queue offset can not be. */
  take(record: ScannedRecord, isProven: boolean): boolean {
    const { bytes, position, peek } = record
    if (!hasUnit(peek.sysFlag)) return true
    const topic = topicOf(bytes, peek)
    let queue = this.#queues.find(topic, peek.queueId)
    if (queue === undefined) {
      if (!isLegalTopic(topic)) return true
      queue = this.#queues.obtain(topic, peek.queueId, peek.queueOffset)
    } else if (position < this.#coversTo && this.#trusted.has(queue)) return true
    if (peek.queueOffset !== queue.max) {
      if (!isProven) return false
      // A second record of an offset that exists already: readable by position only, as Java does it.
      if (peek.queueOffset < queue.max) return true
      queue.fillTo(peek.queueOffset)
    }
    queue.push({ commitLogOffset: position, size: peek.totalSize, tagsCode: storedTagsCode(bytes, peek) })
    this.#queues.markDirty(queue)
    return true
  }

  /** Offsets that were given out stay given out, also where every record of them is lost. */
  finish(): void {
    for (const { topic, queueId, max } of this.#lost) {
      const queue = this.#queues.find(topic, queueId) ?? this.#queues.obtain(topic, queueId, max)
      if (queue.max < max) {
        queue.fillTo(max)
        this.#queues.markDirty(queue)
      }
    }
    for (const queue of this.#queues.all()) queue.visible = queue.max
  }
}

/** The newest checkpoint whose whole content is flushed. Others are removed before the log can grow over them. */
async function chooseCheckpoint(
  options: RestoreOptions,
  provenFlushed: number,
  rebuilt: (file: string, reason: string) => void,
): Promise<StoredCheckpoint | undefined> {
  const { files, segments } = options
  const { valid, damaged } = await readCheckpoints(files, options.checkpointPath)
  for (const path of damaged) rebuilt(path, 'can not be read')
  const generations = valid.map((checkpoint) => checkpoint.generation)
  const kept = await discardGenerationsBeyond(files, generations, provenFlushed)
  for (const generation of generations) {
    if (!kept.includes(generation)) rebuilt(generation.path, 'covers more than was flushed')
  }
  return valid.find(({ generation, coversTo }) => kept.includes(generation) && coversTo >= segments.min)
}

/** Restores the queues and repairs the log. Afterwards all of it is flushed. */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { files, logger, segments, queues, queueFiles, cleanStop, flushedStampOf } = options
  const rebuiltFiles: string[] = []
  function rebuilt(file: string, reason: string): void {
    rebuiltFiles.push(file)
    logger.warn({ event: 'store.rebuilt', file, reason })
  }

  const mark = await readFlushedMark(files, options.flushedMarkPath)
  await completeSegments(segments, mark ?? segments.min)
  const checkpoint = await chooseCheckpoint(options, mark ?? 0, rebuilt)
  const coversTo = checkpoint?.coversTo ?? segments.min
  const builder = new QueueBuilder(queues, coversTo)
  let from = coversTo
  for (const state of checkpoint?.queues ?? []) {
    const queue = builder.trust(state)
    if (await queueFiles.isIntact(queue, coversTo)) continue
    builder.distrust(queue, state)
    rebuilt(`consumequeue/${state.topic}/${state.queueId}`, 'is missing or damaged')
    from = segments.min
  }

  const isGuess = mark === undefined && cleanStop
  const decision = await scanLog({
    source: sourceOf(segments),
    from,
    provenFlushed: isGuess ? segments.end : (mark ?? 0),
    isGuess,
    cleanStop: cleanStop && !isGuess,
    onRecord: (record, isProven) => builder.take(record, isProven),
    onWindow: async () => {
      for (const queue of queues.takeDirty()) await queueFiles.persist(queue)
    },
    ...(flushedStampOf === undefined ? {} : { stampOf: (record) => flushedStampOf(replayed(record)) }),
  })
  builder.finish()
  const { end, tailEnd } = decision
  for (const range of decision.damaged) logger.error({ event: 'store.damaged', ...range })
  if (tailEnd > end) await cutTail({ files, folder: options.damagedFolder, segments, logger }, end, tailEnd)
  for (const queue of queues.all()) {
    if (cleanStop && builder.isTrusted(queue)) continue
    if (await queueFiles.truncate(queue))
      rebuilt(`consumequeue/${queue.topic}/${queue.queueId}`, 'was ahead of the log')
  }
  // What was only in the page cache becomes as safe as what follows.
  const unproven = Math.min(mark ?? 0, end)
  for (let base = unproven - (unproven % segments.segmentBytes); base < end; base += segments.segmentBytes) {
    await segments.at(base)?.file.sync()
  }
  const report: RecoveryReport = {
    cleanStop,
    end: commitLogOffset(end),
    provenFlushed: commitLogOffset(decision.provenFlushed),
    scannedBytes: decision.scannedBytes,
    records: decision.records,
    cutBytes: tailEnd - end,
    damaged: decision.damaged.map((range) => ({ from: commitLogOffset(range.from), to: commitLogOffset(range.to) })),
    rebuilt: rebuiltFiles,
  }
  return { report, lastTimestampMs: decision.lastTimestampMs }
}
