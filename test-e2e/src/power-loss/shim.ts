// The preloaded library, and the folder it writes into.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('../../shim/unsynced.c', import.meta.url))
/** Of a disk that has other work: under load there is nearly always a sync to be hit. */
const SYNC_MS = '20'
const COMPILE_MS_MAX = 60_000

export interface Shim {
  /** Where the undo log and what was unlinked are kept; on the file system of the data. */
  readonly folder: string
  readonly undoLog: string
  /** Environment of a process whose changes below `root` are to be remembered. */
  envFor(root: string): Record<string, string>
}

/** Compiles the library; a text says why that can not be done here. */
export function createShim(folder: string): Shim | string {
  if (process.platform !== 'linux') return `preloading works on Linux only, this is ${process.platform}`
  const library = join(folder, 'unsynced.so')
  mkdirSync(join(folder, 'grave'), { recursive: true })
  const gcc = spawnSync('gcc', ['-shared', '-fPIC', '-O2', '-fvisibility=hidden', '-o', library, SOURCE, '-lpthread'], {
    timeout: COMPILE_MS_MAX,
    encoding: 'utf8',
  })
  if (gcc.error !== undefined) return `gcc can not be run (${gcc.error.message})`
  if (gcc.status !== 0 || !existsSync(library)) throw new Error(`gcc failed:\n${gcc.stderr}`)
  return {
    folder,
    undoLog: join(folder, 'undo.log'),
    // io_uring would pass by the library.
    envFor: (root) => ({
      LD_PRELOAD: library,
      UNSYNCED_ROOT: root,
      UNSYNCED_DIR: folder,
      UNSYNCED_SYNC_MS: SYNC_MS,
      UV_USE_IO_URING: '0',
    }),
  }
}
