// Copies a stopped store into a new folder: every record at its position, something valid in place of what was lost, and
// nothing that derives from the log: the store opens on the copy and builds that itself. The source is only read.
import { commitLogOffset, MqError } from '@rocketmq-ts/model'
import type { File, Files } from '@rocketmq-ts/runtime'
import { writeCheckpoint } from '../checkpoint.ts'
import { fileName } from '../commit-log/segment.ts'
import { writeFlushedMark } from '../flushed-mark.ts'
import { type ForeignWrites, noteForeign } from '../last-writer.ts'
import { lossBytes } from '../loss-record.ts'
import type { RecoveryReport, StoreDeps } from '../message-store.ts'
import { openMessageStore } from '../open-store.ts'
import type { LogRange } from '../recovery.ts'
import { encodeQueueStates } from '../queue-states.ts'
import { pathsOf, STORE_DEFAULTS } from '../store-settings.ts'
import type { CheckOwner } from '../check/check-owner.ts'
import type { Folder } from '../check/folder-shape.ts'
import { createSegmentSource } from '../check/log-source.ts'
import { firstNonZero } from '../check/zeros.ts'
import { foreignWritesOf, placesOf } from '../check/folder-writer.ts'
import { walkLog } from './walk-log.ts'

const PIECE_BYTES = 4 * 1024 * 1024
/** Damaged ranges of a log that is copied, at most. */
const LOST_RANGES_MAX = 1_000_000

interface LostRange extends LogRange {
  /** Store time of the record before it. */
  readonly storedMs: number
}

export interface RepairOptions {
  readonly from: string
  /** A folder that is missing or empty. */
  readonly to: string
  readonly owner: CheckOwner
  readonly onProgress?: (bytes: number, total: number) => void
}

export interface RepairReport {
  readonly records: number
  readonly end: number
  /** Ranges of the log whose records are lost. */
  readonly lost: readonly LogRange[]
  /** Bytes behind the end of the log that were left out. */
  readonly leftOutBytes: number
  /** What the start on the copy found. */
  readonly recovery: RecoveryReport
}

interface Copying {
  readonly files: Files
  readonly folder: Folder
  readonly to: string
  readonly end: number
  readonly lost: readonly LostRange[]
}

/** Rejects with FileError, or MqError 'unavailable' for a log with too many holes. Where it does, the copy is not to be used: it has no flushed mark. */
export async function repairStore(options: RepairOptions, deps: StoreDeps): Promise<RepairReport> {
  const { files } = deps
  const { from, to, owner } = options
  const lost: LostRange[] = []
  let storedMs = 0
  const { folder, decision } = await walkLog(
    {
      folder: from,
      owner,
      ...(options.onProgress && { onProgress: options.onProgress }),
      onRecord({ peek }) {
        storedMs = peek.storeTimestampMs
        return true
      },
      onDamaged(range) {
        if (lost.length >= LOST_RANGES_MAX) {
          throw new MqError(
            'unavailable',
            `the log has more than ${LOST_RANGES_MAX} damaged ranges: export what is whole`,
          )
        }
        lost.push({ ...range, storedMs })
      },
    },
    { files },
  )
  const { end, records, tailEnd } = decision
  const copying: Copying = { files, folder, to, end, lost }
  await files.makeFolder(`${to}/commitlog`, { durable: true })
  for (const { base } of folder.segments) if (base < end) await copySegment(copying, base)
  await copyStates(copying)
  const foreign = await foreignWritesOf(files, folder, owner)
  if (foreign !== undefined) await keepForeign(copying, foreign)
  // Last: without it the copy is nobody's.
  await writeFlushedMark(files, pathsOf(to).flushedMark, end)
  const recovery = await buildDerived(copying, owner, deps)
  return {
    records,
    end,
    lost: lost.map((range) => ({ from: range.from, to: range.to })),
    leftOutBytes: tailEnd - end,
    recovery,
  }
}

