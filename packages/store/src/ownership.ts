// Whether the folder is ours: what another broker left is to be claimed first, and only our own folder is noted as left in
// order. The note speaks of the log's end, and counts when everything in front of that is flushed.
import type { CommitLog } from './commit-log/commit-log.ts'
import { noteOwn } from './last-writer.ts'
import type { StoreParts } from './store-parts.ts'

export interface Ownership {
  /** Everything of another broker has been taken over, and the log holds it. Rejects with FileError, and nothing is noted. */
  claim(): Promise<void>
  /** The log ends here at a stop in order. Nothing is noted before a claim that is due. */
  noteStop(): Promise<void>
}

/** Of a folder as its start found it. */
export function createOwnership(
  { options, deps, paths, segments, recovery, stamp: stampOfOwner }: StoreParts,
  log: Pick<CommitLog, 'written' | 'submit' | 'whenFlushed'>,
): Ownership {
  let isOurs = recovery.foreign === undefined

  async function note(state: 'ours' | 'stopped'): Promise<void> {
    // Who knows no stamp of its own keeps that of the owner.
    const stamp = options.ownerStamp === undefined ? stampOfOwner : await options.ownerStamp()
    const { files } = deps
    const whenFlushed = (position: number) => log.whenFlushed(position)
    await noteOwn({ files, path: paths.lastWriter, segments, state, at: log.written, stamp, whenFlushed })
  }

  return {
    async claim() {
      await log.submit()
      await note('ours')
      isOurs = true
    },
    async noteStop() {
      if (isOurs) await note('stopped')
    },
  }
}
