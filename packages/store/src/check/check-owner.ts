// What only the owner of a store knows of it: the journal inside the log, and files of its own beside it.
import type { Files } from '@rocketmq-ts/runtime'
import type { QueueEnd, ReplayedRecord } from '../message-store.ts'
import type { Finding } from './finding.ts'

/** What a journal record tells. */
export interface JournalFacts {
  /** Everything below was flushed when it was written. */
  readonly provenFlushed?: number | undefined
  /** Topics whose earlier records belong to an older incarnation. */
  readonly endedTopics: readonly string[]
  /** See StoreOptions.queueEndsOf. */
  readonly queueEnds?: readonly QueueEnd[]
  /** Why it can not be applied. */
  readonly problem?: string | undefined
}

export interface OwnFilesContext {
  readonly files: Files
  /** Root of the store. */
  readonly root: string
  /** End of the log. */
  readonly end: number
  readonly cleanStop: boolean
  /** Next offset of a queue; undefined where the log has no record of it. */
  nextOffset(topic: string, queueId: number): number | undefined
  readonly report: (finding: Finding) => void
}

export interface CheckOwner {
  readJournal(record: ReplayedRecord): JournalFacts
  /** See StoreOptions.ownerStamp. */
  stamp(files: Files, root: string): Promise<string | undefined>
  /** Names inside the root that are the owner's, and checked by `checkFiles`. */
  owns(name: string): boolean
  /** Asked once the log was read. */
  checkFiles(context: OwnFilesContext): Promise<void>
}

/** For a store that nobody journals in. */
export const NO_OWNER: CheckOwner = {
  readJournal: () => ({ endedTopics: [] }),
  stamp: () => Promise.resolve(undefined),
  owns: () => false,
  checkFiles: () => Promise.resolve(),
}
