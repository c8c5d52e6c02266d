// Reads units of consume queues from their files, keeping some of them open.
import { type File, FileError, type Files } from '@rocketmq-ts/runtime'
import { fileName } from '../commit-log/segment.ts'
import { UNIT_BYTES } from '../consume-queue/unit.ts'

/** Files kept open, at most. */
const OPEN_MAX = 64

export interface QueuePlace {
  readonly topic: string
  readonly queueId: number
}

/** Folder of a queue, relative to the root of the store. */
export function queueFolder({ topic, queueId }: QueuePlace): string {
  return `consumequeue/${topic}/${queueId}`
}

export interface QueueUnits {
  /** Path of the file with the unit of `offset`, relative to the root. */
  fileOf(place: QueuePlace, offset: number): string
  /** Fills `into` with the units from `from` on; what is not in a file reads as zeros. */
  read(place: QueuePlace, from: number, into: Buffer): Promise<void>
  close(): Promise<void>
}

export function createQueueUnits(files: Files, root: string, unitsPerFile: number): QueueUnits {
  /** The least recently used first; undefined for a file that is missing. */
  const open = new Map<string, File | undefined>()

  function fileOf(place: QueuePlace, offset: number): string {
    return `${queueFolder(place)}/${fileName((offset - (offset % unitsPerFile)) * UNIT_BYTES)}`
  }

  async function openFile(path: string): Promise<File | undefined> {
    const known = open.get(path)
    if (known !== undefined || open.has(path)) {
      open.delete(path)
      open.set(path, known)
      return known
    }
    const file = await files.open(`${root}/${path}`, 'read').catch((error: unknown) => {
      if (error instanceof FileError && error.code === 'not-found') return undefined
      throw error
    })
    open.set(path, file)
    for (const [oldest, handle] of open) {
      if (open.size <= OPEN_MAX) break
      open.delete(oldest)
      await handle?.close()
    }
    return file
  }

  return {
    fileOf,
    async read(place, from, into) {
      const units = into.length / UNIT_BYTES
      for (let done = 0; done < units;) {
        const inFile = (from + done) % unitsPerFile
        const count = Math.min(units - done, unitsPerFile - inFile)
        const part = into.subarray(done * UNIT_BYTES, (done + count) * UNIT_BYTES)
        const file = await openFile(fileOf(place, from + done))
        const bytes = file === undefined ? 0 : await file.read(inFile * UNIT_BYTES, part)
        part.fill(0, bytes)
        done += count
      }
    },
    async close() {
      for (const file of open.values()) await file?.close()
      open.clear()
    },
  }
}
