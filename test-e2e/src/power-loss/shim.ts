// The preloaded library, and the folders it watches and writes into.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { compilePreload } from '../preload.ts'

/** Of a disk that has other work: under load there is nearly always a sync to be hit. */
const SYNC_MS = '20'

/** What the shim knows of one folder, over the lives of the processes that change it. */
export interface Watch {
  /** Changes below it are remembered. */
  readonly root: string
  readonly undoLog: string
  /** Holds what was unlinked. */
  readonly grave: string
  /** While there is such a file, every sync fails. */
  readonly failMark: string
  /** Environment of a process that changes the folder. */
  readonly env: Readonly<Record<string, string>>
}

export interface Shim {
  /** Begins to watch `root`; what is known of it goes `into` a folder of the same file system. */
  watch(root: string, into: string): Watch
}

/** Compiles the library; a text says why that can not be done here. */
export function createShim(folder: string): Shim | string {
  const preload = compilePreload('unsynced', folder)
  if (preload.kind === 'impossible') return preload.reason
  const { library } = preload
  return {
    watch(root, into) {
      const grave = join(into, 'grave')
      mkdirSync(grave, { recursive: true })
      const env = {
        LD_PRELOAD: library,
        UNSYNCED_ROOT: root,
        UNSYNCED_DIR: into,
        UNSYNCED_SYNC_MS: SYNC_MS,
        UV_USE_IO_URING: '0', // it would pass by the library
      }
      return { root, undoLog: join(into, 'undo.log'), grave, failMark: join(into, 'fail'), env }
    },
  }
}
