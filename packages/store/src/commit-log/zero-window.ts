// In synchronous mode a sync is faster where the file system has nothing to allocate: a window in front of the log is
// filled with zeros, one piece per batch, so that no single sync has much of it to write.
import { FileError } from '@rocketmq-ts/runtime'
import type { Segments } from './segment.ts'

const MiB = 1024 * 1024
/** How far the zeros reach in front of the log. */
const WINDOW_BYTES = 32 * MiB
/** Written with one batch, at most. */
const PIECE_BYTES = MiB
/** The page that the log ends in exists already. */
const PAGE_BYTES = 4096

export interface ZeroWindow {
  /** The log was written up to `end`; nothing behind it is on the disk yet. */
  advance(end: number): void
}

/** Creates the window of one log. It never goes beyond the segment that the log ends in. */
export function createZeroWindow(segments: Segments): ZeroWindow {
  const { segmentBytes } = segments
  const zeros = new Uint8Array(Math.min(PIECE_BYTES, segmentBytes))
  let zeroedTo = 0

  return {
    advance(end) {
      const segment = segments.at(end)
      if (segment === undefined) return
      const segmentEnd = segment.base + segmentBytes
      const from = Math.max(zeroedTo, Math.ceil(end / PAGE_BYTES) * PAGE_BYTES)
      const to = Math.min(segmentEnd, from + zeros.length)
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