async function copySegment({ files, folder, to, end, lost }: Copying, base: number): Promise<void> {
  const { segmentBytes } = folder
  const segmentEnd = base + segmentBytes
  const source = await files.open(`${folder.root}/commitlog/${fileName(base)}`, 'read')
  const copy = await files.open(`${to}/commitlog/${fileName(base)}`, 'create')
  try {
    await copy.truncate(segmentBytes)
    await copyBytes(source, copy, Math.min(segmentBytes, end - base))
    for (const range of lost) {
      const [from, until] = [Math.max(range.from, base), Math.min(range.to, segmentEnd)]
      if (from >= until) continue
      // Where nothing fits, zeros: every start tells of them.
      const bytes = lossBytes(from, until, segmentEnd, range.storedMs) ?? Buffer.alloc(until - from)
      copy.writeSync(from - base, [bytes])
    }
    await copy.sync()
  } finally {
    await source.close()
    await copy.close()
  }
}

/** Zeros are not written: what takes no disk there takes none here. */
async function copyBytes(source: File, copy: File, length: number): Promise<void> {
  const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(0, length)))
  for (let at = 0; at < length;) {
    const count = await source.read(at, piece.subarray(0, Math.min(piece.length, length - at)))
    if (count === 0) return
    if (firstNonZero(piece, 0, count) >= 0) copy.writeSync(at, [piece.subarray(0, count)])
    at += count
  }
}

/** Another broker's settings and deliveries are taken over by the next start on the copy, as on the folder itself. */
async function keepForeign({ files, folder, to, end }: Copying, foreign: ForeignWrites): Promise<void> {
  const source = createSegmentSource(files, { ...folder, root: to }, () => undefined)
  try {
    const from = commitLogOffset(Math.min(foreign.from, end))
    await noteForeign({ files, path: pathsOf(to).lastWriter, segments: placesOf(source) }, { ...foreign, from })
  } finally {
    await source.close()
  }
}

/** What only the old folder knows: how far each queue had come, and the snapshots of its owner. */
async function copyStates({ files, folder, to, end }: Copying): Promise<void> {
  const known = folder.checkpoints.find(({ coversTo }) => coversTo <= end)
  if (known !== undefined) {
    // Units are made from the records that were copied.
    const queues = Array.from(known.queues, ({ topic, queueId, min, max }) => ({ topic, queueId, min, max }))
    const states = { ...known, queues: encodeQueueStates(queues), index: undefined }
    await writeCheckpoint(files, pathsOf(to).queueCheckpoint, states, () => Promise.resolve())
  }
  await files.makeFolder(`${to}/config`)
  for (const { name, kind } of await files.list(`${folder.root}/config`)) {
    if (kind === 'file') await copyFile(files, `${folder.root}/config/${name}`, `${to}/config/${name}`)
  }
}

async function copyFile(files: Files, from: string, to: string): Promise<void> {
  const source = await files.open(from, 'read')
  const copy = await files.open(to, 'create')
  try {
    await copyBytes(source, copy, await source.size())
    await copy.sync()
  } finally {
    await source.close()
    await copy.close()
  }
}

/** Opens the copy once: queues, index and checkpoints are built from its log. */
async function buildDerived({ folder, to }: Copying, owner: CheckOwner, deps: StoreDeps): Promise<RecoveryReport> {
  const shape = folder.checkpoints.find((checkpoint) => checkpoint.shape?.indexSlots !== undefined)?.shape
  const store = await openMessageStore(
    {
      folder: to,
      flushMode: 'ASYNC_FLUSH',
      segmentBytes: folder.segmentBytes,
      unitsPerFile: folder.unitsPerFile,
      indexSlots: shape?.indexSlots ?? STORE_DEFAULTS.indexSlots,
      indexEntries: shape?.indexEntries ?? STORE_DEFAULTS.indexEntries,
      holder: 'rmq store repair',
      flushedStampOf: (record) => owner.readJournal(record).provenFlushed,
      topicsEndedBy: (record) => owner.readJournal(record).endedTopics,
      queueEndsOf: (record) => owner.readJournal(record).queueEnds ?? [],
    },
    deps,
  )
  const { recovery } = store
  await store.close()
  return recovery
}
