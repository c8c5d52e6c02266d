// The machine's file system as Files.
import fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type File, FileError, type Files, type FolderEntry } from '../files.ts'
import { DIRECT_LIMITS, type ReadLanes } from './direct-reads.ts'
import { errnoOf, fileError } from './file-errors.ts'
import { NodeFile } from './file.ts'
import { lockFolder } from './folder-lock.ts'
import { createLane } from './lanes.ts'

/** What libuv takes when UV_THREADPOOL_SIZE does not say otherwise. */
const POOL_THREADS_DEFAULT = 4
/** Threads of the pool that cold reads leave free, for syncs. */
const POOL_THREADS_KEPT = 2

type Done<Result> = (error: Error | null, result?: Result) => void

/** Waits for one operation of the file system; its errors become FileError. */
function run<Result = void>(action: string, path: string, operation: (done: Done<Result>) => void): Promise<Result> {
  return new Promise((resolvePromise, reject) => {
    operation((error, result) => {
      if (error === null || error === undefined) resolvePromise(result as Result)
      else reject(fileError(error, action, path))
    })
  })
}

async function openDescriptor(path: string, flags: number | string, action: string): Promise<number> {
  return run<number>(action, path, (done) => fs.open(path, flags, 0o640, done))
}

async function closeDescriptor(descriptor: number, path: string): Promise<void> {
  await run('close', path, (done) => fs.close(descriptor, done))
}

async function syncFolder(path: string): Promise<void> {
  const descriptor = await openDescriptor(path, fs.constants.O_RDONLY, 'open the folder')
  try {
    await run('sync the folder', path, (done) => fs.fsync(descriptor, done))
  } finally {
    await closeDescriptor(descriptor, path)
  }
}

/** Folders above `path`, outermost first. */
function ancestors(path: string): string[] {
  const found: string[] = []
  for (let at = dirname(path); ; at = dirname(at)) {
    found.unshift(at)
    if (at === dirname(at)) return found
  }
}

async function makeFolder(path: string, durable: boolean): Promise<void> {
  await run<string | undefined>('make the folder', path, (done) =>
    fs.mkdir(path, { recursive: true, mode: 0o750 }, done),
  )
  if (!durable) return
  for (const ancestor of ancestors(resolve(path))) {
    try {
      await syncFolder(ancestor)
    } catch (error) {
      // A folder that may not be read is not one of those just made.
      if (!(error instanceof FileError && error.code === 'permission')) throw error
    }
  }
}

async function kindOf(path: string, entry: fs.Dirent): Promise<FolderEntry['kind'] | undefined> {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'folder'
  if (!entry.isSymbolicLink()) return undefined
  try {
    const stats = await run<fs.Stats>('look at', path, (done) => fs.stat(path, done))
    if (stats.isDirectory()) return 'folder'
    return stats.isFile() ? 'file' : undefined
  } catch (error) {
    if (error instanceof FileError && error.code === 'not-found') return undefined
    throw error
  }
}

async function list(path: string): Promise<FolderEntry[]> {
  let entries: fs.Dirent[]
  try {
    // The form with a callback leaves its memory to the old generation: megabytes where thousands of folders are listed.
    entries = await fs.promises.readdir(path, { withFileTypes: true })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw fileError(error, 'list the folder', path)
  }
  const found: FolderEntry[] = []
  for (const entry of entries) {
    const kind = await kindOf(join(path, entry.name), entry)
    if (kind !== undefined) found.push({ name: entry.name, kind })
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function readWhole(file: File, bytesMax: number): Promise<Uint8Array> {
  const size = await file.size()
  if (size > bytesMax) throw new FileError('other', file.path, `longer than the ${bytesMax} bytes allowed (${size})`)
  const bytes = new Uint8Array(size)
  const count = await file.read(0, bytes)
  return bytes.subarray(0, count)
}

/** `threads`: size of libuv's pool, of which cold reads leave two for syncs. */
export function createNodeFiles(options?: { readonly threads?: number }): Files {
  const configured = Number(process.env['UV_THREADPOOL_SIZE'])
  const threads = options?.threads ?? (configured > 0 ? configured : POOL_THREADS_DEFAULT)
  const lanes: ReadLanes = {
    cold: createLane(Math.max(1, threads - POOL_THREADS_KEPT)),
    direct: {
      direct: createLane(DIRECT_LIMITS.direct.readsMax),
      'direct-parts': createLane(DIRECT_LIMITS['direct-parts'].readsMax),
    },
  }

  async function open(path: string, mode: 'create' | 'must-exist' | 'read'): Promise<File> {
    const create = mode === 'create' ? fs.constants.O_CREAT : 0
    const access = mode === 'read' ? fs.constants.O_RDONLY : fs.constants.O_RDWR
    const descriptor = await openDescriptor(path, access | create, 'open')
    return new NodeFile(path, descriptor, lanes)
  }

  return {
    open,
    list,
    syncFolder,
    makeFolder: (path, makeOptions) => makeFolder(path, makeOptions?.durable ?? false),
    async readWhole(path, bytesMax) {
      let descriptor: number
      try {
        descriptor = await openDescriptor(path, fs.constants.O_RDONLY, 'open')
      } catch (error) {
        if (errnoOf((error as Error).cause) === 'ENOENT') return undefined
        throw error
      }
      const file = new NodeFile(path, descriptor, lanes)
      try {
        return await readWhole(file, bytesMax)
      } finally {
        await file.close()
      }
    },
    rename: (from, to) => run(`rename to ${to}`, from, (done) => fs.rename(from, to, done)),
    remove: (path) => run('remove', path, (done) => fs.rm(path, { recursive: true, force: true }, done)),
    async space(path) {
      const { bsize, blocks, bfree, bavail } = await run<fs.StatsFs>('ask for the space of', path, (done) =>
        fs.statfs(path, done),
      )
      return { totalBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize }
    },
    lockFolder,
  }
}
