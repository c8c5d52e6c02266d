// Steps of a store that touch the disk: counted, so that a test can take the power away at each of them, or made to fail.
import type { File, Files } from '@rocketmq-ts/runtime'

export type Moment = 'before' | 'after'

/** Counts the steps that change the disk, and calls back at the given one, before or after it took effect. */
export function countSteps(
  files: Files,
  at: { step: number; moment: Moment },
  crash: () => void,
): Files & { readonly steps: number } {
  let steps = 0

  function isNow(moment: Moment): boolean {
    return steps === at.step && at.moment === moment
  }

  async function step<Result>(operation: () => Promise<Result>): Promise<Result> {
    steps += 1
    if (isNow('before')) crash()
    const result = operation()
    if (isNow('after')) crash()
    return result
  }

  function wrapFile(file: File): File {
    return {
      path: file.path,
      size: () => file.size(),
      read: (position, into, lane) => file.read(position, into, lane),
      readSync: (position, into) => file.readSync(position, into),
      writeSync(position, chunks) {
        steps += 1
        if (isNow('before')) crash()
        file.writeSync(position, chunks)
        if (isNow('after')) crash()
      },
      truncate: (bytes) => step(() => file.truncate(bytes)),
      sync: () => step(() => file.sync()),
      close: () => file.close(),
    }
  }

  return {
    get steps() {
      return steps
    },
    makeFolder: (path, options) => step(() => files.makeFolder(path, options)),
    list: (path) => files.list(path),
    open: async (path, mode) => wrapFile(await step(() => files.open(path, mode))),
    readWhole: (path, bytesMax) => files.readWhole(path, bytesMax),
    rename: (from, to) => step(() => files.rename(from, to)),
    remove: (path) => step(() => files.remove(path)),
    syncFolder: (path) => step(() => files.syncFolder(path)),
    space: (path) => files.space(path),
    lockFolder: (path, holder) => files.lockFolder(path, holder),
  }
}

/** Asks before every operation, of a read with the bytes wanted; what `before` throws is its failure. */
export function interceptFiles(files: Files, before: (path: string, operation: string, bytes: number) => void): Files {
  async function step<Result>(path: string, name: string, operation: () => Promise<Result>): Promise<Result> {
    before(path, name, 0)
    return operation()
  }

  function wrapFile(file: File): File {
    const { path } = file
    return {
      path,
      size: () => step(path, 'size', () => file.size()),
      async read(position, into, lane) {
        before(path, 'read', into.length)
        return file.read(position, into, lane)
      },
      readSync(position, into) {
        before(path, 'read', into.length)
        return file.readSync(position, into)
      },
      writeSync(position, chunks) {
        before(path, 'write', 0)
        file.writeSync(position, chunks)
      },
      truncate: (bytes) => step(path, 'truncate', () => file.truncate(bytes)),
      sync: () => step(path, 'sync', () => file.sync()),
      close: () => file.close(),
    }
  }

  return {
    makeFolder: (path, options) => step(path, 'makeFolder', () => files.makeFolder(path, options)),
    list: (path) => step(path, 'list', () => files.list(path)),
    open: async (path, mode) => wrapFile(await step(path, 'open', () => files.open(path, mode))),
    readWhole: (path, bytesMax) => step(path, 'readWhole', () => files.readWhole(path, bytesMax)),
    rename: (from, to) => step(to, 'rename', () => files.rename(from, to)),
    remove: (path) => step(path, 'remove', () => files.remove(path)),
    syncFolder: (path) => step(path, 'syncFolder', () => files.syncFolder(path)),
    space: (path) => files.space(path),
    lockFolder: (path, holder) => files.lockFolder(path, holder),
  }
}
