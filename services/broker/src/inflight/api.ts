// What the broker asks of its in-flight core. Pure: no IO and no clock, times come as arguments (wall milliseconds).
// Everything that changes state is called inside a job of a Turn and is recorded for the Turn's journal record.
import type { MqErrorCode } from '@rocketmq-ts/model'
import type { AdoptedQueue } from './adopted-queue.ts'
import type { InOrder, QueueLines } from './in-order-api.ts'

export type * from './adopted-queue.ts'
export type * from './in-order-api.ts'

/** Names of the ledger's buckets, in the order in which they are stored. 'scheduled': a copy goes on in a retry topic. */
export const BUCKETS = [
  'beforeStart',
  'skipped',
  'filtered',
  'waiting',
  'ready',
  'inFlight',
  'scheduled',
  'acked',
  'dead',
  'expired',
  'recalled',
  'rolledBack',
  'deleted',
  'damaged',
] as const
export type Bucket = (typeof BUCKETS)[number]

/** Buckets a single claimed message can end in. */
export type SettledBucket = Exclude<Bucket, 'beforeStart' | 'waiting' | 'ready' | 'inFlight'>

/** Bounds of the core. At each one there is a defined answer, see the functions that name them. */
export interface InflightLimits {
  /**
   * Entries (popped batches of up to 32 neighbours) per queue and group; at it `room` is 0. Splits of batches may take
   * as many again, then a change is answered 'full': so a full state fits into one record.
   */
  readonly entriesPerQueue: number
  /** Entries of the whole broker; at it `room` is 0. */
  readonly entriesPerBroker: number
  /** Entries beyond `entriesPerBroker` that splits may still take; then a change is answered 'full'. */
  readonly splitReserve: number
}

export const INFLIGHT_LIMITS: InflightLimits = {
  entriesPerQueue: 100_000,
  entriesPerBroker: 2_000_000,
  splitReserve: 500_000,
}

/** Longest name of an attempt in bytes; clients send 36. */
export const ATTEMPT_ID_BYTES_MAX = 255

/** Longest name of a client in bytes; what is longer is cut. */
export const CLIENT_BYTES_MAX = 255

/** Highest queue id the core accepts. */
export const QUEUE_ID_MAX = 65_535

/** Names one queue of one life of a topic, for one group. */
export interface QueueRef {
  readonly topic: string
  /** Commit log offset of the record that created the topic. */
  readonly incarnation: number
  readonly group: string
  /** 0 … `QUEUE_ID_MAX` */
  readonly queueId: number
}

/** One queue as a group consumes it. The object is the handle for every call; it stays the same until `dropped`. */
export interface QueueState extends QueueRef {
  /** Next queue offset that was never delivered. */
  readonly cursor: number
  /** Grows with every reset; handles from before mean nothing afterwards. */
  readonly epoch: number
  /** Messages that are ready to be delivered again. */
  readonly ready: number
  /** Messages that were popped and neither settled nor released, those pending for the dead-letter topic included. */
  readonly inFlight: number
  /** Rows it has in the entry table: what a walk of `ledger` visits. */
  readonly entries: number
  /** The attempt that the latest pop in order named, '' without one: who names it again gets that batch again. */
  readonly attemptId: string
  /** By message group, where a pop has asked for it. In memory only. */
  readonly lines: QueueLines | undefined
  /** The topic or group is gone: every call that would act on it does nothing. */
  readonly dropped: boolean
}

/** A group in a topic. The object stays the same as long as it has queues. */
export interface GroupState {
  readonly topic: string
  readonly group: string
  /** Ascending by queue id. */
  readonly queues: readonly QueueState[]
}

/** What tells a single delivery of a message apart; carried by copies (dead-letter, retry) of the message. */
export interface Origin extends QueueRef {
  readonly offset: number
  readonly popTime: number
}

/** [from, to) in queue offsets. */
export interface OffsetRange {
  readonly from: number
  readonly to: number
}

/** What a scan of the consume queue from the cursor on found. */
export interface NextPop {
  /** From `nextPopTime`, one for all queues of a request. */
  readonly popTime: number
  readonly invisibleMs: number
  /** One past the last visited offset: the new cursor. */
  readonly to: number
  /** Offsets to deliver, ascending, within [cursor, to). All other visited ones count as filtered … */
  readonly taken: readonly number[]
  /** … but for these ascending, disjoint ranges (fillers of damaged records), which count as damaged. */
  readonly damaged?: readonly OffsetRange[]
}

