// The files of consume queues: consumequeue/<topic>/<queueId>/<20 digits>, each of full size from its creation on, and the
// packs with units that are not there yet. Written lazily and never synced on the way of an acknowledgement: the log can
// always rebuild them.
import assert from 'node:assert'
import { MqError, type QueueId } from '@rocketmq-ts/model'
import { type File, FileError, type Files } from '@rocketmq-ts/runtime'
import { fileName, listPositions } from '../commit-log/segment.ts'
import { CHUNK_UNITS } from './chunk-cache.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import { createOpenFiles, unlessGone, type UseOptions } from './open-files.ts'
import { type FilesState, lastUnitIn, queuePlaces } from './queue-places.ts'
import { EMPTY_UNIT, encodeUnit, FILLER_SIZE, UNIT_BYTES, unitPosition } from './unit.ts'
import type { PackedUnits, UnitPacks } from './unit-packs.ts'

/** Files kept open, at most. */
const OPEN_FILES_MAX = 128
/** Chunks of one load: a walk through old units reads ahead. */
const LOAD_CHUNKS_MAX = 16
/** Bytes of the pieces in which the start of a file is filled or its rest is cleared. */
const PIECE_BYTES = 3200 * UNIT_BYTES

/** Looks at units of a file, `from` on, before anybody gets them. */
export type JudgeUnits = (from: number, units: Buffer) => void

export interface QueueFiles {
  /**
   * Writes the units of [queue.filed, queue.max) into the page cache, and an empty one: Apache ends there. Rejects with
   * MqError 'damaged' where a pack does not give them back: up to there they are written.
   */
  persist(queue: ConsumeQueue, options?: UseOptions): Promise<void>
  /** Told of units that a pack did not give back to `persist`: asks the log, and never rejects. */
  onDoubt: (queue: ConsumeQueue, offset: number) => Promise<void>
  /** Resolves when the log has been asked about all such units. */
  whenMended(): Promise<void>
  readonly packs: UnitPacks
  /**
   * Reads the units around `at`, which are in files, into the queue's memory; groups take turns in the lane. `judge` may
   * throw: then none of them is taken.
   */
  load(queue: ConsumeQueue, at: number, group?: string, judge?: JudgeUnits): Promise<void>
  /** The units of [from, to), which are in files or packs. */
  read(queue: ConsumeQueue, from: number, to: number, group?: string): Promise<Buffer>
  /** Puts units in the place of those in the files, made where they are missing; nothing once the queue has ended. */
  rewrite(queue: ConsumeQueue, from: number, units: Buffer): Promise<void>
  /** Everything persisted before the call survives a power loss. */
  sync(): Promise<void>
  /** Clears what the files hold from the queue's end on. True when there was something. */
  truncate(queue: ConsumeQueue): Promise<boolean>
  /** The files of the queue, by their sizes and its last unit, which must be one of a record below `logEnd`. */
  look(queue: ConsumeQueue, logEnd: number): Promise<FilesState>
  /** Queues that have a folder. */
  places(): Promise<QueueId[]>
  /** The last unit in the files of a queue, in whatever state they are. */
  lastUnit(place: QueueId): Promise<{ readonly offset: number; readonly commitLogOffset: number } | undefined>
  /** Removes the files whose units are all below the queue's min, never the last one. Cheap when the min is where it was. */
  removeBelow(queue: ConsumeQueue): Promise<void>
  /** Removes the files of a queue. */
  remove(place: QueueId): Promise<void>
  /** Removes the files of a topic. */
  removeTopic(topic: string): Promise<void>
  close(): Promise<void>
}

interface PlaceInQueue {
  readonly place: PackedUnits
  /** Offsets of the queue. */
  readonly from: number
  readonly end: number
}

/** Where units of [from, to) are in packs, in order. */
function placesOf({ filed, persisted, packed }: ConsumeQueue, from: number, to: number): PlaceInQueue[] {
  const places: PlaceInQueue[] = []
  // The first ones may have been filed while the others are waiting for it.
  let end = persisted
  for (const place of packed.toReversed()) {
    const start = end - place.units
    if (start < to && end > Math.max(from, filed)) places.unshift({ place, from: start, end })
    end = start
  }
  return places
}

