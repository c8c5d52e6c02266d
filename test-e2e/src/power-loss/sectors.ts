// Takes back the bytes of one file, sector by sector: each sector shows the file as it was after some of its changes.
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import type { Entry } from './undo-log.ts'

export interface TakeBackBytes {
  readonly path: string
  /** Unsynced changes of the file, the oldest first. */
  readonly entries: readonly Entry[]
  readonly sectorBytes: number
  /** How many of a sector's changes stay. */
  readonly kept: (ofSector: readonly Entry[]) => number
  /** How many changes of the file's length stay. */
  readonly keptLengths: number
}

/** A range of bytes to write back, from one entry. */
interface Piece {
  readonly from: number
  readonly to: number
}

/** Returns the number of sectors that lost a change. */
export function takeBackBytes({ path, entries, sectorBytes, kept, keptLengths }: TakeBackBytes): number {
  const writes = entries.filter(({ kind }) => kind === 'write')
  const fates = fatesOf(writes, sectorBytes, kept)
  const file = openSync(path, 'r+')
  try {
    const length = lengthAfter(entries, keptLengths) ?? fstatSync(file).size
    for (const entry of writes.toReversed()) {
      for (const piece of undonePieces(entry, sectorBytes, fates)) writePiece(file, entry, piece)
    }
    ftruncateSync(file, length)
  } finally {
    closeSync(file)
  }
  return Array.from(fates.values()).filter((undone) => undone.size > 0).length
}

/** By sector: the positions of the entries that are undone there. */
function fatesOf(writes: readonly Entry[], sectorBytes: number, kept: TakeBackBytes['kept']): Map<number, Set<number>> {
  const touching = new Map<number, Entry[]>()
  for (const entry of writes) {
    for (const sector of sectorsOf(entry, sectorBytes)) {
      const known = touching.get(sector)
      if (known === undefined) touching.set(sector, [entry])
      else known.push(entry)
    }
  }
  const fates = new Map<number, Set<number>>()
  for (const [sector, ofSector] of touching) {
    fates.set(sector, new Set(ofSector.slice(kept(ofSector)).map(({ position }) => position)))
  }
  return fates
}

function* sectorsOf({ offset, length }: Entry, sectorBytes: number): Generator<number> {
  for (let sector = Math.floor(offset / sectorBytes); sector * sectorBytes < offset + length; sector += 1) yield sector
}

/** What of an entry is taken back, neighbouring sectors together. */
function undonePieces(entry: Entry, sectorBytes: number, fates: ReadonlyMap<number, ReadonlySet<number>>): Piece[] {
  const pieces: Piece[] = []
  for (const sector of sectorsOf(entry, sectorBytes)) {
    if (fates.get(sector)?.has(entry.position) !== true) continue
    const from = Math.max(entry.offset, sector * sectorBytes)
    const to = Math.min(entry.offset + entry.length, (sector + 1) * sectorBytes)
    const last = pieces.at(-1)
    if (last?.to === from) pieces[pieces.length - 1] = { from: last.from, to }
    else pieces.push({ from, to })
  }
  return pieces
}

function writePiece(file: number, { offset, old }: Entry, { from, to }: Piece): void {
  const bytes = Buffer.alloc(to - from)
  old.copy(bytes, 0, Math.min(from - offset, old.length), Math.min(to - offset, old.length))
  writeSync(file, bytes, 0, bytes.length, from)
}

/** Length of the file after its first `kept` changes; undefined where no change of the length is taken back. */
function lengthAfter(entries: readonly Entry[], kept: number): number | undefined {
  const grows = ({ kind, offset, length, size }: Entry): boolean => kind === 'length' || offset + length > size
  return entries.slice(kept).find(grows)?.size
}
