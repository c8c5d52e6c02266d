// The steps of a store that change the disk, one by one: a test may end the process at any of them.
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