/** Opens nothing yet. `root` is the consumequeue folder. */
export function createQueueFiles(options: {
  readonly files: Files
  readonly root: string
  readonly unitsPerFile: number
  readonly packs: UnitPacks
}): QueueFiles {
  const { files, root, unitsPerFile, packs } = options
  const fileBytes = unitsPerFile * UNIT_BYTES
  const open = createOpenFiles(files, OPEN_FILES_MAX)
  const unsyncedFolders = new Set<string>()
  const loading = new Map<ConsumeQueue, Map<number, Promise<void>>>()
  /** For the rests of files: one after the other, thousands of them at a start. */
  let spare: Buffer | undefined
  let zeros: Buffer | undefined
  /** Of each queue looked at, the offset below which it has no files. */
  const removedBelow = new WeakMap<ConsumeQueue, number>()
  /** Of each queue, the start of the file that is there and of full size, as this process has seen. */
  const wholeFrom = new WeakMap<ConsumeQueue, number>()

  function folderOf(queue: QueueId): string {
    return `${root}/${queue.topic}/${queue.queueId}`
  }

  function fileStart(offset: number): number {
    return offset - (offset % unitsPerFile)
  }

  function pathOf(queue: ConsumeQueue, offset: number): string {
    return `${folderOf(queue)}/${fileName(fileStart(offset) * UNIT_BYTES)}`
  }

  /** For one look at each of thousands of files: those kept open outlive the young generation, and then are garbage. */
  async function useOnce<Result>(path: string, work: (file: File) => Promise<Result>): Promise<Result> {
    const file = await files.open(path, 'must-exist')
    try {
      return await work(file)
    } finally {
      await file.close()
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
    await files.makeFolder(folderOf(queue))
    const file = await files.open(pathOf(queue, offset), 'create')
    const blank = Math.min(unitsPerFile, queue.min - fileStart(offset))
    // A stop makes thousands of them: without a blank start, it makes no difference which one is new.
    if (blank > 0 && (await file.size()) === fileBytes) return file
    await file.truncate(fileBytes)
    if (blank > 0) fillPreBlank(file, blank)
    return file
  }

  /** Looked at once: for each of thousands of queues a look takes as long as a write. */
  async function openWhole(queue: ConsumeQueue, offset: number): Promise<File> {
    if (wholeFrom.get(queue) === fileStart(offset)) {
      try {
        return await files.open(pathOf(queue, offset), 'must-exist')
      } catch (error) {
        if (!(error instanceof FileError && error.code === 'not-found')) throw error
      }
    }
    const file = await createFile(queue, offset)
    wholeFrom.set(queue, fileStart(offset))
    return file
  }

  function noteFolders(queue: ConsumeQueue): void {
    unsyncedFolders.add(folderOf(queue)).add(`${root}/${queue.topic}`).add(root)
  }

  const mending = new Set<Promise<void>>()

  /** Where units come from that have not been filed: undefined where there are none from an offset on. */
  type UnitSource = (from: number) => { readonly bytes: Buffer; readonly to: number } | undefined

  /** Writes units into the file of `queue.filed`, up to its end; nothing where they have got there meanwhile. */
  async function fileUnits(
    queue: ConsumeQueue,
    from: number,
    unitsAt: UnitSource,
    options?: UseOptions,
  ): Promise<void> {
    const path = pathOf(queue, from)
    await open.use(
      path,
      () => openWhole(queue, from),
      (file) => {
        if (queue.filed !== from || queue.ended) return
        // With the first write: what `filed` says is what the next sync syncs.
        open.noteWritten(path)
        const start = fileStart(from)
        // No checkpoint counts on the file yet, whoever made it: its name may not be durable.
        if (from === start || from <= queue.min) noteFolders(queue)
        const fileEnd = start + unitsPerFile
        for (let units = unitsAt(queue.filed); units !== undefined && queue.filed < fileEnd;) {
          const count = Math.min(units.to, fileEnd) - queue.filed
          const part = units.bytes.subarray(0, count * UNIT_BYTES)
          const at = (queue.filed - start) * UNIT_BYTES
          file.writeSync(at, queue.filed + count < fileEnd ? [part, EMPTY_UNIT] : [part])
          queue.noteFiled(queue.filed + count)
          units = unitsAt(queue.filed)
        }
      },
      options,
    )
  }

  /** The units of one place; where it does not give them back, the log is asked. */
  async function readPlace(queue: ConsumeQueue, { place, from }: PlaceInQueue): Promise<Buffer> {
    try {
      return await packs.read(place)
    } catch (error) {
      const offset = Math.max(queue.filed, from)
      const doubted = queueFiles.onDoubt(queue, offset)
      mending.add(doubted)
      void doubted.finally(() => mending.delete(doubted))
      throw new MqError(
        'damaged',
        `${folderOf(queue)}: the units of offset ${offset} and behind do not come back from a pack; the log is asked`,
        error,
      )
    }
  }

  async function unpack(queue: ConsumeQueue, options?: UseOptions): Promise<void> {
    for (const found of placesOf(queue, queue.filed, queue.persisted)) {
      const bytes = await readPlace(queue, found)
      const { from, end } = found
      const unitsAt: UnitSource = (at) =>
        at >= from && at < end ? { bytes: bytes.subarray((at - from) * UNIT_BYTES), to: end } : undefined
      while (queue.filed < end && !queue.ended) await fileUnits(queue, queue.filed, unitsAt, options)
    }
  }

  async function persist(queue: ConsumeQueue, options?: UseOptions): Promise<void> {
    await unpack(queue, options)
    while (queue.filed < queue.max && !queue.ended) {
      const from = queue.filed
      await fileUnits(queue, from, (at) => queue.resident(at), options)
      assert(queue.ended || queue.filed > from, 'units that are not in a file are in memory')
    }
  }

  async function readUnits(queue: ConsumeQueue, from: number, to: number, group?: string): Promise<Buffer> {
    const into = Buffer.alloc((to - from) * UNIT_BYTES)
    for (let offset = from; offset < to;) {
      if (offset >= queue.filed && offset < queue.persisted) {
        offset = await readPackedPart(queue, { from, to, into }, offset, group)
        continue
      }
      const start = fileStart(offset)
      const inFiles = offset < queue.filed ? Math.min(to, queue.filed) : to
      const stop = Math.min(inFiles, start + unitsPerFile)
      const part = into.subarray((offset - from) * UNIT_BYTES, (stop - from) * UNIT_BYTES)
      await readPart(queue, offset, part, group)
      offset = stop
    }
    return into
  }

  /** Fills what one pack has of the units wanted, `offset` on; returns where the next ones are, or it where those moved. */
  async function readPackedPart(
    queue: ConsumeQueue,
    wanted: { readonly from: number; readonly to: number; readonly into: Buffer },
    offset: number,
    group?: string,
  ): Promise<number> {
    const [first] = placesOf(queue, offset, wanted.to)
    assert(first !== undefined, 'units that are in a file and not in one of the queue are in a pack')
    const { place, from, end } = first
    const stop = Math.min(wanted.to, end)
    try {
      const units = await packs.read(place, group)
      units.copy(
        wanted.into,
        (offset - wanted.from) * UNIT_BYTES,
        (offset - from) * UNIT_BYTES,
        (stop - from) * UNIT_BYTES,
      )
      return stop
    } catch (error) {
      // They are in a file of the queue now, and their pack may be gone.
      if (offset < queue.filed) return offset
      throw error
    }
  }

  /** Fills `part`, which lies in one file. A file below the queue's min may be gone: nobody asks for what it held. */
  async function readPart(queue: ConsumeQueue, offset: number, part: Buffer, group?: string): Promise<void> {
    const start = fileStart(offset)
    try {
      await open.use(
        pathOf(queue, offset),
        () => files.open(pathOf(queue, start), 'must-exist'),
        (file) => file.read((offset - start) * UNIT_BYTES, part, 'cold', group),
      )
    } catch (error) {
      const isGone = error instanceof FileError && error.code === 'not-found'
      if (!isGone || start + unitsPerFile > queue.min) throw error
    }
  }

  async function readChunks(queue: ConsumeQueue, from: number, group?: string, judge?: JudgeUnits): Promise<void> {
    const to = Math.min(queue.persisted, from + LOAD_CHUNKS_MAX * CHUNK_UNITS)
    if (to <= from) return
    const units = await readUnits(queue, from, to, group)
    judge?.(from, units)
    queue.fill(from, units)
  }

  async function rewrite(queue: ConsumeQueue, from: number, units: Buffer): Promise<void> {
    const to = from + units.length / UNIT_BYTES
    for (let offset = from; offset < to;) {
      const start = fileStart(offset)
      const stop = Math.min(to, start + unitsPerFile)
      const path = pathOf(queue, offset)
      const part = units.subarray((offset - from) * UNIT_BYTES, (stop - from) * UNIT_BYTES)
      await open.use(
        path,
        () => createFile(queue, start),
        async (file) => {
          if ((await file.size()) !== fileBytes) await file.truncate(fileBytes)
          if (queue.ended) return
          file.writeSync((offset - start) * UNIT_BYTES, [part])
          open.noteWritten(path)
          noteFolders(queue)
        },
      )
      offset = stop
    }
  }

  async function clearRest(queue: ConsumeQueue, path: string): Promise<boolean> {
    const piece = spare ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
    spare = undefined
    zeros ??= Buffer.alloc(PIECE_BYTES)
    const cleared = await clearRestBy(queue, path, { piece, zeros })
    spare = piece
    return cleared
  }

  function clearRestBy(
    queue: ConsumeQueue,
    path: string,
    { piece, zeros }: { readonly piece: Buffer; readonly zeros: Buffer },
  ): Promise<boolean> {
    return useOnce(path, async (file) => {
      // A power loss may have taken its length, which the next writer counts on.
      if ((await file.size()) !== fileBytes) await file.truncate(fileBytes)
      let found = false
      for (let at = (queue.max - fileStart(queue.max)) * UNIT_BYTES; at < fileBytes; at += piece.length) {
        const bytes = await file.read(at, piece.subarray(0, Math.min(piece.length, fileBytes - at)))
        // Units are written without gaps: behind a clear piece there is none.
        if (piece.compare(zeros, 0, bytes, 0, bytes) === 0) return found
        file.writeSync(at, [zeros.subarray(0, bytes)])
        found = true
      }
      return found
    })
  }

  async function removeFolder(folder: string, parent: string): Promise<void> {
    await open.forgetInside(folder)
    for (const path of unsyncedFolders)
      if (path === folder || path.startsWith(`${folder}/`)) unsyncedFolders.delete(path)
    await files.remove(folder)
    // A removal that a power loss undoes leaves files that no checkpoint counts on.
    unsyncedFolders.add(parent)
  }

  const queueFiles: QueueFiles = {
    persist,
    packs,
    onDoubt: () => Promise.resolve(),
    async whenMended() {
      await Promise.all(mending)
    },
    read: readUnits,
    rewrite,
    async load(queue, at, group, judge) {
      const from = at - (at % CHUNK_UNITS)
      const ofQueue = loading.get(queue) ?? new Map<number, Promise<void>>()
      loading.set(queue, ofQueue)
      const running = ofQueue.get(from)
      if (running !== undefined) return running
      const promise = readChunks(queue, from, group, judge).finally(() => {
        ofQueue.delete(from)
        if (ofQueue.size === 0) loading.delete(queue)
      })
      ofQueue.set(from, promise)
      return promise
    },
    async sync() {
      const folders = [...unsyncedFolders]
      unsyncedFolders.clear()
      await open.sync()
      await packs.sync()
      for (const folder of folders) await unlessGone(() => files.syncFolder(folder))
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
          open.noteWritten(path)
        } else {
          await files.remove(path)
          unsyncedFolders.add(folder)
        }
        found = true
      }
      return found
    },
    async look(queue, logEnd) {
      // A min beyond what is in files needs none of them.
      if (queue.max <= queue.min) return 'intact'
      const last = queue.max - 1
      const lastStart = fileStart(last)
      try {
        for (let start = fileStart(queue.min); start < lastStart; start += unitsPerFile) {
          const bytes = await useOnce(pathOf(queue, start), (file) => file.size())
          if (bytes !== fileBytes) return 'lost'
        }
        return await useOnce(pathOf(queue, last), async (file) => {
          const units = Buffer.alloc(2 * UNIT_BYTES)
          const [bytes] = await Promise.all([file.size(), file.read((last - lastStart) * UNIT_BYTES, units)])
          const position = unitPosition(units, 0)
          if (bytes !== fileBytes || position < 0 || position >= logEnd) return 'lost'
          return units.subarray(UNIT_BYTES).some((byte) => byte !== 0) ? 'overgrown' : 'intact'
        })
      } catch (error) {
        if (error instanceof FileError) return 'lost'
        throw error
      }
    },
    places: () => queuePlaces(files, root),
    lastUnit: (place) => lastUnitIn(files, folderOf(place)),
    async removeBelow(queue) {
      const start = fileStart(queue.min)
      if ((removedBelow.get(queue) ?? 0) >= start || queue.ended) return
      const folder = folderOf(queue)
      for (const position of (await listPositions(files, folder)).slice(0, -1)) {
        if (position >= start * UNIT_BYTES) break
        const path = `${folder}/${fileName(position)}`
        await open.forget(path)
        await files.remove(path)
        // A removal that a power loss undoes leaves a file below the min, which goes with the next ones.
        unsyncedFolders.add(folder)
      }
      removedBelow.set(queue, start)
    },
    remove: (place) => removeFolder(folderOf(place), `${root}/${place.topic}`),
    removeTopic: (topic) => removeFolder(`${root}/${topic}`, root),
    async close() {
      await open.close()
      await packs.close()
    },
  }
  return queueFiles
}
