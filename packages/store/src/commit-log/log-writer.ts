// What stands between the batch of a Turn and the disk: one call per batch, in order, each complete or failed as a whole.
import assert from 'node:assert'
import type { Segment, Segments } from './segment.ts'

/** Bytes for one segment, contiguous from `position` on. */
export interface LogPart {
  /** Position in the log of the first byte. */
  readonly position: number
  readonly chunks: readonly Uint8Array[]
}

/** Everything one Turn appended. Parts follow one another in the log, each within one segment. */
export interface LogBatch {
  readonly parts: readonly LogPart[]
}

/** Puts batches into the page cache. The main thread's is below; a worker may take its place. */
export interface LogWriter {
  /** Done when it returns, or when its promise resolves. Chunks may be reused afterwards. */
  submit(batch: LogBatch): void | Promise<void>
}

/** Of the page cache. */
const PAGE_BYTES = 4096

/**
 * Writes in the caller's thread; waits only where the file of a segment is still being made. `wholePages`: the page that a
 * batch ends in is filled with zeros first, where there are zeros anyway. The system reads a page that it has not in memory
 * when a part of it is written, and behind the reads of a drain that takes as long as ten syncs.
 */
export function createDirectLogWriter(segments: Segments, { wholePages = false } = {}): LogWriter {
  const { segmentBytes } = segments
  const zeros = new Uint8Array(PAGE_BYTES)

  function writePart(segment: Segment, { position, chunks }: LogPart): void {
    const at = position - segment.base
    if (wholePages) fillLastPage(segment, at, chunks)
    segment.file.writeSync(at, chunks)
  }

  /** The page that the chunks end in, within the segment; one that they begin in was written by the batch before. */
  function fillLastPage(segment: Segment, at: number, chunks: readonly Uint8Array[]): void {
    let end = at
    for (const chunk of chunks) end += chunk.length
    const page = end - (end % PAGE_BYTES)
    if (page < at || page === end) return
    segment.file.writeSync(page, [zeros.subarray(0, Math.min(PAGE_BYTES, segmentBytes - page))])
  }

  async function writeWhenReady(parts: readonly LogPart[]): Promise<void> {
    for (const part of parts) {
      writePart(await segments.ensure(part.position - (part.position % segmentBytes)), part)
    }
  }

  return {
    submit({ parts }) {
      for (const [index, part] of parts.entries()) {
        const segment = segments.at(part.position)
        if (segment === undefined) return writeWhenReady(parts.slice(index))
        assert(segment.base + segmentBytes > part.position, 'a part lies within its segment')
        writePart(segment, part)
      }
      return undefined
    },
  }
}
