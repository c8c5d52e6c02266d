// The files of consume queues: consumequeue/<topic>/<queueId>/<20 digits>, each of full size from its creation on.
// Written lazily and never synced on the way of an acknowledgement: the log can always rebuild them.
import assert from 'node:assert'
import type { File, Files } from '@rocketmq-ts/runtime'
import { fileName, listPositions } from '../commit-log/segment.ts'
import { CHUNK_UNITS } from './chunk-cache.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import { encodeUnit, FILLER_SIZE, UNIT_BYTES, unitPosition } from './unit.ts'

/** Files kept open, at most. */
const OPEN_FILES_MAX = 128
/** Chunks of one load: a walk through old units reads ahead. */
const LOAD_CHUNKS_MAX = 16
/** Bytes of the pieces in which the start of a file is filled or its rest is cleared. */
const PIECE_BYTES = 3200 * UNIT_BYTES

export interface QueueFiles {
  /** Writes the units of [queue.persisted, queue.max) into the page cache. */
  persist(queue: ConsumeQueue): Promise<void>
  /** Reads the units around `at`, which are in files, into the queue's memory. */
  load(queue: ConsumeQueue, at: number): Promise<void>
  /** Everything persisted before the call survives a power loss. */
  sync(): Promise<void>
  /** Clears what the files hold from the queue's end on. True when there was something. */
  truncate(queue: ConsumeQueue): Promise<boolean>
  /** True when the file of the queue's last unit is there and holds a unit of a record below `logEnd`. */
  isIntact(queue: ConsumeQueue, logEnd: number): Promise<boolean>
  close(): Promise<void>
}

interface Handle {
  readonly opening: Promise<File>
  uses: number
}

