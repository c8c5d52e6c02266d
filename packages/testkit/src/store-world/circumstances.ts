// What brings a broker to a step that few lives pass: files that are missing at its start, a full disk, messages that expire.
// Nothing here is a promise; it only makes seeds of a long run count.

/** The circumstances of the lives of one seed. */
export interface Circumstances {
  /** Done to the files before each start, as rest-damage.ts names it. */
  readonly damage?: string
  /** The disk is full in the end of each life, and at the next start. */
  readonly isFull?: boolean
  /** Messages expire between two lives, and files are small. */
  readonly doesExpire?: boolean
  /** Files of queues hold few units, so that all are in files. */
  readonly areQueueFilesSmall?: boolean
}

const KNOWN: readonly (readonly [step: RegExp, circumstances: Circumstances])[] = [
  [/ of reserve$|^stopping: .* (?:space of folder|(?:truncate|write|size|sync) of log)$/u, { isFull: true }],
  [/^recovering: .* queue(?:-checkpoint)?$/u, { damage: 'all deleted: queue', areQueueFilesSmall: true }],
  [/^recovering: .* flushed-mark$/u, { damage: 'all deleted: flushed-mark' }],
  [/^recovering: .* (?:index|index-folder)$/u, { damage: 'all deleted: index' }],
  [/^running: .* (?:remove|list) of /u, { doesExpire: true, areQueueFilesSmall: true }],
  [/^stopping: .* of queue$/u, { areQueueFilesSmall: true }],
]

/** Those of a step; none where it needs none. */
export function circumstancesOf(step: string | undefined): Circumstances {
  return KNOWN.find(([pattern]) => step !== undefined && pattern.test(step))?.[1] ?? {}
}
