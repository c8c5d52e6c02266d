// Judges the index files at a start, gives up what can not be trusted, and builds that again from the log. Nothing here
// refuses to start. Runs when the `abort` marker is there: what it writes is no work of a clean stop.
//
//   covered by our checkpoint   what it says of a file is true, whatever the file's own header says
//   without a checkpoint        after a clean stop all files are; else those that Apache's checkpoint covers
import { readInt32, readInt64OrNaN, writeInt32 } from '@rocketmq-ts/bytes'
import { type File, FileError, type Files } from '@rocketmq-ts/runtime'
import type { LogSource } from '../recovery.ts'
import { readKeys } from './catch-up.ts'
import { IndexFile } from './index-file.ts'
import { entryOf, type IndexPlace, placeBehind } from './index-place.ts'
import type { KeyIndex } from './key-index.ts'
import type { IndexState } from './key-index-options.ts'
import {
  decodeIndexHeader,
  ENTRY_BYTES,
  HEADER_BYTES,
  type IndexFileState,
  indexFileBytes,
  type IndexGeometry,
  type IndexHeader,
  isIndexFileName,
  SLOT_BYTES,
  slotPosition,
} from './layout.ts'

/** Entries read at once. */
const READ_ENTRIES = 16_384
/** Slots are read in pieces, and those that differ written in pages. */
const PIECE_BYTES = 1024 * 1024
const PAGE_BYTES = 4096
/** Entries looked at for the slots of a file whose parts are made one after the other; more, and there are fewer parts. */
const REBUILD_ENTRIES_MAX = 2_000_000
const DAMAGED_HEADER = 'has a damaged header'

export interface RestoreIndexOptions {
  readonly files: Files
  readonly folder: string
  readonly geometry: IndexGeometry
  /** What our checkpoint says, if there is one. */
  readonly saved: IndexState | undefined
  readonly cleanStop: boolean
  /** Of Apache's checkpoint. */
  readonly indexTimestampMs: number
  /** The log after its own recovery. */
  readonly log: { readonly min: number; readonly end: number; readonly source: LogSource }
  readonly rebuilt: (file: string, reason: string) => void
}

/** Files that can be used as they are, and the place of the log from which keys are missing. */
interface Judged extends IndexPlace {
  readonly files: IndexFile[]
}

/** Restores the files of the index and adds what the log has more. A folder that can not be written is told of. */
export async function restoreIndex(index: KeyIndex, options: RestoreIndexOptions): Promise<void> {
  try {
    await restoreFiles(index, options)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    index.giveUp(error)
  }
}

async function restoreFiles(index: KeyIndex, options: RestoreIndexOptions): Promise<void> {
  const { log, saved, rebuilt } = options
  const { files, from, skip } = await judge(options)
  index.restore(files, { from, skip })
  let added = 0
  try {
    added = await readKeys(index, { source: log.source, from, end: log.end, skip })
    index.endCatchUp()
  } catch (error) {
    index.breakCatchUp(error)
  }
  // After a crash there may never have been one.
  if (options.cleanStop && files.length === 0 && saved === undefined && added > 0) rebuilt('index', 'is missing')
}

