// What files a folder of a store has, and the sizes they were made with: told by our checkpoint, else by the files.
import { type Files, FileError } from '@rocketmq-ts/runtime'
import { type FolderShape, readCheckpoints, type StoredCheckpoint } from '../checkpoint.ts'
import { SEGMENT_NAME } from '../commit-log/segment.ts'
import { UNIT_BYTES } from '../consume-queue/unit.ts'
import { pathsOf, STORE_DEFAULTS } from '../store-settings.ts'
import type { Findings } from './finding.ts'

/** One numbered file of a log or a queue. */
export interface NumberedFile {
  readonly name: string
  /** Position of its first byte, from its name. */
  readonly base: number
  readonly bytes: number
}

export interface Folder extends FolderShape {
  readonly root: string
  /** Files of the log, ascending. */
  readonly segments: readonly NumberedFile[]
  /** Names inside the root. */
  readonly names: readonly string[]
  readonly checkpoints: readonly StoredCheckpoint[]
  readonly damagedCheckpoints: readonly string[]
  /** False while the abort marker is there: the last stop was none. */
  readonly cleanStop: boolean
}

/** Size of a file. */
export async function sizeOf(files: Files, path: string): Promise<number> {
  const file = await files.open(path, 'read')
  try {
    return await file.size()
  } finally {
    await file.close()
  }
}

/** Well-named files with their sizes, ascending; others are told to `onOther`. */
export async function numberedFiles(
  files: Files,
  folder: string,
  onOther: (name: string) => void,
): Promise<NumberedFile[]> {
  const found: NumberedFile[] = []
  for (const { name, kind } of await files.list(folder)) {
    const base = Number(name)
    if (kind !== 'file' || !SEGMENT_NAME.test(name) || !Number.isSafeInteger(base)) onOther(name)
    else found.push({ name, base, bytes: await sizeOf(files, `${folder}/${name}`) })
  }
  return found.sort((a, b) => a.base - b.base)
}

/** Distance of neighbouring files; a lone file has the size it was made with. */
function stepOf(all: readonly NumberedFile[]): number | undefined {
  let step = Infinity
  for (const [index, file] of all.entries()) {
    const before = all[index - 1]
    if (before !== undefined) step = Math.min(step, file.base - before.base)
  }
  if (Number.isFinite(step)) return step
  const [only] = all
  return only === undefined || only.bytes === 0 ? undefined : only.bytes
}

/** The size of the first queue file found: all have the same. */
async function unitsPerFileOf(files: Files, root: string): Promise<number | undefined> {
  for (const topic of await files.list(root)) {
    if (topic.kind !== 'folder') continue
    for (const queue of await files.list(`${root}/${topic.name}`)) {
      if (queue.kind !== 'folder') continue
      const step = stepOf(await numberedFiles(files, `${root}/${topic.name}/${queue.name}`, () => undefined))
      if (step !== undefined && step % UNIT_BYTES === 0) return step / UNIT_BYTES
    }
  }
  return undefined
}

/** Reads what there is. Rejects with FileError 'not-found' where no store is. */
export async function readFolder(files: Files, root: string, findings: Findings): Promise<Folder> {
  const paths = pathsOf(root)
  const names = (await files.list(root)).map(({ name }) => name)
  if (!names.includes('commitlog')) {
    throw new FileError('not-found', root, 'no store is here: it has no folder commitlog')
  }
  const segments = await numberedFiles(files, paths.commitLog, (name) =>
    findings.add('file-name', { file: `commitlog/${name}` }, 'is no name of a segment: 20 digits'),
  )
  const { valid, damaged } = await readCheckpoints(files, paths.queueCheckpoint)
  const told = valid.find(({ shape }) => shape !== undefined)?.shape
  return {
    root,
    segments,
    names,
    checkpoints: valid,
    damagedCheckpoints: damaged,
    cleanStop: !names.includes('abort'),
    segmentBytes: told?.segmentBytes ?? stepOf(segments) ?? STORE_DEFAULTS.segmentBytes,
    unitsPerFile:
      told?.unitsPerFile ?? (await unitsPerFileOf(files, paths.consumeQueue)) ?? STORE_DEFAULTS.unitsPerFile,
  }
}
