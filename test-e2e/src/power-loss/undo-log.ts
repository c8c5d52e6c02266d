// Reads what shim/unsynced.c wrote. An entry is named by its position; a torn last one was of a change never made.

const MAGIC = 0x4f444e55
/** Bytes of an entry without paths and old bytes. */
export const HEADER_BYTES = 56

export type EntryKind =
  | 'write'
  | 'length'
  | 'create'
  | 'rename'
  | 'unlink'
  | 'make-folder'
  | 'remove-folder'
  | 'sync-begun'
  | 'sync-ended'
  | 'unsupported'

const KINDS: Readonly<Record<string, EntryKind>> = {
  W: 'write',
  T: 'length',
  C: 'create',
  R: 'rename',
  U: 'unlink',
  M: 'make-folder',
  D: 'remove-folder',
  B: 'sync-begun',
  E: 'sync-ended',
  X: 'unsupported',
}

export interface Entry {
  readonly position: number
  readonly kind: EntryKind
  /** Of the file written, or of the folder synced. */
  readonly inode: number
  /** Of the folder that holds the name. */
  readonly parent: number
  /** write: where; length: the new one; rename: 1 where a file was replaced; sync-ended: position of its begin. */
  readonly offset: number
  readonly length: number
  /** write, length: length of the file before. */
  readonly size: number
  readonly path: string
  readonly otherPath: string
  /** write: bytes before, shorter than `length` where zeros follow. */
  readonly old: Buffer
}

/** By the last bytes of a log, as many as a header has: true when it ends with a write over zeros, or a sync that runs. */
export function endsUnsynced(last: Buffer): boolean {
  const kind = KINDS[String.fromCharCode(last[4] ?? 0)]
  return last.readUInt32LE(0) === MAGIC && (kind === 'write' || kind === 'sync-begun')
}

/** All whole entries in their order. */
export function parseUndoLog(bytes: Buffer): Entry[] {
  const entries: Entry[] = []
  let at = 0
  while (at + HEADER_BYTES <= bytes.length) {
    if (bytes.readUInt32LE(at) !== MAGIC) throw new Error(`undo log: no entry at ${at}`)
    const kind = KINDS[String.fromCharCode(bytes.readUInt32LE(at + 4))]
    if (kind === undefined) throw new Error(`undo log: unknown kind at ${at}`)
    const oldBytes = bytes.readUInt32LE(at + 48)
    const pathBytes = bytes.readUInt16LE(at + 52)
    const otherBytes = bytes.readUInt16LE(at + 54)
    const pathAt = at + HEADER_BYTES
    const oldAt = pathAt + pathBytes + otherBytes
    if (oldAt + oldBytes > bytes.length) break
    entries.push({
      position: at,
      kind,
      inode: Number(bytes.readBigUInt64LE(at + 8)),
      parent: Number(bytes.readBigUInt64LE(at + 16)),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      length: Number(bytes.readBigUInt64LE(at + 32)),
      size: Number(bytes.readBigUInt64LE(at + 40)),
      path: bytes.toString('utf8', pathAt, pathAt + pathBytes),
      otherPath: bytes.toString('utf8', pathAt + pathBytes, oldAt),
      old: bytes.subarray(oldAt, oldAt + oldBytes),
    })
    at = oldAt + oldBytes
  }
  return entries
}
