// Clears what recovery cut off the end of the log, after keeping a copy in `damaged/` for people to look at. A crash in
// between leaves a log that the next recovery cuts again.
import type { Files, Logger } from '@rocketmq-ts/runtime'
import { fileName, type Segment, type Segments } from './commit-log/segment.ts'
import type { StoreEvent } from './message-store.ts'

const PIECE_BYTES = 4 * 1024 * 1024

/** What a repair works on. */
export interface RepairOptions {
  readonly files: Files
  /** Where cut bytes are kept. */
  readonly folder: string
  readonly segments: Segments
  readonly logger: Logger<StoreEvent>
}

async function keep(options: RepairOptions, segment: Segment, from: number, to: number): Promise<void> {
  const { files, folder, logger } = options
  const path = `${folder}/commitlog-${fileName(from)}`
  const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, to - from))
  try {
    await files.makeFolder(folder)
    const copy = await files.open(path, 'create')
    try {
      for (let at = from; at < to; at += piece.length) {
        const bytes = await segment.file.read(at - segment.base, piece.subarray(0, Math.min(piece.length, to - at)))
        copy.writeSync(at - from, [piece.subarray(0, bytes)])
      }
      await copy.sync()
    } finally {
      await copy.close()
    }
    await files.syncFolder(folder)
    logger.warn({ event: 'store.cut', from, bytes: to - from, kept: path })
  } catch (error) {
    // Nobody was promised these bytes: a full disk must not keep the broker from starting.
    logger.error({ event: 'store.cut', from, bytes: to - from, kept: `not kept: ${String(error)}` })
  }
}

/** Clears [end, tailEnd). Segments that lie wholly behind `end` are removed. */
export async function cutTail(options: RepairOptions, end: number, tailEnd: number): Promise<void> {
  const { segments } = options
  const { segmentBytes } = segments
  for (let base = end - (end % segmentBytes); base < tailEnd; base += segmentBytes) {
    const segment = segments.at(base)
    if (segment === undefined) continue
    const from = Math.max(end, base)
    await keep(options, segment, from, Math.min(tailEnd, base + segmentBytes))
    if (from === base) continue
    await segment.file.truncate(from - base)
    await segment.file.truncate(segmentBytes)
    await segment.file.sync()
  }
  const firstBehind = Math.ceil(end / segmentBytes) * segmentBytes
  if (tailEnd > firstBehind) await segments.removeFrom(firstBehind)
}
