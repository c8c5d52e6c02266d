// What brings a broker to a step that few lives pass: files that are missing at its start, a full disk, messages that expire.
// Nothing here is a promise; it only makes seeds of a long run count.

/** The circumstances of the lives of one seed. */
export interface Circumstances {
  /** Done to the files before each start, as rest-damage.ts names it. */
  readonly damages?: readonly string[]
  /** No sync of the log ends in time: it loses its end with the power, its derived files do not. */
  readonly losesTail?: boolean
  /** The disk is full in the end of each life, and at the next start. */
  readonly isFull?: boolean
  /** Messages expire between two lives, and files are small. */
  readonly doesExpire?: boolean
  /**
   * A broker is killed before its live states are in the newest file of the log, and while the next one runs, the older files
   * expire: then the cache of its start is lost, too.
   */
  readonly areStatesLate?: boolean
  /** Files of queues hold few units, so that all are in files. */
  readonly areQueueFilesSmall?: boolean
  /** Much is asked for when it is stopped; where lives are brief it is nearly all of most of them. */
  readonly isBusy?: boolean
  readonly isBrief?: boolean
  /** All topics are deleted right before a stop. */
  readonly doesDeleteTopics?: boolean
  /** Files go right after a start, while transactions wait for their last questions. */
  readonly isRetentionEager?: boolean
  /** A stop takes seconds: what comes now and then comes while it lasts. */
  readonly isStopSlow?: boolean
}

/** Each of the two generations that are kept is hit by some of them. */
const BOTH_MARKS = Array.from({ length: 6 }, () => 'zeroed page: flushed-mark')

const KNOWN: readonly (readonly [step: RegExp, circumstances: Circumstances])[] = [
  [/^stopping: .* remove of queue-folder$/u, { areQueueFilesSmall: true, doesDeleteTopics: true }],
  [/^stopping: .* space of folder$/u, { isStopSlow: true }],
  [/^stopping: .* (?:open|remove|write) of reserve$/u, { isBusy: true, isBrief: true, isFull: true }],
  [/^stopping: .* (?:of reserve|read of queue)$/u, { isBusy: true, isBrief: true, areQueueFilesSmall: true }],
  [/^stopping: .* (?:open|truncate|write|size|sync) of log$/u, { isBusy: true }],
  [/ of reserve$/u, { isFull: true }],
  [/^recovering: .* remove of queue$/u, { areQueueFilesSmall: true, losesTail: true }],
  [
    /^recovering: .* sync of queue$/u,
    { damages: ['all deleted: queue', 'all deleted: index'], areQueueFilesSmall: true },
  ],
  [/^recovering: .* queue(?:-checkpoint)?$/u, { damages: ['all deleted: queue'], areQueueFilesSmall: true }],
  [/^recovering: .* remove of flushed-mark$/u, { damages: BOTH_MARKS }],
  [/^recovering: .* flushed-mark$/u, { damages: ['all deleted: flushed-mark'] }],
  [/^recovering: .* remove of queue-folder$/u, { damages: ['cut: queue', 'cut: queue'], areQueueFilesSmall: true }],
  [/^recovering: .* (?:of damaged|(?:remove|truncate) of log)$/u, { losesTail: true }],
  [/^recovering: .* remove of index$/u, { damages: ['cut: index', 'zeroed page: index'] }],
  [/^recovering: .* (?:index|index-folder|apache-checkpoint)$/u, { damages: ['all deleted: index'] }],
  [/^recovering: .* remove of timer-image$/u, { damages: Array.from({ length: 6 }, () => 'zeroed page: timer-run') }],
  [/^recovering: .* of timer-run$/u, { damages: ['all deleted: timer-image'] }],
  [/^running: .*\((?:half-)?moved\)$/u, { doesExpire: true, isRetentionEager: true }],
  [
    /^running: .* (?:(?:remove|list) of (?:log|queue|queue-folder|index)|size of queue)$/u,
    { doesExpire: true, areQueueFilesSmall: true },
  ],
  [/^stopping: .* of queue$/u, { areQueueFilesSmall: true }],
  [
    /^recovering: .* sync of unit-pack$/u,
    { damages: ['all deleted: queue', 'all deleted: index'], areQueueFilesSmall: true },
  ],
  [
    /^recovering: .* (?:make-folder|sync|sync-folder|write) of unit-pack(?:-folder)?$/u,
    { damages: ['all deleted: queue'], areQueueFilesSmall: true },
  ],
  [/ of unit-pack(?:-folder)?$/u, { areQueueFilesSmall: true }],
]

/** Of some seeds, whatever step they wait for. */
export const LATE_STATES: Circumstances = { doesExpire: true, areStatesLate: true }

/** Those of a step; none where it needs none. */
export function circumstancesOf(step: string | undefined): Circumstances {
  return KNOWN.find(([pattern]) => step !== undefined && pattern.test(step))?.[1] ?? {}
}
