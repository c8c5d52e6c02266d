// Units of many queues in files that these share: a queue with few new units is not worth a file of its own to open and
// sync. A pack is written once, from one end to the other, and never changed: which bytes of it are whose stands in memory
// and in the checkpoints. It goes when no checkpoint that a start may take names it any more.
import { crc32 } from 'node:zlib'
import { MqError } from '@rocketmq-ts/model'
import { type File, FileError, type Files, type Scheduler } from '@rocketmq-ts/runtime'
import type { ConsumeQueue } from './consume-queue.ts'
import { createOpenFiles, unlessGone } from './open-files.ts'
import { firstPosition, UNIT_BYTES } from './unit.ts'

/** Packs kept open, at most. */
const OPEN_FILES_MAX = 16
/** Bytes written in one go before other work runs. */
const PIECE_BYTES = 256 * 1024
/** Name of a pack; more digits than any store gives out are none. */
export const PACK_NAME = /^pack-([1-9]\d{0,8})$/u

/** Units of one queue that follow one another, in a pack. */
export interface PackedUnits {
  /** Number of the pack. */
  readonly pack: number
  /** Position of the first one in it, bytes. */
  readonly at: number
  readonly units: number
  /** CRC-32 of their bytes. */
  readonly crc: number
  /** Position in the log of their first record; Infinity for none. */
  readonly position: number
}

export interface UnitPacks {
  /** Writes the units of queues that are in no file into the page cache of a new pack. */
  write(queues: readonly ConsumeQueue[]): Promise<void>
  /** Reads units. Rejects with MqError 'damaged' where they are not those that were written, and with FileError. */
  read(place: PackedUnits, group?: string): Promise<Buffer>
  /** True when the pack has the bytes, whatever these are. */
  has(place: PackedUnits): Promise<boolean>
  /** Everything written before the call survives a power loss. */
  sync(): Promise<void>
  /** A checkpoint that names these packs is durable. Those that neither it nor the one before it names are removed. */
  keep(named: ReadonlySet<number>): Promise<void>
  close(): Promise<void>
}

/** Path of a pack. */
export function packPath(folder: string, pack: number): string {
  return `${folder}/pack-${pack}`
}

/** Numbers of the packs in a folder. */
async function listPacks(files: Files, folder: string): Promise<number[]> {
  const names = await files.list(folder)
  return names.flatMap(({ name }) => PACK_NAME.exec(name)?.slice(1).map(Number) ?? [])
}

/** True for the bytes that were written. */
export function isPacked(bytes: Buffer, { units, crc }: PackedUnits): boolean {
  return bytes.length === units * UNIT_BYTES && crc32(bytes) === crc
}

/** Opens nothing yet. `folder` is made with the first pack. */
export function createUnitPacks(options: {
  readonly files: Files
  readonly scheduler: Pick<Scheduler, 'soon'>
  readonly folder: string
}): UnitPacks {
  const { files, scheduler, folder } = options
  const open = createOpenFiles(files, OPEN_FILES_MAX)
  let isFolderUnsynced = false
  /** Packs that are there and complete; undefined until one has looked. */
  let present: Set<number> | undefined
  /** The last checkpoint, and what was there behind it: what came later it could not name. */
  let kept: { readonly named: ReadonlySet<number>; readonly present: ReadonlySet<number> } | undefined
  let newest = 0
  /** Sizes of packs of an earlier process, asked for thousands of times at a start. */
  const sizes = new Map<number, Promise<number>>()

  async function presentNow(): Promise<Set<number>> {
    if (present === undefined) {
      present = new Set(await listPacks(files, folder))
      newest = Math.max(0, ...present)
    }
    return present
  }

  function use<Result>(pack: number, work: (file: File) => Result) {
    const path = packPath(folder, pack)
    return open.use(path, () => files.open(path, 'must-exist'), work)
  }

  /** Takes units of queues, `from` on, until they are a piece. What a queue has is taken whole, as it is now. */
  function takePiece(queues: readonly ConsumeQueue[], from: number) {
    const taken: { readonly queue: ConsumeQueue; readonly bytes: Buffer }[] = []
    let length = 0
    let next = from
    for (let queue = queues[next]; queue !== undefined && length < PIECE_BYTES; queue = queues[next]) {
      next += 1
      const bytes = queue.ended ? undefined : queue.unpersisted()
      if (bytes === undefined) continue
      taken.push({ queue, bytes })
      length += bytes.length
    }
    return { taken, next }
  }

  async function writeInto(file: File, pack: number, queues: readonly ConsumeQueue[]): Promise<void> {
    let at = 0
    for (let from = 0; from < queues.length;) {
      const { taken, next } = takePiece(queues, from)
      from = next
      // A sync that runs beside this one takes no piece along that is written behind its call.
      open.noteWritten(file.path)
      file.writeSync(
        at,
        taken.map(({ bytes }) => bytes),
      )
      for (const { queue, bytes } of taken) {
        const units = bytes.length / UNIT_BYTES
        queue.notePacked({ pack, at, units, crc: crc32(bytes), position: firstPosition(bytes) })
        at += bytes.length
      }
      await new Promise<void>((resolve) => scheduler.soon(resolve))
    }
  }

  return {
    async write(queues) {
      const there = await presentNow()
      await files.makeFolder(folder, { durable: true })
      newest += 1
      const pack = newest
      const path = packPath(folder, pack)
      try {
        await open.use(
          path,
          () => files.open(path, 'create'),
          (file) => {
            isFolderUnsynced = true
            return writeInto(file, pack, queues)
          },
        )
      } finally {
        there.add(pack)
      }
    },
    async read(place, group) {
      const { pack, at, units } = place
      const into = Buffer.allocUnsafe(units * UNIT_BYTES)
      const count = await use(pack, (file) => file.read(at, into, 'cold', group))
      if (isPacked(into.subarray(0, count), place)) return into
      throw new MqError(
        'damaged',
        `${packPath(folder, pack)}: the ${units} units at byte ${at} are not those written there`,
      )
    },
    async has({ pack, at, units }) {
      const size = sizes.get(pack) ?? use(pack, (file) => file.size())
      sizes.set(pack, size)
      try {
        return (await size) >= at + units * UNIT_BYTES
      } catch (error) {
        if (error instanceof FileError) return false
        throw error
      }
    },
    async sync() {
      const isFolderToo = isFolderUnsynced
      isFolderUnsynced = false
      await open.sync()
      if (isFolderToo) await unlessGone(() => files.syncFolder(folder))
    },
    async keep(named) {
      const there = await presentNow()
      for (const pack of kept?.present ?? []) {
        if (named.has(pack) || kept?.named.has(pack) === true) continue
        const path = packPath(folder, pack)
        await open.forget(path)
        await files.remove(path)
        there.delete(pack)
      }
      kept = { named, present: new Set(there) }
      sizes.clear()
    },
    close: () => open.close(),
  }
}