/** Opens nothing yet. `root` is the consumequeue folder. */
export function createQueueFiles(options: {
  readonly files: Files
  readonly root: string
  readonly unitsPerFile: number
}): QueueFiles {
  const { files, root, unitsPerFile } = options
  const fileBytes = unitsPerFile * UNIT_BYTES
  /** Open files, the least recently used first. */
  const handles = new Map<string, Handle>()
  const unsyncedFiles = new Set<string>()
  const unsyncedFolders = new Set<string>()
  const loading = new Map<ConsumeQueue, Map<number, Promise<void>>>()

  function folderOf(queue: ConsumeQueue): string {
    return `${root}/${queue.topic}/${queue.queueId}`
  }

  function fileStart(offset: number): number {
    return offset - (offset % unitsPerFile)
  }

  function pathOf(queue: ConsumeQueue, offset: number): string {
    return `${folderOf(queue)}/${fileName(fileStart(offset) * UNIT_BYTES)}`
  }

  async function closeUnused(): Promise<void> {
    for (const [path, handle] of handles) {
      if (handles.size <= OPEN_FILES_MAX) return
      if (handle.uses > 0) continue
      handles.delete(path)
      await (await handle.opening).close()
    }
  }

  async function use<Result>(
    path: string,
    open: () => Promise<File>,
    work: (file: File) => Result,
  ): Promise<Awaited<Result>> {
    const handle = handles.get(path) ?? { opening: open(), uses: 0 }
    handles.delete(path)
    handles.set(path, handle)
    handle.uses += 1
    try {
      return await work(await handle.opening)
    } catch (error) {
      // An opening that failed must not stand for the file.
      await handle.opening.catch(() => handles.delete(path))
      throw error
    } finally {
      handle.uses -= 1
      await closeUnused()
    }
  }

  /** Java: ConsumeQueue.fillPreBlank. */
  function fillPreBlank(file: File, units: number): void {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, units * UNIT_BYTES))
    for (let at = 0; at < piece.length; at += UNIT_BYTES) {
      encodeUnit(piece, at, { commitLogOffset: 0, size: FILLER_SIZE, tagsCode: 0 })
    }
    const end = units * UNIT_BYTES
    for (let at = 0; at < end; at += piece.length)
      file.writeSync(at, [piece.subarray(0, Math.min(piece.length, end - at))])
  }

  async function createFile(queue: ConsumeQueue, offset: number): Promise<File> {
    const folder = folderOf(queue)
    await files.makeFolder(folder)
    const file = await files.open(pathOf(queue, offset), 'create')
    if ((await file.size()) === fileBytes) return file
    await file.truncate(fileBytes)
    const blank = Math.min(unitsPerFile, queue.min - fileStart(offset))
    if (blank > 0) fillPreBlank(file, blank)
    unsyncedFolders.add(folder).add(`${root}/${queue.topic}`).add(root)
    return file
  }

  async function persist(queue: ConsumeQueue): Promise<void> {
    while (queue.persisted < queue.max) {
      const from = queue.persisted
      const path = pathOf(queue, from)
      await use(
        path,
        () => createFile(queue, from),
        (file) => {
          const start = fileStart(from)
          const fileEnd = start + unitsPerFile
          for (let units = queue.resident(queue.persisted); units !== undefined && queue.persisted < fileEnd;) {
            const count = Math.min(units.to, fileEnd) - queue.persisted
            file.writeSync((queue.persisted - start) * UNIT_BYTES, [units.bytes.subarray(0, count * UNIT_BYTES)])
            queue.persisted += count
            units = queue.resident(queue.persisted)
          }
        },
      )
      assert(queue.persisted > from, 'units that are not in a file are in memory')
      unsyncedFiles.add(path)
    }
  }

  async function readUnits(queue: ConsumeQueue, from: number, to: number): Promise<Buffer> {
    const into = Buffer.alloc((to - from) * UNIT_BYTES)
    for (let offset = from; offset < to;) {
      const start = fileStart(offset)
      const stop = Math.min(to, start + unitsPerFile)
      const part = into.subarray((offset - from) * UNIT_BYTES, (stop - from) * UNIT_BYTES)
      const position = (offset - start) * UNIT_BYTES
      await use(
        pathOf(queue, offset),
        () => files.open(pathOf(queue, start), 'must-exist'),
        (file) => file.read(position, part, 'cold'),
      )
      offset = stop
    }
    return into
  }

  async function readChunks(queue: ConsumeQueue, from: number): Promise<void> {
    const to = Math.min(queue.persisted, from + LOAD_CHUNKS_MAX * CHUNK_UNITS)
    if (to > from) queue.fill(from, await readUnits(queue, from, to))
  }

  async function clearRest(queue: ConsumeQueue, path: string): Promise<boolean> {
    return use(
      path,
      () => files.open(path, 'must-exist'),
      async (file) => {
        const start = (queue.max - fileStart(queue.max)) * UNIT_BYTES
        const piece = Buffer.alloc(PIECE_BYTES)
        const zeros = Buffer.alloc(PIECE_BYTES)
        let found = false
        for (let at = start; at < fileBytes; at += piece.length) {
          const bytes = await file.read(at, piece.subarray(0, Math.min(piece.length, fileBytes - at)))
          const isClear = piece.compare(zeros, 0, bytes, 0, bytes) === 0
          // Units are written without gaps: behind a clear piece there is none.
          if (isClear) return found
          file.writeSync(at, [zeros.subarray(0, bytes)])
          found = true
        }
        return found
      },
    )
  }

  return {
    persist,
    async load(queue, at) {
      const from = at - (at % CHUNK_UNITS)
      const ofQueue = loading.get(queue) ?? new Map<number, Promise<void>>()
      loading.set(queue, ofQueue)
      const running = ofQueue.get(from)
      if (running !== undefined) return running
      const promise = readChunks(queue, from).finally(() => {
        ofQueue.delete(from)
        if (ofQueue.size === 0) loading.delete(queue)
      })
      ofQueue.set(from, promise)
      return promise
    },
    async sync() {
      const paths = [...unsyncedFiles]
      const folders = [...unsyncedFolders]
      unsyncedFiles.clear()
      unsyncedFolders.clear()
      for (const path of paths)
        await use(
          path,
          () => files.open(path, 'must-exist'),
          (file) => file.sync(),
        )
      for (const folder of folders) await files.syncFolder(folder)
    },
    async truncate(queue) {
      const folder = folderOf(queue)
      const last = fileStart(queue.max) * UNIT_BYTES
      let found = false
      for (const position of await listPositions(files, folder)) {
        const path = `${folder}/${fileName(position)}`
        if (position < last) continue
        if (position === last && queue.max > fileStart(queue.max)) {
          if (!(await clearRest(queue, path))) continue
          unsyncedFiles.add(path)
        } else {
          await files.remove(path)
          unsyncedFolders.add(folder)
        }
        found = true
      }
      return found
    },
    async isIntact(queue, logEnd) {
      if (queue.max === queue.min) return true
      const last = queue.max - 1
      try {
        const unit = await readUnits(queue, last, queue.max)
        const position = unitPosition(unit, 0)
        return position >= 0 && position < logEnd
      } catch (error) {
        if (error instanceof Error && error.name === 'FileError') return false
        throw error
      }
    },
    async close() {
      for (const handle of handles.values()) await (await handle.opening).close()
      handles.clear()
    },
  }
}