/** Messages delivered again, parallel arrays in delivery order. */
export interface ReadyPop {
  readonly offsets: readonly number[]
  /** Number of this delivery, ≥ 2 (the first one is 1): `reconsumeTimes` of the reply is one less. */
  readonly attempts: readonly number[]
}

/** Answer to a change of the invisible time. 'no-op' is a success for the client. */
export type Changed =
  | { readonly kind: 'changed'; readonly popTime: number; readonly deadlineMs: number; readonly released: boolean }
  | { readonly kind: 'no-op' }
  | { readonly kind: 'full' }

/** The latest delivery of a message that is not settled. */
export interface Delivery {
  readonly queue: QueueState
  readonly offset: number
  readonly popTime: number
  /** Deliveries made. */
  readonly attempts: number
}

/** The same, and how long nobody else may get it. */
export interface PendingDelivery extends Delivery {
  /** Undefined when it was released. */
  readonly deadlineMs: number | undefined
}

/** A message whose attempts are used up. It stays claimed: the caller copies it and calls `settle`. */
export type DeadCandidate = Delivery

export interface Expired {
  /** Messages that became ready again. */
  readonly released: number
  /** Queues that had no ready message before and have now: wake their pops. */
  readonly readied: readonly QueueState[]
  readonly dead: readonly DeadCandidate[]
  /** More is due than the bound let through: call again in the next Turn. */
  readonly more: boolean
}

export type SettingKind =
  | 'topic-created'
  | 'topic-changed'
  | 'topic-deleted'
  | 'topic-state'
  | 'group-created'
  | 'group-changed'
  | 'group-deleted'
  | 'group-state'
  | 'kept'
  | 'queue-end'

/**
 * A change to topics or groups as the journal keeps it. '-state' entries repeat live settings at a segment roll. 'kept' is
 * what is kept for another broker, by the name of its file. 'queue-end' says where a queue of
 * a topic ends; it is for the start of the store.
 */
export interface SettingEntry {
  readonly kind: SettingKind
  readonly name: string
  /**
   * Of the topic; 0 for groups. For 'topic-created' it is the commit log offset of the journal record itself: pass 0,
   * `replay` fills it in.
   */
  readonly incarnation: number
  /** Opaque to the journal; the owner's JSON, at most `SETTING_PAYLOAD_BYTES_MAX` bytes. */
  readonly payload: string
}

export const SETTING_PAYLOAD_BYTES_MAX = 1_048_576

/** What one journal record held, besides what it changed in the core. */
export interface Replayed {
  /** F: everything below was flushed when the record was written. */
  readonly provenFlushed: number
  /** In order; 'topic-created' with its incarnation filled in. */
  readonly settings: readonly SettingEntry[]
  /** Segment bases whose states are complete at this record. */
  readonly statesComplete: readonly number[]
  readonly applied: number
  /** Entries without effect: of older incarnations, or of queues whose state has not been read yet. */
  readonly ignored: number
}

export interface LedgerReport {
  readonly buckets: Readonly<Record<Bucket, number>>
  /** All buckets together, which must be `max`. */
  readonly sum: number
  /** Counts and digests add up to [0, max), and the live buckets agree with the entries. */
  readonly balanced: boolean
  /** Names what does not add up; empty when balanced. */
  readonly faults: readonly string[]
}

/** All states as they were at its begin, whatever changes meanwhile. */
export interface Snapshot {
  /** Takes states of about so many bytes, one at least. True when it has all. Call it in a job, as often as the pace wants. */
  step(bytesMax: number): boolean
  /** Once it has all. */
  encode(): Uint8Array
  /** Nobody wants it any more. */
  end(): void
}

/** How a pop is refused: names the bound, for the metric. */
export type FullReason = 'queue-entries' | 'broker-entries' | 'look-ahead'