async function judge(options: RestoreIndexOptions): Promise<Judged> {
  const { files, folder, log, saved, cleanStop, rebuilt } = options
  const entries = await files.list(folder)
  const names = entries.filter(({ name, kind }) => kind === 'file' && isIndexFileName(name)).map(({ name }) => name)
  const expected = withoutExpired(saved?.files ?? [], names, log.min)
  const trusted: IndexFile[] = []
  let problem: { readonly name: string; readonly reason: string } | undefined

  for (const state of expected) {
    const judged = names.includes(state.name)
      ? await readable(() => judgeSaved(options, state, state === expected.at(-1)))
      : 'is missing'
    if (typeof judged === 'string') {
      problem = { name: state.name, reason: judged }
      break
    }
    trusted.push(judged)
  }
  // Written behind the checkpoint: by another broker that stopped in order, else to be written again.
  const lastExpected = expected.at(-1)?.name ?? ''
  for (const name of names) {
    if (problem !== undefined || (saved !== undefined && !cleanStop)) break
    if (name <= lastExpected) continue
    const isFollowing = trusted.every((file) => file.room === 0)
    const judged = await readable(() => judgeOther(options, name))
    const begin = typeof judged === 'string' ? Infinity : judged.header.beginOffset
    // What lies between it and its neighbours would be missing for good.
    const swapped = trusted.findIndex(({ header }, at) => at >= expected.length && header.beginOffset > begin)
    if (swapped >= 0) {
      problem = { name: trusted[swapped]!.name, reason: 'is not in the order of the log' }
      trusted.splice(swapped)
    } else if (!isFollowing) problem = { name, reason: 'follows a file that is not full' }
    else if (typeof judged === 'string') problem = { name, reason: judged }
    else trusted.push(judged)
  }
  // Only the last one may be empty: elsewhere a crash took its header, and `isFollowing` gave up what is behind it.
  if (trusted.at(-1)?.header.count === 1) trusted.pop()
  const last = trusted.at(-1)
  // The index may have failed before the stop: then slots speak of entries that no header counts.
  const isSealed = cleanStop && saved !== undefined && saved.coversTo >= log.end
  if (!isSealed && last !== undefined && last.room > 0) {
    const reason = await readable(async () => {
      await lowerHeader(options, last)
      return rebuildSlots(options, last)
    })
    if (reason !== undefined) {
      problem = { name: last.name, reason }
      trusted.pop()
    }
  }
  if (problem !== undefined) rebuilt(`index/${problem.name}`, problem.reason)
  await removeOthers(options, names, trusted)
  const covered = problem === undefined ? saved?.coversTo : undefined
  return { files: trusted, ...(await placeBehind(trusted, Math.max(log.min, covered ?? 0))) }
}

/** A file that can not be read is damaged. */
async function readable<Result>(judge: () => Promise<Result>): Promise<Result | string> {
  try {
    return await judge()
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    return error.message
  }
}

/** Without the files at the front that retention removed: nothing of the log that they speak of is left. */
function withoutExpired(files: readonly IndexFileState[], names: readonly string[], min: number): IndexFileState[] {
  const first = files.findIndex(({ name, endOffset }) => names.includes(name) || endOffset >= min)
  return first < 0 ? [] : files.slice(first)
}

async function removeOthers(
  { files, folder }: RestoreIndexOptions,
  names: readonly string[],
  kept: readonly IndexFile[],
): Promise<void> {
  const others = names.filter((name) => !kept.some((file) => file.name === name))
  for (const name of others) await files.remove(`${folder}/${name}`)
  if (others.length > 0) await files.syncFolder(folder)
}

function isSame(a: IndexHeader, b: IndexHeader): boolean {
  return (
    a.beginTimestampMs === b.beginTimestampMs &&
    a.endTimestampMs === b.endTimestampMs &&
    a.beginOffset === b.beginOffset &&
    a.endOffset === b.endOffset &&
    a.usedSlots === b.usedSlots &&
    a.count === b.count
  )
}

/** A file that our checkpoint knows, or what is wrong with it. */
async function judgeSaved(
  options: RestoreIndexOptions,
  state: IndexFileState,
  isLast: boolean,
): Promise<IndexFile | string> {
  const header = await headerOf(options, state.name)
  if (typeof header === 'string') return header
  // What a checkpoint covers is on the disk, but the header that says so was written after it.
  if (!options.cleanStop) return fileWith(options, state.name, state, header)
  if (header === undefined) return DAMAGED_HEADER
  const isAhead = isLast && header.count > state.count && header.endOffset >= state.endOffset
  if (!isAhead && !isSame(header, state)) return 'is not what the checkpoint says'
  return fileWith(options, state.name, header, header)
}

async function judgeOther(options: RestoreIndexOptions, name: string): Promise<IndexFile | string> {
  const header = await headerOf(options, name)
  if (typeof header === 'string') return header
  if (header === undefined) return DAMAGED_HEADER
  // Java: IndexService.load.
  if (!options.cleanStop && header.endTimestampMs > options.indexTimestampMs) return 'may be ahead of the log'
  return fileWith(options, name, header, header)
}

/** The header that a file has, undefined where it is damaged; or why the file can not be used. */
async function headerOf(
  { files, folder, geometry }: RestoreIndexOptions,
  name: string,
): Promise<IndexHeader | undefined | string> {
  const file = await files.open(`${folder}/${name}`, 'must-exist')
  try {
    const bytes = await file.size()
    if (bytes !== indexFileBytes(geometry)) return `has ${bytes} bytes instead of ${indexFileBytes(geometry)}`
    const head = new Uint8Array(HEADER_BYTES)
    await file.read(0, head)
    return decodeIndexHeader(head, geometry)
  } finally {
    await file.close()
  }
}

