// The files of the commit log: equal sizes, named by the position of their first byte in 20 digits, without gaps.
// Each has its full size before its first byte is written. Java: MappedFileQueue, AllocateMappedFileService.
import { MqError } from '@rocketmq-ts/model'
import type { File, Files } from '@rocketmq-ts/runtime'
import { isNoSpace } from './disk-reserve.ts'
import { withFastAccessors } from '../fast-accessors.ts'

/** Java: UtilAll.offset2FileName. */
const NAME_DIGITS = 20
export const SEGMENT_NAME = /^\d{20}$/

/** One file of the log. */
export interface Segment {
  /** Position of its first byte in the log. */
  readonly base: number
  readonly file: File
}

/** All files of the log, by position. */
export interface Segments {
  readonly segmentBytes: number
  /** Position of the first byte kept: grows only. Files below may be waiting for their removal. */
  readonly min: number
  /** Position behind the last file. */
  readonly end: number
  /** Files. */
  readonly count: number
  /** The segment that holds `position`, if its file exists. */
  at(position: number): Segment | undefined
  /** The segment starting at `base`, made where it is missing. */
  ensure(base: number): Promise<Segment>
  /** Makes the segment that starts at `base` in the background; a failure shows in `ensure`. */
  prepare(base: number): void
  /** Resolves when no file is being made. */
  settled(): Promise<void>
  /** Removes the files that start at `from` or behind. */
  removeFrom(from: number): Promise<void>
  /** Everything below `base` is in the log no more. The files go with `removeRetired`; a read under way keeps its bytes. */
  retireBelow(base: number): void
  /**
   * Removes the oldest retired file, durably: one at a time, so that a power loss never leaves an older file behind a
   * missing one. The base of what went, undefined when there is none. What can not be removed stays the next one.
   */
  removeRetired(): Promise<number | undefined>
  close(): Promise<void>
}

/** Name of the file whose first byte is at `position` of its log. */
export function fileName(position: number): string {
  return String(position).padStart(NAME_DIGITS, '0')
}

/** Positions of the well-named files of a folder, ascending. */
export async function listPositions(files: Files, folder: string): Promise<number[]> {
  const entries = await files.list(folder)
  return entries
    .filter((entry) => entry.kind === 'file' && SEGMENT_NAME.test(entry.name))
    .map((entry) => Number(entry.name))
    .sort((a, b) => a - b)
}

/** `isAgain`: it was tried before, so its size says nothing about what of it is safe. */
async function openSegment(
  files: Files,
  folder: string,
  base: number,
  segmentBytes: number,
  isAgain = false,
): Promise<Segment> {
  const path = `${folder}/${fileName(base)}`
  const file = await files.open(path, 'create')
  try {
    const bytes = await file.size()
    if (bytes > segmentBytes) {
      throw new MqError(
        'parameter-invalid',
        `segment ${path} has ${bytes} bytes, mappedFileSizeCommitLog says ${segmentBytes}: start with the size the folder was made with`,
      )
    }
    // Shorter: new, or cut by a power loss before its size was safe.
    if (bytes < segmentBytes || isAgain) {
      await file.truncate(segmentBytes)
      await file.sync()
      await files.syncFolder(folder)
    }
    return { base, file }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Opens the files of a log folder; an empty folder has no segment yet. Rejects where names or sizes do not fit. */
export async function openSegments(options: {
  readonly files: Files
  readonly folder: string
  readonly segmentBytes: number
}): Promise<Segments> {
  const { files, folder, segmentBytes } = options
  const segments = new Map<number, Segment>()
  const making = new Map<number, Promise<Segment>>()
  /** Found no space before. */
  const postponed = new Set<number>()
  /** Files that are in the log no more, the oldest first. */
  const retired: Segment[] = []
  await files.makeFolder(folder, { durable: true })
  const bases = await listPositions(files, folder)
  for (const base of bases) {
    if (!Number.isSafeInteger(base) || base % segmentBytes !== 0) {
      throw new MqError(
        'parameter-invalid',
        `segment ${folder}/${fileName(base)} does not start at a multiple of mappedFileSizeCommitLog ${segmentBytes}`,
      )
    }
  }
  let min = bases[0] ?? 0
  let end = min
  // A missing file in the middle becomes one of zeros: a hole that recovery judges.
  for (const last = bases.at(-1) ?? -1; end <= last; end += segmentBytes) {
    segments.set(end, await openSegment(files, folder, end, segmentBytes))
  }
  // A process that was killed may have made one whose name no sync has seen.
  if (bases.length > 0) await files.syncFolder(folder)

  function make(base: number): Promise<Segment> {
    const known = making.get(base)
    if (known !== undefined) return known
    const promise = openSegment(files, folder, base, segmentBytes, postponed.has(base)).then(
      (segment) => {
        if (segments.size === 0) min = base
        segments.set(base, segment)
        end = Math.max(end, base + segmentBytes)
        making.delete(base)
        postponed.delete(base)
        return segment
      },
      (error: unknown) => {
        // After a sync that failed the next one proves nothing: only for want of space it is tried again.
        if (isNoSpace(error)) {
          making.delete(base)
          postponed.add(base)
        }
        throw error
      },
    )
    making.set(base, promise)
    return promise
  }

  async function settled(): Promise<void> {
    await Promise.allSettled(making.values())
  }

  return withFastAccessors({
    segmentBytes,
    get min() {
      return min
    },
    get end() {
      return end
    },
    get count() {
      return segments.size
    },
    at: (position) => segments.get(position - (position % segmentBytes)),
    ensure(base) {
      const segment = segments.get(base)
      return segment === undefined ? make(base) : Promise.resolve(segment)
    },
    prepare(base) {
      if (!segments.has(base)) make(base).catch(() => undefined)
    },
    settled,
    async removeFrom(from) {
      await settled()
      for (const segment of segments.values()) {
        if (segment.base < from) continue
        segments.delete(segment.base)
        await segment.file.close()
        await files.remove(segment.file.path)
      }
      await files.syncFolder(folder)
      end = Math.min(end, Math.max(from, min))
    },
    retireBelow(base) {
      for (; min < base; min += segmentBytes) {
        const segment = segments.get(min)
        if (segment === undefined) continue
        segments.delete(min)
        retired.push(segment)
      }
    },
    async removeRetired() {
      const oldest = retired[0]
      if (oldest === undefined) return undefined
      // Waits for the reads that are under way.
      await oldest.file.close()
      await files.remove(oldest.file.path)
      await files.syncFolder(folder)
      retired.shift()
      return oldest.base
    },
    async close() {
      await settled()
      await Promise.all([...segments.values(), ...retired].map((segment) => segment.file.close()))
      retired.length = 0
      segments.clear()
    },
  })
}