export interface Inflight extends InOrder {
  // — queues —
  /** The state of the topic's current incarnation; undefined when the group has not started there. */
  queue(topic: string, group: string, queueId: number): QueueState | undefined
  /** All states of a group in a topic, ascending by queue id. */
  queuesOf(topic: string, group: string): readonly QueueState[]
  /** Topics that the group has states in. */
  topicsOf(group: string): Iterable<string>
  /** Groups that have states in the topic. */
  groupsIn(topic: string): Iterable<string>
  /** All live states. */
  all(): Iterable<QueueState>
  /** The same, by topic and group. */
  groups(): Iterable<GroupState>
  /**
   * The group starts at `offset`: everything before counts as before-start. States of older incarnations of the topic
   * are dropped. Asserts that the queue has no state. Hold the reply until flushed.
   */
  start(queue: QueueRef, offset: number): QueueState
  /**
   * The queue as another broker left it, in place of what was known. When the entries reach their bound, the cursor stays
   * in front of the first delivery that has no room: it is made again.
   */
  adopt(queue: QueueRef, adopted: AdoptedQueue): QueueState
  /** First offset that is not settled: what offset files show. */
  lowMark(queue: QueueState): number
  /** max − cursor + ready + in flight. */
  lag(queue: QueueState, max: number): number

  // — pop —
  /**
   * The pop time of a request: `nowMs`, or later so that it is above that of any delivery which was released before.
   * Hence it strictly grows per offset. Taken once for all queues of a request. Changes nothing.
   */
  nextPopTime(nowMs: number): number
  /** The pop time of a request that takes over deliveries: above that of every delivery there was. Changes nothing. */
  nextPopTimeOfAll(nowMs: number): number
  /** Messages a pop may take without passing a bound; 0 answers the pop as empty, see `fullReason`. */
  room(queue: QueueState): number
  fullReason(queue: QueueState): FullReason | undefined
  /** A queue id with ready messages, the first at or cyclically after `from`; undefined when there is none. */
  readyQueueId(topic: string, group: string, from: number): number | undefined
  /**
   * Takes up to `max` released messages, those first that were released first, or the lowest ones where `inOrder` is set.
   * `fits` is asked for each one before it is taken; false ends the pop in front of it.
   */
  popReady(
    queue: QueueState,
    pop: {
      readonly popTime: number
      readonly invisibleMs: number
      readonly max: number
      readonly inOrder?: boolean
      readonly fits?: (offset: number) => boolean
    },
  ): ReadyPop
  /**
   * Moves the cursor to `to` and claims what was taken (attempt 1). Asserts `taken.length ≤ room`, the order of the
   * offsets and a `to` not before the cursor. Call it also when nothing was taken: filtered units are passed for good.
   */
  popNext(queue: QueueState, pop: NextPop): void

  /**
   * What `pop` takes, from any queues, is for this client, '' where nobody knows. It changes nothing but what a trace of the
   * messages tells.
   */
  deliverTo<Result>(client: string, pop: () => Result): Result

  // — settle —
  /** Settles one delivery. False: no equal (offset, popTime) is in flight, which is a success for the client. */
  ack(queue: QueueState, offset: number, popTime: number): boolean
  /**
   * A new pop time and deadline for one delivery. `invisibleMs` 0 releases at once: ready again, the attempt counted
   * (attempts used up: due for `expire`). 'full': the batch can not be split, see `InflightLimits`. Java:
   * ChangeInvisibleTimeProcessor, without its resurrection of acked messages.
   */
  changeInvisible(
    queue: QueueState,
    offset: number,
    popTime: number,
    change: { readonly nowMs: number; readonly invisibleMs: number },
  ): Changed
  /**
   * Settles one delivery into another bucket (a copy was made, it is unreadable), also where it was released since.
   * Journaled.
   */
  settle(queue: QueueState, offset: number, popTime: number, into: SettledBucket): boolean

  // — expiry —
  /** Earliest deadline in flight. */
  nextDeadline(): number | undefined
  /** Releases what is due, at most about `max` messages (whole entries), and hands out used-up ones. */
  expire(nowMs: number, max: number): Expired
  /** Whether a candidate still waits for its copy. Ask in the Turn that appends it; an ack may have come first. */
  isDeadPending(queue: QueueState, offset: number, popTime: number): boolean
  /**
   * The copy of a message was appended in this Turn, with this delivery as its origin: the copy is the settle, nothing
   * else is journaled. False when there is no such delivery (then no copy must be appended).
   */
  settleByCopy(queue: QueueState, offset: number, popTime: number, into: SettledBucket): boolean
  /** The caller knows that the attempts of a claimed message are used up: a candidate, as if it had expired so. */
  giveUp(queue: QueueState, offset: number, popTime: number): boolean
  /** The copy could not be made now (disk full): the candidate becomes due again at `deadlineMs`. */
  postpone(queue: QueueState, offset: number, popTime: number, deadlineMs: number): boolean
  /** On replay, for every copy record in log order: settles its origin. Idempotent; unknown origins are no-ops. */
  applyOrigin(origin: Origin, into: SettledBucket): boolean

