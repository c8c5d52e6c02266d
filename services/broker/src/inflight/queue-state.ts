// One queue as a group consumes it: positions, heads of its entry lists, its ledger. The entries are in the broker-wide
// table. Invariant: offsets in [low mark, cursor) without an entry are settled, so settled ranges need no table.
import { Buffer } from 'node:buffer'
import type { Batch, QueueRef, QueueState } from './api.ts'
import type { Ledger } from './ledger.ts'
import type { MessageLines } from './message-lines.ts'
import type { ReadyQueues } from './ready-queues.ts'

/** The only writer's view of a `QueueState`. */
export class LiveQueue implements QueueState {
  readonly topic: string
  readonly incarnation: number
  readonly group: string
  readonly queueId: number
  /** Number of the queue within the broker while it lives; owner of its entries. */
  readonly index: number
  readonly ledger: Ledger
  /** Ready bits of all queues of the same group and topic. */
  readonly readyQueues: ReadyQueues
  /** Names as every journal record that touches the queue spells them. */
  readonly topicBytes: Uint8Array
  readonly groupBytes: Uint8Array

  cursor = 0
  epoch = 0
  attemptId = ''
  /** Of pops by message group, the oldest first; some may have nothing in flight any more. */
  batches: readonly Batch[] = []
  lines: MessageLines | undefined = undefined
  /** Somebody wants to know when nothing is in flight any more. In memory only. */
  inOrder = false
  ready = 0
  inFlight = 0
  dropped = false

  /** Entries (slots), ascending by block: first and last, −1 when there is none. */
  head = -1
  tail = -1
  /** Ready entries in the order of their release. */
  readyHead = -1
  readyTail = -1
  entries = 0

  /** Number of the queue within the journal record that is being written, valid for `journalRecord` only. */
  journalIndex = 0
  journalRecord = -1

  /** Its place in the snapshot that is under way, where its state is still to be taken; else −1. */
  imagePlace = -1

  constructor(ref: QueueRef, index: number, ledger: Ledger, readyQueues: ReadyQueues) {
    this.topic = ref.topic
    this.incarnation = ref.incarnation
    this.group = ref.group
    this.queueId = ref.queueId
    this.index = index
    this.ledger = ledger
    this.readyQueues = readyQueues
    this.topicBytes = Buffer.from(ref.topic)
    this.groupBytes = Buffer.from(ref.group)
  }

  /** What is known of its messages' groups is not right, or of no use, any more. */
  closeLines(): void {
    this.lines?.forget()
    this.lines = undefined
  }
}
