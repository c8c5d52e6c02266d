// The few of many files that are open, and which of all were written and not synced yet. Invariant: what was noted as
// written is synced, or its sync has failed, before a `sync` that was called later ends.
import { type File, FileError, type Files } from '@rocketmq-ts/runtime'

export interface UseOptions {
  /** Where it has to give way to others it is synced first: the next `sync` had to open it again for that. */
  readonly syncsOnClose?: boolean
}

export interface OpenFiles {
  /** Works with a file, which stays open while it can. Rejects with what `open` or `work` rejects with. */
  use<Result>(
    path: string,
    open: () => Promise<File>,
    work: (file: File) => Result,
    options?: UseOptions,
  ): Promise<Awaited<Result>>
  /** Call it before the first byte of a write. */
  noteWritten(path: string): void
  /** Everything written before the call survives a power loss, where nobody has removed it meanwhile. */
  sync(): Promise<void>
  /** The file goes: it is closed behind the reads that are under way, and never synced. */
  forget(path: string): Promise<void>
  /** The same for all files inside the folder. */
  forgetInside(folder: string): Promise<void>
  close(): Promise<void>
}

interface Handle {
  readonly opening: Promise<File>
  uses: number
  syncsOnClose: boolean
}

/** What was removed meanwhile needs no sync. */
export async function unlessGone(sync: () => Promise<void>): Promise<void> {
  try {
    await sync()
  } catch (error) {
    if (!(error instanceof FileError && error.code === 'not-found')) throw error
  }
}

/** Opens nothing yet; `openMax` files are open at once while nobody uses more. */
export function createOpenFiles(files: Pick<Files, 'open'>, openMax: number): OpenFiles {
  /** The least recently used first. */
  const handles = new Map<string, Handle>()
  const unsynced = new Set<string>()
  /** Syncs of files that gave way. */
  const closing = new Set<Promise<unknown>>()
  let failedOnClose: unknown

  async function closeUnused(): Promise<void> {
    for (const [path, handle] of handles) {
      if (handles.size <= openMax) return
      if (handle.uses > 0) continue
      handles.delete(path)
      await closeHandle(path, handle)
    }
  }

  async function closeHandle(path: string, { opening, syncsOnClose }: Handle): Promise<void> {
    const file = await opening
    // Deleted before the sync: what is written meanwhile is not of it.
    if (syncsOnClose && unsynced.delete(path)) {
      const syncing = unlessGone(() => file.sync()).catch((error: unknown) => (failedOnClose ??= error))
      closing.add(syncing)
      await syncing
      closing.delete(syncing)
    }
    await file.close()
  }

  async function use<Result>(
    path: string,
    open: () => Promise<File>,
    work: (file: File) => Result,
    { syncsOnClose = false }: UseOptions = {},
  ): Promise<Awaited<Result>> {
    const handle = handles.get(path) ?? { opening: open(), uses: 0, syncsOnClose }
    handles.delete(path)
    handles.set(path, handle)
    handle.uses += 1
    handle.syncsOnClose ||= syncsOnClose
    try {
      return await work(await handle.opening)
    } catch (error) {
      // An opening that failed must not stand for the file.
      await handle.opening.catch(() => handles.delete(path))
      throw error
    } finally {
      handle.uses -= 1
      await closeUnused()
    }
  }

  function syncPath(path: string): Promise<void> {
    return use(
      path,
      () => files.open(path, 'must-exist'),
      (file) => file.sync(),
    )
  }

  async function forget(path: string): Promise<void> {
    unsynced.delete(path)
    const handle = handles.get(path)
    if (handle === undefined) return
    handles.delete(path)
    await handle.opening.then(
      (file) => file.close(),
      () => undefined,
    )
  }

  return {
    use,
    noteWritten: (path) => void unsynced.add(path),
    async sync() {
      const paths = [...unsynced]
      unsynced.clear()
      for (const path of paths) await unlessGone(() => syncPath(path))
      await Promise.all(closing)
      // What that file holds nobody knows any more, whoever asks.
      if (failedOnClose !== undefined) throw failedOnClose
    },
    forget,
    async forgetInside(folder) {
      const inside = `${folder}/`
      for (const path of handles.keys()) if (path.startsWith(inside)) await forget(path)
      for (const path of unsynced) if (path.startsWith(inside)) unsynced.delete(path)
    },
    async close() {
      for (const handle of handles.values()) await (await handle.opening).close()
      handles.clear()
    },
  }
}
