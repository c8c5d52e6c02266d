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

/** Writes in the caller's thread; waits only where the file of a segment is still being made. */
export function createDirectLogWriter(segments: Segments): LogWriter {
  const { segmentBytes } = segments

  function writePart(segment: Segment, part: LogPart): void {
    segment.file.writeSync(part.position - segment.base, part.chunks)
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
