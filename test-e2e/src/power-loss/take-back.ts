// What a power loss leaves: from the changes that no sync made durable, some are taken back, some stay, some are torn.
// Files first, sector by sector; then names, folder by folder, the newest first. Everything that was synced stays.
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Random } from '../random.ts'
import { takeBackBytes } from './sectors.ts'
import type { Watch } from './shim.ts'
import { type Entry, parseUndoLog } from './undo-log.ts'

/** all: nothing unsynced survives. ordered: what came before some point does. sectors, pages: any mixture. */
export const LOSS_KINDS = ['all', 'ordered', 'sectors', 'pages'] as const
export type LossKind = (typeof LOSS_KINDS)[number]

const SECTOR_BYTES = 512
const PAGE_BYTES = 4096

export interface PowerLoss {
  readonly kind: LossKind
  /** Writes seen since the last power loss. */
  readonly interceptedWrites: number
  /** Those of them that no sync had made durable. */
  readonly unsyncedWrites: number
  readonly droppedSectors: number
  readonly undoneRenames: number
  /** Creations, removals and folders. */
  readonly undoneNames: number
  /** Calls that changed files behind the shim's back: the loss is not what it should be. */
  readonly unsupported: readonly string[]
}

/** Changes the files that are watched to what the disk might have. The undo log begins anew. */
export function takeBack(options: {
  readonly watch: Pick<Watch, 'root' | 'undoLog' | 'grave'>
  readonly kind: LossKind
  readonly random: Random
}): PowerLoss {
  const { watch, kind, random } = options
  const { root, undoLog: log, grave } = watch
  const entries = existsSync(log) ? parseUndoLog(readFileSync(log)) : []
  const syncedTo = durablePositions(entries)
  const isUnsynced = (entry: Entry, inode: number): boolean => entry.position >= (syncedTo.get(inode) ?? 0)
  const changes = entries.filter(({ kind }) => kind === 'write' || kind === 'length')
  const unsynced = changes.filter((entry) => isUnsynced(entry, entry.inode))
  const names = entries.filter((entry) => isName(entry) && isUnsynced(entry, entry.parent))
  /** Of an ordered loss: what comes before stays. */
  const cut = random.integer(entries.at(-1)?.position ?? 1)

  const paths = pathsByInode([root, grave])
  let droppedSectors = 0
  for (const [inode, ofFile] of groupBy(unsynced, (entry) => entry.inode)) {
    const path = paths.get(inode)
    if (path === undefined) throw new Error(`power loss: no file has inode ${inode}, which was written`)
    const keeps = keeperFor(kind, cut, random, ofFile.length)
    droppedSectors += takeBackBytes({
      path,
      entries: ofFile,
      sectorBytes: kind === 'pages' ? PAGE_BYTES : SECTOR_BYTES,
      kept: keeps,
      keptLengths: kind === 'all' ? 0 : kind === 'ordered' ? before(ofFile, cut) : random.integer(ofFile.length + 1),
    })
  }
  const undone: Entry[] = []
  for (const [, ofFolder] of groupBy(names, (entry) => entry.parent)) {
    const kept = kind === 'all' ? 0 : kind === 'ordered' ? before(ofFolder, cut) : random.integer(ofFolder.length + 1)
    undone.push(...ofFolder.slice(kept))
  }
  undone.sort((a, b) => b.position - a.position)
  for (const entry of undone) undoName(entry, grave)
  forget(log, grave)
  const undoneRenames = undone.filter((entry) => entry.kind === 'rename').length
  return {
    kind,
    interceptedWrites: changes.length,
    unsyncedWrites: unsynced.length,
    droppedSectors,
    undoneRenames,
    undoneNames: undone.length - undoneRenames,
    unsupported: entries.filter((entry) => entry.kind === 'unsupported').map(({ path }) => path),
  }
}

/** For each inode, of a file or a folder, the position below which everything is durable. */
function durablePositions(entries: readonly Entry[]): Map<number, number> {
  const positions = new Map<number, number>()
  for (const { kind, inode, offset } of entries) {
    if (kind === 'sync-ended') positions.set(inode, Math.max(positions.get(inode) ?? 0, offset))
  }
  return positions
}

function isName({ kind }: Entry): boolean {
  return ['create', 'rename', 'unlink', 'make-folder', 'remove-folder'].includes(kind)
}

function before(entries: readonly Entry[], cut: number): number {
  return entries.filter(({ position }) => position < cut).length
}

/** How many of the changes of one sector, the oldest first, are on the disk. Asked once per sector. */
function keeperFor(kind: LossKind, cut: number, random: Random, changes: number) {
  return (ofSector: readonly Entry[]): number => {
    if (kind === 'all' || changes === 0) return 0
    if (kind === 'ordered') return before(ofSector, cut)
    const fate = random.next()
    if (fate < 0.4) return 0
    return fate < 0.7 ? ofSector.length : random.integer(ofSector.length + 1)
  }
}

function undoName(entry: Entry, grave: string): void {
  const { kind, path, otherPath, position } = entry
  const buried = join(grave, String(position))
  if (!existsSync(dirname(path))) return
  switch (kind) {
    case 'create':
    case 'make-folder':
      rmSync(path, { recursive: true, force: true })
      return
    case 'remove-folder':
      mkdirSync(path, { recursive: true })
      return
    case 'unlink':
      if (!isThere(path) && isThere(buried)) renameSync(buried, path)
      return
    case 'rename':
      // A source that is still there: the process was killed before the call.
      if (isThere(path) || !isThere(otherPath)) return
      renameSync(otherPath, path)
      if (isThere(buried)) renameSync(buried, otherPath)
      return
    default:
      throw new Error(`not a change of a name: ${kind}`)
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function forget(log: string, grave: string): void {
  if (existsSync(log)) truncateSync(log)
  for (const name of readdirSync(grave)) rmSync(join(grave, name))
}

function pathsByInode(folders: readonly string[]): Map<number, string> {
  const paths = new Map<number, string>()
  for (const folder of folders) {
    for (const found of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!found.isFile()) continue
      const path = join(found.parentPath, found.name)
      paths.set(lstatSync(path).ino, path)
    }
  }
  return paths
}

function groupBy(entries: readonly Entry[], keyOf: (entry: Entry) => number): Map<number, Entry[]> {
  return Map.groupBy(entries, keyOf)
}
