// Packs of units that a checkpoint names: they are there, and as they were written.
import { FileError, type Files } from '@rocketmq-ts/runtime'
import { createOpenFiles } from '../consume-queue/open-files.ts'
import { fileMax, type QueueState } from '../consume-queue/queue-table.ts'
import { UNIT_BYTES } from '../consume-queue/unit.ts'
import { isPacked, PACK_NAME, type PackedUnits, packPath } from '../consume-queue/unit-packs.ts'
import { pathsOf } from '../store-settings.ts'
import type { Findings } from './finding.ts'
import type { Folder } from './folder-shape.ts'

/** Packs kept open, at most. */
const OPEN_MAX = 64

export interface PackedRange {
  readonly place: PackedUnits
  /** Offset of its first unit. */
  readonly from: number
  readonly bytes: Buffer
}

export interface PackReads {
  /** What packs have of the units of a queue, `from` on; none of a place whose bytes are not those written there. */
  overlapping(state: QueueState, from: number, units: number): Promise<PackedRange[]>
  /** The bytes of a place as they are, fewer where the pack ends before it does. */
  read(place: PackedUnits): Promise<Buffer>
  close(): Promise<void>
}

/** Path of the pack, relative to the root of the store. */
export function packFile({ pack }: PackedUnits): string {
  return packPath('unit-packs', pack)
}

export function createPackReads(files: Files, { root }: Pick<Folder, 'root'>): PackReads {
  const folder = pathsOf(root).unitPacks
  const open = createOpenFiles(files, OPEN_MAX)

  async function read({ pack, at, units }: PackedUnits): Promise<Buffer> {
    const path = packPath(folder, pack)
    try {
      return await open.use(
        path,
        () => files.open(path, 'read'),
        async (file) => {
          // A checkpoint that lies about its units must not ask for memory that no pack can fill.
          const length = Math.max(0, Math.min(units * UNIT_BYTES, (await file.size()) - at))
          const bytes = Buffer.alloc(length)
          return bytes.subarray(0, await file.read(at, bytes))
        },
      )
    } catch (error) {
      if (error instanceof FileError && error.code === 'not-found') return Buffer.alloc(0)
      throw error
    }
  }

  return {
    read,
    async overlapping(state, from, units) {
      const ranges: PackedRange[] = []
      let end = fileMax(state)
      for (const place of (state.packed ?? []).toReversed()) {
        const first = end - place.units
        if (first < from + units && end > from) {
          const bytes = await read(place)
          if (isPacked(bytes, place)) ranges.push({ place, from: first, bytes })
        }
        end = first
      }
      return ranges
    },
    close: () => open.close(),
  }
}

/** Looks at every place that the newest checkpoint names. */
export async function checkPacks(files: Files, folder: Folder, findings: Findings): Promise<void> {
  const packs = createPackReads(files, folder)
  for (const { name } of await files.list(pathsOf(folder.root).unitPacks)) {
    if (!PACK_NAME.test(name)) findings.add('file-name', { file: `unit-packs/${name}` }, 'is no name of a pack')
  }
  try {
    for (const { topic, queueId, packed = [] } of folder.checkpoints[0]?.queues ?? []) {
      for (const place of packed) {
        if (isPacked(await packs.read(place), place)) continue
        const bytes = place.units * UNIT_BYTES
        findings.add(
          'unit-pack',
          { file: packFile(place), at: place.at, bytes },
          `lacks units of queue ${topic}/${queueId}`,
        )
      }
    }
  } finally {
    await packs.close()
  }
}
