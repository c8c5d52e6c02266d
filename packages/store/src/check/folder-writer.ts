// Whose a stopped folder is, judged as the next start on it would. Reads only.
import type { Files } from '@rocketmq-ts/runtime'
import type { CheckOwner } from './check-owner.ts'
import type { Folder } from './folder-shape.ts'
import { createSegmentSource, type SegmentSource } from './log-source.ts'
import { readSeal } from '../checkpoint-seal.ts'
import { readFlushedMark } from '../flushed-mark.ts'
import { type ForeignWrites, judgeLastWriter, type LogPlaces } from '../last-writer.ts'
import { readAbort } from '../open-store.ts'
import { pathsOf } from '../store-settings.ts'

/** The files of a scan, as the verdict reads them. */
export function placesOf(source: SegmentSource): LogPlaces {
  return {
    segmentBytes: source.segmentBytes,
    min: source.min,
    end: source.end,
    async at(position) {
      const found = await source.fileAt(position)
      return found && { base: found.segment.base, file: found.file }
    },
  }
}

/** What another broker wrote that is not taken over; undefined where all is ours. */
export async function foreignWritesOf(
  files: Files,
  folder: Folder,
  owner: Pick<CheckOwner, 'stamp'>,
): Promise<ForeignWrites | undefined> {
  const paths = pathsOf(folder.root)
  const ends = [await readFlushedMark(files, paths.flushedMark), ...folder.checkpoints.map(({ coversTo }) => coversTo)]
  const known = ends.filter((end) => end !== undefined)
  const source = createSegmentSource(files, folder, () => undefined)
  try {
    const { foreign } = await judgeLastWriter({
      files,
      path: paths.lastWriter,
      segments: placesOf(source),
      coversTo: known.length === 0 ? undefined : Math.max(...known),
      seal: await readSeal(files, paths.checkpoint),
      abort: await readAbort({ files }, paths.abort),
      stamp: await owner.stamp(files, folder.root),
    })
    return foreign
  } finally {
    await source.close()
  }
}
