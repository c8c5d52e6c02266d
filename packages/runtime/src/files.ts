// Files as the store and the settings see them. Paths are absolute, separated by '/'.
// Errors are MqError-free: implementations throw `FileError` with a code of `FILE_ERROR_CODES`.

export const FILE_ERROR_CODES = ['not-found', 'exists', 'no-space', 'io', 'locked', 'permission', 'other'] as const
export type FileErrorCode = (typeof FILE_ERROR_CODES)[number]

/** What an operation on files fails with; `code` is for programs, `message` names the path and the cause. */
export class FileError extends Error {
  readonly code: FileErrorCode
  readonly path: string
  constructor(code: FileErrorCode, path: string, message: string, cause?: unknown) {
    super(`${message}: ${path}`, cause === undefined ? undefined : { cause })
    this.name = 'FileError'
    this.code = code
    this.path = path
  }
}

/**
 * Which pool a read may use: 'hot' is answered at once, 'cold' is bounded so that syncs always find a thread. The direct
 * ones are 'cold', and past the page cache where that is the faster way: for large pieces of old files, whose position and
 * length are multiples of DIRECT_BLOCK_BYTES and whose memory is `pageAligned`; others are read as 'cold'. 'direct-parts'
 * asks the disk for little at a time, so that a sync that somebody waits for never comes behind many megabytes.
 */
export type ReadLane = 'hot' | 'cold' | DirectLane
export type DirectLane = 'direct' | 'direct-parts'

/** What disks read by, at most: a page of the system. */
export const DIRECT_BLOCK_BYTES = 4096

/**
 * Memory that starts with a page of the system, so that a disk can fill it: that of a buffer that could change its size.
 * To copy from it costs what it costs elsewhere; to read single bytes of it, twice as much.
 */
export function pageAligned(bytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes)
}

export interface File {
  readonly path: string
  /** Current length in bytes. */
  size(): Promise<number>
  /** Writes all chunks one after the other from `position` on into the page cache. Complete, or throws `FileError`. */
  writeSync(position: number, chunks: readonly Uint8Array[]): void
  /** Fills `into` from `position` out of the page cache; returns the bytes read, fewer only at the end of the file. */
  readSync(position: number, into: Uint8Array): number
  /** As `readSync`, without blocking the caller. In the other lanes groups take turns, whoever asks how much. */
  read(position: number, into: Uint8Array, lane?: ReadLane, group?: string): Promise<number>
  /** Sets the length; new bytes are zero. */
  truncate(bytes: number): Promise<void>
  /**
   * Resolves when everything written before the call survives a power loss (fdatasync). Never retried by callers. Of several
   * at once each learns of a failure by itself; they may end in any order.
   */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface FolderEntry {
  readonly name: string
  readonly kind: 'file' | 'folder'
}

/** Bytes of the disk that a folder is on. */
export interface DiskSpace {
  readonly totalBytes: number
  /** What files take. With `freeBytes` it is less than all where the system keeps some for itself. */
  readonly usedBytes: number
  /** What this process may still use: less than what is free where some is kept for the system. */
  readonly freeBytes: number
}

/** A folder held by this process; the hold dies with the process, however it ends. */
export interface FolderLock {
  release(): Promise<void>
}

export interface Files {
  /**
   * Creates the folder and its parents; existing ones are fine. With `durable` all of them survive a power loss,
   * else only after a `syncFolder` of each parent.
   */
  makeFolder(path: string, options?: { readonly durable?: boolean }): Promise<void>
  /** Entries by name, ascending. A folder that does not exist has none. */
  list(path: string): Promise<FolderEntry[]>
  /**
   * Opens for reading and writing. 'create' makes a missing file, 'must-exist' fails with 'not-found', and so does 'read',
   * which only reads: it works on a disk that takes no writes.
   */
  open(path: string, mode: 'create' | 'must-exist' | 'read'): Promise<File>
  /** The whole file, or undefined where it does not exist. Longer than `bytesMax` is an error ('other'). */
  readWhole(path: string, bytesMax: number): Promise<Uint8Array | undefined>
  /** Atomically replaces `to`. Durable only after `syncFolder` of the parent. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file or a folder with everything in it; a missing one is fine. */
  remove(path: string): Promise<void>
  /** Makes creations, renames and removals inside the folder survive a power loss. */
  syncFolder(path: string): Promise<void>
  /** Of the disk that `path` is on. */
  space(path: string): Promise<DiskSpace>
  /** Takes the folder for this process. Fails with `FileError` 'locked', whose message names the holder. */
  lockFolder(path: string, holder: string): Promise<FolderLock>
}
