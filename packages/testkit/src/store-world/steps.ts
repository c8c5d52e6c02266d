// Names of the steps at which a broker can be killed: what it is doing, to which kind of file, before or after. They come
// from the calls that the disk sees, so production code knows nothing of them.
import type { DiskCall } from '../sim/index.ts'

/** What the broker as a whole is doing. */
export type Phase = 'recovering' | 'running' | 'stopping'
/** Side of a call on which the broker ends. */
export type Side = 'before' | 'after'

const KINDS: readonly (readonly [kind: string, path: RegExp])[] = [
  ['log', /^\/commitlog\/\d{20}$/u],
  ['log-folder', /^\/commitlog$/u],
  ['queue', /^\/consumequeue\/[^/]+\/\d+\/\d{20}$/u],
  ['queue-folder', /^\/consumequeue(?:\/[^/]+(?:\/\d+)?)?$/u],
  ['unit-pack', /^\/unit-packs\/pack-\d+$/u],
  ['unit-pack-folder', /^\/unit-packs$/u],
  ['index', /^\/index\/\d+$/u],
  ['index-folder', /^\/index$/u],
  ['abort', /^\/abort$/u],
  ['apache-checkpoint', /^\/checkpoint(?:\.tmp)?$/u],
  ['queue-checkpoint', /^\/queue-checkpoint\.[^/]+$/u],
  ['flushed-mark', /^\/flushed\.[^/]+$/u],
  ['last-writer', /^\/last-writer\.[^/]+$/u],
  ['reserve', /^\/reserve$/u],
  ['timer-image', /^\/timer\/image\.[^/]+$/u],
  ['timer-run', /^\/timer\/run-\d+$/u],
  ['timer-folder', /^\/timer$/u],
  ['damaged', /^\/damaged(?:\/.*)?$/u],
  ['start-cache', /^\/config\/broker-start\.[^/]+$/u],
  [
    'mirror',
    /^\/config\/(?:topics|subscriptionGroup|consumerOffset|consumerOrderInfo|delayOffset)\.json(?:\.tmp|\.bak)?$/u,
  ],
  ['timer-progress', /^\/config\/timercheck(?:\.tmp)?$/u],
  ['config-folder', /^\/config$/u],
  ['foreign-folder', /^\/(?:kvStore|RocksDBMessageStore|config\/(?:rdb|topics|subscriptionGroups|consumerOffsets))$/u],
  ['folder', /^$/u],
]

/** Calls that leave something on the disk: the moment after them is another than the one before. */
const CHANGES: ReadonlySet<DiskCall> = new Set([
  'open',
  'write',
  'sync',
  'truncate',
  'rename',
  'remove',
  'make-folder',
  'sync-folder',
])

/** Kind of a file below the root of a store; 'other' for what nobody has named yet. */
export function fileKindOf(root: string, path: string): string {
  const inside = path.startsWith(root) ? path.slice(root.length) : path
  return KINDS.find(([, pattern]) => pattern.test(inside))?.[0] ?? 'other'
}

/** What bytes of the log are for, where that is known. */
export type LogPurpose =
  | 'messages'
  | 'settings'
  | 'states'
  | 'zeros'
  | 'held'
  | 'due'
  | 'moved'
  | 'recall'
  | 'half'
  | 'half-moved'
  | 'commit'
  | 'rollback'
  | 'decided'
  | 'given-up'

export interface StepParts {
  readonly phase: Phase
  readonly side: Side
  readonly call: DiskCall
  readonly kind: string
  readonly purpose?: LogPurpose | undefined
}

/** As in 'running: before write of log (messages)'; undefined where nothing can have happened since the side before. */
export function stepOf({ phase, side, call, kind, purpose }: StepParts): string | undefined {
  if (side === 'after' && !CHANGES.has(call)) return undefined
  const about = purpose === undefined ? '' : ` (${purpose})`
  return `${phase}: ${side} ${call} of ${kind}${about}`
}
