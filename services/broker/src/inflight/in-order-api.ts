// What groups that consume in order ask of the in-flight core.
import type { OffsetRange, QueueState, ReadyPop } from './api.ts'

/** What must be known of a message to keep its message group in order. */
export interface LinedMessage {
  /** Hash of its message group; equal ones are held up together. */
  readonly group: number
  /** Bytes of its record. */
  readonly size: number
}

/** A message that was visited and waits for its turn. */
export interface VisitedMessage extends LinedMessage {
  readonly offset: number
}

/** The messages of a queue by message group. */
export interface QueueLines {
  /** Messages that may be given. */
  readonly givable: number
  /** What may be looked at behind the cursor, see `LOOK_AHEAD_OFFSETS_MAX`. */
  readonly room: { readonly messages: number; readonly bytes: number }
  /** Nobody has a message of this group. */
  gives(group: number): boolean
  /** A pop found nothing for want of room: `onFree` is told when some of the messages have left, one in 256 of many. */
  noteHeldUp(): void
}

/** The messages that a pop by message group took, for its attempt. */
export interface Batch {
  readonly attemptId: string
  readonly popTime: number
  /** Ascending. */
  readonly offsets: readonly number[]
}

interface Times {
  readonly popTime: number
  readonly invisibleMs: number
}

export interface InOrder {
  // — by queue —
  /**
   * Whether nobody has a message of the queue, so that a group that consumes in order may take the next ones. Asked for a
   * queue once, `onFree` is told from then on whenever its last message in flight is settled or released.
   */
  isFree(queue: QueueState): boolean
  /** A pop in order took messages for this attempt. Journaled. At most `ATTEMPT_ID_BYTES_MAX` bytes. */
  noteAttempt(queue: QueueState, attemptId: string): void
  /**
   * The answer to a pop in order was lost: what is in flight is delivered once more to the same attempt, ascending, with
   * the time of `nextPopTimeOfAll` and without counting. Nothing when the entries reach their bound.
   */
  popAgain(queue: QueueState, pop: Times): ReadyPop

  // — by message group —
  /**
   * The queue has lines from now on: `of` tells about every message that is ready or in flight. Undefined, and there are
   * none, where it does not know one, or there are too many. `onFree` is told when messages can be given that could not
   * be, and when nothing of the queue is in flight any more.
   */
  openLines(queue: QueueState, of: (offset: number) => LinedMessage | undefined): QueueLines | undefined
  /** Offsets that are ready or in flight, ascending, `LOOK_AHEAD_OFFSETS_MAX` + 1 at most. */
  liveOffsets(queue: QueueState): readonly number[]
  /**
   * Moves the cursor to `to`: visited messages wait in their lines, without a delivery. Others count as filtered, damaged
   * ones as damaged. Journaled. The queue has lines.
   */
  park(
    queue: QueueState,
    visited: {
      readonly to: number
      readonly waiting: readonly VisitedMessage[]
      readonly damaged: readonly OffsetRange[]
    },
  ): void
  /**
   * Takes up to `max` messages of lines that give some, ascending, for the attempt. `fits` is asked for each one before it
   * is taken; false ends the pop. Journaled.
   */
  popLines(
    queue: QueueState,
    pop: Times & { readonly max: number; readonly attemptId: string; readonly fits: (offset: number) => boolean },
  ): ReadyPop
  /** Whether the attempt took messages of the lines. */
  hasBatch(queue: QueueState, attemptId: string): boolean
  /** As `popAgain`, of what the attempt took of the lines and still has. */
  popBatchAgain(queue: QueueState, attemptId: string, pop: Times): ReadyPop
}