  /** The `max` lowest messages that are in flight, pending for a copy, or ready; ascending. */
  oldest(queue: QueueState, max: number): readonly PendingDelivery[]
  /** Whether this is still the latest delivery of the message, and it is not settled. */
  isLive(delivery: Delivery): boolean

  /**
   * A delivery of another queue goes on here, at an offset that was never delivered: it is in flight with the same pop
   * time until the same deadline. Waiting messages before it become ready, without a delivery. False, and nothing changes,
   * when it or those have no room, or the offset was delivered already.
   */
  claim(queue: QueueState, offset: number, delivery: { readonly popTime: number; readonly deadlineMs: number }): boolean
  /** The delivery of the message that is neither settled nor released. */
  deliveryAt(queue: QueueState, offset: number): Delivery | undefined
  /** The latest delivery of the message, released or not, while it is not settled. */
  pendingAt(queue: QueueState, offset: number): PendingDelivery | undefined
  /** Whether some delivery of the message is neither settled nor released. */
  isInFlight(queue: QueueState, offset: number): boolean

  // — bounds of the queue —
  /** Retention removed everything below `min`: waiting and claimed messages there count as expired. */
  retain(queue: QueueState, min: number): boolean
  /** After recovery: nothing at or beyond `max` exists. Moves cursor and low mark back and drops entries. */
  clamp(queue: QueueState, max: number): boolean
  /**
   * The group goes on at `to`, at most the max of the queue: what is in flight or ready is forgotten, handles given before
   * do nothing any more. Hold the reply until flushed.
   */
  reset(queue: QueueState, to: number): void
  /** Adds the messages of every bucket, in the order of `BUCKETS`, to `into`. Visits no entry. */
  addCounts(queue: QueueState, max: number, into: Float64Array): void
  /** The books of the queue, checked against [0, max) and against its entries, which it walks. */
  ledger(queue: QueueState, bounds: { readonly max: number }): LedgerReport

  // — journal —
  /**
   * Records a change of topics and groups, and drops the states of what is created anew or deleted. For
   * 'topic-created' call `takeChanges` and append at once: the place of that record is the incarnation.
   */
  recordSetting(setting: SettingEntry): void
  /** Live messages (ready or in flight) that went with dropped states since the start. */
  readonly deletedMessages: number
  /** Bytes `takeChanges` would have at least. */
  readonly changesBytes: number
  /**
   * Everything since the last call as the body of one journal record; undefined when nothing changed. Called at the
   * seal of a Turn. Order inside: deltas and settings as they happened, then full states as of now, then markers. When
   * the log refuses records, call it all the same and forget the bytes: the changes are in memory only then.
   */
  takeChanges(journal: { readonly provenFlushed: number }): Uint8Array | undefined
  /** Applies a journal record. Throws MqError 'damaged' on bytes that are no journal record, which then changed nothing. */
  replay(body: Uint8Array, commitLogOffset: number): Replayed

  // — full states —
  /** A segment started at `segmentBase`: all live states are to be written once more. Replaces an unfinished roll. */
  beginRoll(segmentBase: number): void
  /** A roll is under way. */
  readonly rolling: boolean
  /**
   * Adds full states to this Turn's record until about `bytesMax` bytes (at least one state); the last one is followed
   * by 'states-complete'. True when the roll is complete. Call it in a job, as often as the pace wants.
   */
  rollStep(bytesMax: number): boolean

  // — start-up cache —
  /**
   * All states as of now, to be taken in steps; one at a time, another one that is under way ends. Call `takeChanges` just
   * before, so that the snapshot covers the log up to that record's end.
   */
  beginSnapshot(): Snapshot
  /** Into an empty core. Throws MqError 'damaged'; then the core is still empty. */
  restoreSnapshot(bytes: Uint8Array): void
}

/** The code of every error that bytes from disk can cause here. */
export const DAMAGED: MqErrorCode = 'damaged'
