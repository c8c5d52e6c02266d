// The mark of a join that is not over: a file beside the log. While it is there, the next start joins again, so that a
// crash half-way leaves no broker with half of the cluster's topics.
import { utf8Encode } from '@rocketmq-ts/bytes'
import type { Files } from '@rocketmq-ts/runtime'

/** What the mark holds, for people. */
export const JOIN_MARK_TEXT = 'This broker has not yet taken over the topics and groups of its cluster.\n'
/** Name of the mark inside the root. */
export const JOIN_MARK = 'join.pending'
const TEXT = utf8Encode(JOIN_MARK_TEXT)

export interface JoinMark {
  isSet(): Promise<boolean>
  /** Resolves when it survives a power loss. Rejects with FileError. */
  set(): Promise<void>
  clear(): Promise<void>
}

/** The mark of the broker whose folder is `root`. */
export function createJoinMark(files: Files, root: string): JoinMark {
  const path = `${root}/${JOIN_MARK}`
  return {
    async isSet() {
      return (await files.list(root)).some(({ name }) => path === `${root}/${name}`)
    },
    async set() {
      const file = await files.open(path, 'create')
      file.writeSync(0, [TEXT])
      await file.sync()
      await file.close()
      await files.syncFolder(root)
    },
    async clear() {
      await files.remove(path)
      await files.syncFolder(root)
    },
  }
}
