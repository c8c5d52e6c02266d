// Clears what recovery cut off the end of the log, after keeping a copy in `damaged/` for people to look at. A crash in
// between leaves a log that the next recovery cuts again.
import type { Files, Logger } from '@rocketmq-ts/runtime'
import { fileName, type Segment, type Segments } from './commit-log/segment.ts'
import type { StoreEvent } from './events.ts'
import type { LogRange } from './recovery.ts'

const PIECE_BYTES = 4 * 1024 * 1024

/** What a repair works on. */
export interface RepairOptions {
  readonly files: Files
  /** Where cut bytes are kept. */
  readonly folder: string
  readonly segments: Segments
  readonly logger: Logger<StoreEvent>
}

function keptAs({ folder }: RepairOptions, from: number): string {
  return `${folder}/commitlog-${fileName(from)}`
}

async function keep(options: RepairOptions, segment: Segment, { from, to }: LogRange): Promise<void> {
  const { files, folder, logger } = options
  const path = keptAs(options, from)
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

/** The bytes of a range that is small enough to be in memory; undefined of a larger one, and where they can not be read. */
async function bytesIn({ file, base }: Segment, { from, to }: LogRange): Promise<Uint8Array | undefined> {
  if (to - from > PIECE_BYTES) return undefined
  const bytes = Buffer.alloc(to - from)
  return file.read(from - base, bytes).then(
    (count) => bytes.subarray(0, count),
    () => undefined,
  )
}

/**
 * After a sync that failed, the page cache alone has the zeros: a later start would find nothing to cut, and what was cut would
 * come back with the power. So the page cache gets what the disk may still have: of a large range, as far as a copy was kept.
 */
async function putBack(
  options: RepairOptions,
  segment: Segment,
  { from, to }: LogRange,
  cut: Uint8Array | undefined,
): Promise<void> {
  if (cut !== undefined) {
    segment.file.writeSync(from - segment.base, [cut])
    return
  }
  const copy = await options.files.open(keptAs(options, from), 'read')
  try {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, to - from))
    for (let at = from; at < to; at += piece.length) {
      const bytes = await copy.read(at - from, piece.subarray(0, Math.min(piece.length, to - at)))
      segment.file.writeSync(at - segment.base, [piece.subarray(0, bytes)])
    }
  } finally {
    await copy.close()
  }
}

/** Clears the segment from where the range begins; behind the range there is nothing. */
async function clear(options: RepairOptions, segment: Segment, range: LogRange): Promise<void> {
  const { segments } = options
  const cut = await bytesIn(segment, range)
  await segment.file.truncate(range.from - segment.base)
  try {
    await segment.file.truncate(segments.segmentBytes)
    await segment.file.sync()
  } catch (error) {
    // The start fails with what stopped it, whatever becomes of this.
    await putBack(options, segment, range, cut).catch(() => undefined)
    throw error
  }
}

/** Clears [end, tailEnd). Segments that lie wholly behind `end` are removed. */
export async function cutTail(options: RepairOptions, end: number, tailEnd: number): Promise<void> {
  const { segments } = options
  const { segmentBytes } = segments
  for (let base = end - (end % segmentBytes); base < tailEnd; base += segmentBytes) {
    const segment = segments.at(base)
    if (segment === undefined) continue
    const range = { from: Math.max(end, base), to: Math.min(tailEnd, base + segmentBytes) }
    await keep(options, segment, range)
    if (range.from === base) continue
    await clear(options, segment, range)
  }
  const firstBehind = Math.ceil(end / segmentBytes) * segmentBytes
  if (tailEnd > firstBehind) await segments.removeFrom(firstBehind)
}