/** The file, when its first and its last entry are what `header` says; `own` is the header that it has. */
async function fileWith(
  { files, folder, geometry, log, cleanStop }: RestoreIndexOptions,
  name: string,
  header: IndexHeader,
  own: IndexHeader | undefined,
): Promise<IndexFile | string> {
  // After a crash the header may be in the page cache only.
  const isCommitted = cleanStop && own !== undefined && isSame(own, header)
  const file = new IndexFile({ files, folder, geometry, state: { ...header, name }, isCommitted })
  if (header.count === 1) return file
  if (header.endOffset >= log.end) return 'is ahead of the log'
  const first = await entryOf(file, 1)
  const last = await entryOf(file, header.count - 1)
  await file.closeUnused()
  const isWhole = first?.offset === header.beginOffset && last?.offset === header.endOffset
  return isWhole ? file : 'does not hold what its header says'
}

/**
 * A header that counts more than an older checkpoint does would outlive the chains of what it counts: a later start that has
 * no checkpoint would go by it.
 */
async function lowerHeader(options: RestoreIndexOptions, file: IndexFile): Promise<void> {
  const own = await headerOf(options, file.name)
  if (typeof own !== 'object' || own.count <= file.header.count) return
  await file.commit(file.header)
  await file.sync()
}

/**
 * Chains all entries anew: after a crash the slots speak of some that are not there. Returns why that can not be. In parts,
 * one after the other in the same memory: that for all slots of a file (20 MB) would stay with the process. The first part
 * has seen all entries before anything is written.
 */
async function rebuildSlots({ geometry }: RestoreIndexOptions, file: IndexFile): Promise<string | undefined> {
  const { slots } = geometry
  const partsMax = Math.max(1, Math.floor(REBUILD_ENTRIES_MAX / file.header.count))
  const pages = Math.ceil((slots * SLOT_BYTES) / PAGE_BYTES)
  const perPart = Math.max(PIECE_BYTES / PAGE_BYTES, Math.ceil(pages / partsMax)) * (PAGE_BYTES / SLOT_BYTES)
  const wanted = Buffer.allocUnsafeSlow(Math.min(perPart, slots) * SLOT_BYTES)
  const found = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, wanted.length))
  const entries = Buffer.allocUnsafeSlow(Math.min(READ_ENTRIES, file.header.count) * ENTRY_BYTES)
  for (let first = 0; first < slots; first += perPart) {
    const part = wanted.subarray(0, Math.min(perPart, slots - first) * SLOT_BYTES).fill(0)
    const problem = await chainInto(part, { first, slots, file, entries })
    if (problem !== undefined) return problem
    await file.use((handle) => writeChanged(handle, slotPosition(first), part, found))
  }
  return undefined
}

/** The last entry of each slot from `first` on. `entries` is used for reading. */
async function chainInto(
  part: Buffer,
  {
    first,
    slots,
    file,
    entries,
  }: { readonly first: number; readonly slots: number; readonly file: IndexFile; readonly entries: Buffer },
): Promise<string | undefined> {
  const { count } = file.header
  let offset = 0
  for (let from = 1; from < count; from += READ_ENTRIES) {
    const to = Math.min(count, from + READ_ENTRIES)
    const bytes = await file.entries(from, to, entries)
    for (let number = from; number < to; number += 1) {
      const at = (number - from) * ENTRY_BYTES
      const hash = at < bytes.length ? readInt32(bytes, at) : -1
      const next = hash < 0 ? NaN : readInt64OrNaN(bytes, at + 4)
      if (!(next >= offset)) return `has a damaged entry ${number}`
      offset = next
      const slotAt = ((hash % slots) - first) * SLOT_BYTES
      if (slotAt >= 0 && slotAt < part.length) writeInt32(part, slotAt, number)
    }
  }
  return undefined
}

/** Pages that are as they should be stay as they are: untouched ones take no disk. `piece` is used for reading. */
async function writeChanged(file: File, position: number, slots: Uint8Array, piece: Buffer): Promise<void> {
  for (let from = 0; from < slots.length; from += piece.length) {
    const wanted = slots.subarray(from, from + piece.length)
    const found = piece.subarray(0, wanted.length)
    found.fill(0, await file.read(position + from, found))
    for (let at = 0; at < wanted.length; at += PAGE_BYTES) {
      const page = wanted.subarray(at, at + PAGE_BYTES)
      if (found.compare(page, 0, page.length, at, at + page.length) === 0) continue
      file.writeSync(position + from + at, [page])
    }
  }
}
