// The segments of a stopped store as a scan reads them, one file open at a time.
import type { File, Files } from '@rocketmq-ts/runtime'
import type { LogSource } from '../recovery.ts'
import type { Folder, NumberedFile } from './folder-shape.ts'

interface OpenSegment {
  readonly segment: NumberedFile
  readonly file: File
}

export interface SegmentSource extends LogSource {
  readonly min: number
  /** The file that holds a position; undefined where it is missing. Valid until the next call. */
  fileAt(position: number): Promise<OpenSegment | undefined>
  close(): Promise<void>
}

/** @param onRead told how far the log was read */
export function createSegmentSource(files: Files, folder: Folder, onRead: (position: number) => void): SegmentSource {
  const { segmentBytes } = folder
  const segments = new Map(
    folder.segments.filter(({ base }) => base % segmentBytes === 0).map((segment) => [segment.base, segment]),
  )
  const bases = [...segments.keys()]
  const min = bases.length === 0 ? 0 : Math.min(...bases)
  let open: OpenSegment | undefined

  async function fileAt(position: number): Promise<OpenSegment | undefined> {
    const segment = segments.get(position - (position % segmentBytes))
    if (segment === undefined) return undefined
    if (open?.segment === segment) return open
    await open?.file.close()
    open = undefined
    open = { segment, file: await files.open(`${folder.root}/commitlog/${segment.name}`, 'read') }
    return open
  }

  return {
    segmentBytes,
    min,
    end: bases.length === 0 ? min : Math.max(...bases) + segmentBytes,
    fileAt,
    async read(position, into) {
      onRead(position)
      const found = await fileAt(position)
      return found === undefined ? 0 : found.file.read(position - found.segment.base, into)
    },
    async close() {
      await open?.file.close()
      open = undefined
    },
  }
}
