// The body of a journal record (system topic rmq_sys_INFLIGHT_LOG), version 1. All numbers are varints but for masks
// (int32) and F (double). Names stand once per record: a queue is declared when first touched and selected by number.
//
//   version · F · operations as they happened · full states as of the record's end · markers
//
// Replay applies them in this order. So a state says what holds after all operations of its own record and of every
// record before; operations of a queue whose state has not been read yet are skipped, and none is applied twice.

export const JOURNAL_VERSION = 1
/** Version and F. */
export const JOURNAL_HEADER_BYTES = 9

/** Codes of the operations. Numbers are never used again for something else. */
export const Op = {
  /** topic · incarnation · group · queueId; selects it and gives it the next number of the record. */
  declareQueue: 1,
  /** number */
  selectQueue: 2,
  /** offset: the selected queue has a state from here on. */
  start: 3,
  /** from · to − from · popTime · invisibleMs · windows (count, each block − last, mask) · damaged (count, each from − last, length) */
  popNext: 4,
  /** popTime · invisibleMs · windows (count, each block, mask) */
  popReady: 5,
  /** mask · block · popTime */
  ack: 6,
  /** offset · popTime · newPopTime − popTime · invisibleMs */
  change: 7,
  /** mask · block · popTime: ready again */
  release: 8,
  /** offset · popTime · deadline */
  postpone: 9,
  /** offset · popTime · bucket */
  settle: 10,
  /** min */
  retain: 11,
  /** max */
  clamp: 12,
  /** kind · name · incarnation · payload */
  setting: 13,
  /** length · state record */
  state: 14,
  /** base of the segment whose states are complete */
  statesComplete: 15,
  /** offset · popTime · invisibleMs: goes on here, claimed as it was elsewhere; what lies before it and was never delivered is ready */
  claim: 16,
  /** name: the attempt that the latest pop in order took messages for */
  attempt: 17,
  /** from · to − from · windows as in popNext · damaged as there: what was visited waits for its turn, without a delivery */
  park: 18,
  /** name · popTime · offsets (count, each − last): what a pop by message group took for the attempt */
  batch: 19,
  /** offset: nothing is in flight or ready any more, and this one is next */
  reset: 20,
  /** name: who gets what the pops and changes behind it are about, '' where that is not known. Of the record, not of a queue */
  client: 21,
} as const

/** Kinds of settings by their code. */
export const SETTING_KINDS = [
  'topic-created',
  'topic-changed',
  'topic-deleted',
  'topic-state',
  'group-created',
  'group-changed',
  'group-deleted',
  'group-state',
  'kept',
  'queue-end',
] as const
