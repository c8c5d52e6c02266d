// What no sync has seen yet of the files of a key index. Invariant: a file whose sync failed is never synced again as it
// is: the system calls its pages clean, whatever the disk holds of them.
import type { Files } from '@rocketmq-ts/runtime'
import type { IndexFile } from './index-file.ts'
import type { IndexState } from './key-index-options.ts'

/** A sync that failed. */
export interface FailedSync {
  /** Name of the first file, in their order, that may lack what was written to it; those behind it go with it. */
  readonly from: string
  readonly error: unknown
}

/** Nothing may count on files that either of two syncs was for. */
export function bothFailed(a: FailedSync | undefined, b: FailedSync): FailedSync {
  return a !== undefined && a.from < b.from ? a : b
}

/** What is left of a state when nothing may count on a file and on those behind it. */
export function withoutFrom(first: string, state: IndexState): IndexState {
  const files = state.files.filter(({ name }) => name < first)
  return { coversTo: Math.min(state.coversTo, files.at(-1)?.endOffset ?? 0), files }
}

/** Removes files of an index that nobody may count on. Whoever works with one is the last. */
export async function removeIndexFiles(
  files: Pick<Files, 'remove' | 'syncFolder'>,
  folder: string,
  gone: readonly IndexFile[],
): Promise<void> {
  for (const file of gone) {
    await file.retire()
    await files.remove(`${folder}/${file.name}`)
  }
  if (gone.length > 0) await files.syncFolder(folder)
}

export class UnsyncedFiles {
  readonly #files: Pick<Files, 'syncFolder'>
  readonly #folder: string
  #unsynced = new Set<IndexFile>()
  #hasNewNames = false

  constructor(files: Pick<Files, 'syncFolder'>, folder: string) {
    this.#files = files
    this.#folder = folder
  }

  add(file: IndexFile): void {
    this.#unsynced.add(file)
  }

  /** A file was made, or may have been made by a process that did not sync its name. */
  addName(): void {
    this.#hasNewNames = true
  }

  /** Syncs what is left of them in `files`, which come in their order, and gives back what only the last one needs. */
  async sync(files: () => readonly IndexFile[]): Promise<FailedSync | undefined> {
    const left = new Set(this.#unsynced)
    const hasNewNames = this.#hasNewNames
    this.#unsynced.clear()
    this.#hasNewNames = false
    try {
      for (const file of left) {
        if (files().includes(file)) await file.sync()
        // Without its name a file is as good as lost.
        if (!hasNewNames) left.delete(file)
      }
      if (hasNewNames) await this.#files.syncFolder(this.#folder)
      for (const file of files().slice(0, -1)) if (!this.#unsynced.has(file)) await file.closeUnused()
      return undefined
    } catch (error) {
      return { from: files().find((file) => left.has(file))?.name ?? '', error }
    }
  }
}
