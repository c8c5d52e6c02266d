// Applies journal records to the state, through the same transitions as the live calls.
// Invariant: a record is checked as a whole before its first operation is applied.
import type { Batch, OffsetRange, QueueRef, Replayed, SettingEntry } from '../api.ts'
import { BucketId } from '../ledger.ts'
import type { LiveQueue } from '../queue-state.ts'
import { resetQueue } from '../reset.ts'
import type { DecodedState } from '../state-record.ts'
import type { Transitions } from '../transitions.ts'
import type { Windows } from '../windows.ts'
import { decodeJournal } from './decode.ts'
import type { JournalSink } from './decode.ts'

const CHECK_ONLY: JournalSink = {
  declareQueue() {},
  selectQueue() {},
  start() {},
  popNext() {},
  popReady() {},
  ack() {},
  change() {},
  release() {},
  postpone() {},
  settle() {},
  claim() {},
  attempt() {},
  park() {},
  batch() {},
  client() {},
  retain() {},
  clamp() {},
  reset() {},
  setting() {},
  state() {},
  statesComplete() {},
}

class ReplaySink implements JournalSink {
  applied = 0
  ignored = 0
  readonly settings: SettingEntry[] = []
  readonly completed: number[] = []
  readonly #transitions: Transitions
  readonly #place: number
  readonly #declared: QueueRef[] = []
  #ref: QueueRef | undefined
  #queue: LiveQueue | undefined

  constructor(transitions: Transitions, place: number) {
    this.#transitions = transitions
    this.#place = place
  }

  #count(applied: boolean): void {
    if (applied) this.applied += 1
    else this.ignored += 1
  }

  declareQueue(queue: QueueRef): void {
    this.#declared.push(queue)
    this.selectQueue(this.#declared.length - 1)
  }

  selectQueue(number: number): void {
    this.#ref = this.#declared[number]
    this.#queue = this.#transitions.registry.exact(this.#ref!)
  }

  start(offset: number): void {
    const started = this.#transitions.start(this.#ref!, offset)
    if (started !== undefined) this.#queue = started
    this.#count(started !== undefined)
  }

  /** Applies to the selected queue, if it has a state. */
  #apply(change: (queue: LiveQueue, transitions: Transitions) => boolean): void {
    const queue = this.#queue
    this.#count(queue !== undefined && !queue.dropped && change(queue, this.#transitions))
  }

  popNext(
    pop: OffsetRange & { popTime: number; invisibleMs: number },
    taken: Windows,
    damaged: readonly OffsetRange[],
  ) {
    this.#apply((queue, transitions) => transitions.popNext(queue, pop, taken, damaged))
  }

  popReady(popTime: number, invisibleMs: number, windows: Windows): void {
    this.#apply((queue, transitions) => transitions.popReady(queue, popTime, invisibleMs, windows))
  }

  ack(block: number, mask: number, popTime: number): void {
    this.#apply((queue, transitions) => transitions.settle(queue, block, mask, popTime, BucketId.acked) > 0)
  }

  change(offset: number, popTime: number, newPopTime: number, invisibleMs: number): void {
    this.#apply((queue, transitions) => transitions.change(queue, offset, popTime, newPopTime, invisibleMs))
  }

  release(block: number, mask: number, popTime: number): void {
    this.#apply((queue, transitions) => transitions.release(queue, block, mask, popTime) > 0)
  }

  postpone(offset: number, popTime: number, deadline: number): void {
    this.#apply((queue, transitions) => transitions.postpone(queue, offset, popTime, deadline))
  }

  settle(offset: number, popTime: number, bucket: number): void {
    this.#apply((queue, transitions) => transitions.settleDelivery(queue, offset, popTime, bucket))
  }

  claim(offset: number, popTime: number, deadline: number): void {
    this.#apply((queue, transitions) => transitions.claim(queue, offset, popTime, deadline))
  }

  attempt(attemptId: string): void {
    this.#apply((queue, transitions) => {
      transitions.noteAttempt(queue, attemptId)
      return true
    })
  }

  park(visited: OffsetRange, waiting: Windows, damaged: readonly OffsetRange[]): void {
    this.#apply((queue, transitions) => transitions.park(queue, visited, waiting, damaged))
  }

  batch(batch: Batch): void {
    this.#apply((queue, transitions) => {
      transitions.noteBatch(queue, batch)
      return true
    })
  }

  /** Of no meaning to the state. */
  client(): void {}

  retain(min: number): void {
    this.#apply((queue, transitions) => transitions.retain(queue, min))
  }

  clamp(max: number): void {
    this.#apply((queue, transitions) => transitions.clamp(queue, max))
  }

  reset(to: number): void {
    this.#apply((queue, transitions) => {
      resetQueue(transitions, queue, to)
      return true
    })
  }

  setting(setting: SettingEntry): void {
    const placed = setting.kind === 'topic-created' ? { ...setting, incarnation: this.#place } : setting
    this.settings.push(placed)
    applySetting(this.#transitions, placed)
    this.applied += 1
  }

  state(state: DecodedState): void {
    this.#count(this.#transitions.restore(state))
  }

  statesComplete(segmentBase: number): void {
    this.completed.push(segmentBase)
  }
}

/** What a change of topics and groups means for their queues. `setting.incarnation` is filled in. */
export function applySetting(transitions: Transitions, setting: SettingEntry): void {
  if (setting.kind === 'topic-created' || setting.kind === 'topic-state') {
    transitions.dropTopic(setting.name, setting.incarnation)
  } else if (setting.kind === 'topic-deleted') transitions.dropTopic(setting.name, setting.incarnation + 1)
  else if (setting.kind === 'group-deleted') transitions.dropGroup(setting.name)
}

/**
 * Applies one record. `place` is its commit log offset: the incarnation of topics it creates. Throws MqError 'damaged'
 * before anything is applied when the bytes are no journal record.
 */
export function replayJournal(transitions: Transitions, body: Uint8Array, place: number): Replayed {
  decodeJournal(body, CHECK_ONLY)
  const sink = new ReplaySink(transitions, place)
  const provenFlushed = decodeJournal(body, sink)
  transitions.entries.clearFresh()
  return {
    provenFlushed,
    settings: sink.settings,
    statesComplete: sink.completed,
    applied: sink.applied,
    ignored: sink.ignored,
  }
}
