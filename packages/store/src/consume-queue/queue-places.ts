// What folders of consume queues show by themselves, whoever wrote them: which queues there are, and where each ends.
import type { QueueId } from '@rocketmq-ts/model'
import type { Files } from '@rocketmq-ts/runtime'
import { fileName, listPositions } from '../commit-log/segment.ts'
import { UNIT_BYTES, unitPosition } from './unit.ts'

/** Largest file of a queue that is looked through. */
const FOREIGN_FILE_BYTES_MAX = 64 * 1024 * 1024

/** 'overgrown': intact, but there is something behind the last unit, which Apache would take for a unit. */
export type FilesState = 'intact' | 'overgrown' | 'lost'

/** Queues that have a folder. */
export async function queuePlaces(files: Files, root: string): Promise<QueueId[]> {
  const places: QueueId[] = []
  for (const { name: topic, kind } of await files.list(root)) {
    if (kind !== 'folder') continue
    for (const { name } of await files.list(`${root}/${topic}`)) {
      if (/^\d{1,10}$/u.test(name)) places.push({ topic, queueId: Number(name) })
    }
  }
  return places
}

/** The last unit in the files of a queue, in whatever state they are. */
export async function lastUnitIn(
  files: Files,
  folder: string,
): Promise<{ readonly offset: number; readonly commitLogOffset: number } | undefined> {
  for (const position of (await listPositions(files, folder)).toReversed()) {
    const bytes = await files.readWhole(`${folder}/${fileName(position)}`, FOREIGN_FILE_BYTES_MAX)
    for (let at = Math.floor((bytes?.length ?? 0) / UNIT_BYTES - 1) * UNIT_BYTES; at >= 0; at -= UNIT_BYTES) {
      const commitLogOffset = unitPosition(bytes!, at)
      if (commitLogOffset >= 0) return { offset: (position + at) / UNIT_BYTES, commitLogOffset }
    }
  }
  return undefined
}
