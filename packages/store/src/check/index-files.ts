// The files of the key index with their headers, and the sizes they were made with.
import { FileError, type Files } from '@rocketmq-ts/runtime'
import {
  decodeIndexHeader,
  HEADER_BYTES,
  indexFileBytes,
  type IndexGeometry,
  type IndexHeader,
  isIndexFileName,
} from '../key-index/layout.ts'
import { pathsOf, STORE_DEFAULTS } from '../store-settings.ts'
import type { Findings } from './finding.ts'
import type { Folder } from './folder-shape.ts'

export interface IndexFileFound {
  readonly name: string
  readonly bytes: number
  readonly header: IndexHeader | undefined
}

export interface IndexFilesFound {
  /** Undefined where no file is there, or nothing tells its sizes. */
  readonly geometry: IndexGeometry | undefined
  readonly names: readonly string[]
  /** Ascending, all of the same size. */
  readonly usable: readonly IndexFileFound[]
}

/** Slots and entries: as our checkpoint says, or of Apache's proportion of one to four. */
function geometryOf({ checkpoints }: Folder, bytes: number): IndexGeometry | undefined {
  const told = checkpoints.find(({ shape }) => shape?.indexSlots !== undefined)?.shape
  if (told?.indexSlots !== undefined && told.indexEntries !== undefined) {
    return { slots: told.indexSlots, entries: told.indexEntries }
  }
  const { indexSlots, indexEntries } = STORE_DEFAULTS
  const scaled = Math.round((bytes - HEADER_BYTES) / (4 + 20 * (indexEntries / indexSlots)))
  const geometry = { slots: scaled, entries: scaled * (indexEntries / indexSlots) }
  return scaled > 0 && indexFileBytes(geometry) === bytes ? geometry : undefined
}

export async function readIndexFiles(files: Files, folder: Folder, findings: Findings): Promise<IndexFilesFound> {
  const root = pathsOf(folder.root).index
  const found: { readonly name: string; readonly bytes: number; readonly head: Buffer }[] = []
  for (const { name, kind } of await files.list(root)) {
    if (kind !== 'file' || !isIndexFileName(name)) {
      findings.add('file-name', { file: `index/${name}` }, 'is no name of an index file: 17 digits')
      continue
    }
    const file = await files.open(`${root}/${name}`, 'read')
    try {
      const head = Buffer.alloc(HEADER_BYTES)
      await file.read(0, head)
      found.push({ name, bytes: await file.size(), head })
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      findings.add('unreadable', { file: `index/${name}` }, error.message)
    } finally {
      await file.close()
    }
  }
  const names = found.map(({ name }) => name)
  if (found.length === 0) return { geometry: undefined, names, usable: [] }
  const geometry = geometryOf(folder, found[0]!.bytes)
  if (geometry === undefined) {
    findings.add('index-behind', { file: 'index' }, 'nothing tells its number of slots: it is not checked')
    return { geometry, names, usable: [] }
  }
  const usable = found.flatMap(({ name, bytes, head }) => {
    const wanted = indexFileBytes(geometry)
    if (bytes !== wanted)
      findings.add('index-file', { file: `index/${name}` }, `has ${bytes} bytes instead of ${wanted}`)
    const header = decodeIndexHeader(head, geometry)
    if (header === undefined) findings.add('index-file', { file: `index/${name}`, at: 0 }, 'has a damaged header')
    return [{ name, bytes, header }]
  })
  return { geometry, names, usable }
}
