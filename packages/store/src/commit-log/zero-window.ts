// In synchronous mode a sync is faster where the file system has nothing to allocate: a window in front of the log is
// filled with zeros, a little more with each batch than the batch took: neither the main thread nor a sync has much of it.
import { FileError } from '@rocketmq-ts/runtime'
import type { Segments } from './segment.ts'

const KiB = 1024
const MiB = 1024 * KiB
/** How far the zeros reach in front of the log. */
const WINDOW_BYTES = 32 * MiB
/** Written with one batch, at least and at most; in between, a multiple of what the batch took. */
const PIECE_BYTES_MIN = 128 * KiB
const PIECE_BYTES_MAX = MiB
const PER_BATCH = 2
/** The page that the log ends in exists already. */
const PAGE_BYTES = 4096

export interface ZeroWindow {
  /** The log was written up to `end`; nothing behind it is on the disk yet. */
  advance(end: number): void
}

/** Creates the window of one log. It never goes beyond the segment that the log ends in. */
export function createZeroWindow(segments: Segments): ZeroWindow {
  const { segmentBytes } = segments
  const zeros = new Uint8Array(Math.min(PIECE_BYTES_MAX, segmentBytes))
  let zeroedTo = 0
  let lastEnd = 0

  return {
    advance(end) {
      const segment = segments.at(end)
      if (segment === undefined) return
      const segmentEnd = segment.base + segmentBytes
      const from = Math.max(zeroedTo, Math.ceil(end / PAGE_BYTES) * PAGE_BYTES)
      const piece = Math.max(PIECE_BYTES_MIN, PER_BATCH * (end - lastEnd))
      lastEnd = end
      const to = Math.min(segmentEnd, from + Math.min(zeros.length, piece))
      if (from >= to || from >= end + WINDOW_BYTES) return
      zeroedTo = to
      try {
        segment.file.writeSync(from - segment.base, [zeros.subarray(0, to - from)])
      } catch (error) {
        // Zeros are only a help: a disk that is full or failing shows with the next batch, which counts.
        if (!(error instanceof FileError)) throw error
        zeroedTo = segmentEnd
      }
    },
  }
}
