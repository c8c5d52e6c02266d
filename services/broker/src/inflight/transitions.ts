// The only code that changes state: one method per kind of change, the same for a live call and for its replay. A
// transition that does not fit the state (a journal record before it was lost, an older incarnation) does what fits.
import type { Batch, OffsetRange, QueueRef } from './api.ts'
import { noteBatch } from './batches.ts'
import { lowestBit, popCount } from './digest.ts'
import { ATTEMPTS_MAX, BLOCK, EntryKind, EntryTable, bitOf, bitsBelow, blockOf } from './entries.ts'
import { BucketId, type Ledger, subtractTally, type Tally, tallyOfMask, tallyOfRange } from './ledger.ts'
import { QueueRegistry } from './queue-registry.ts'
import type { LiveQueue } from './queue-state.ts'
import type { DecodedState } from './state-record.ts'
import type { Windows } from './windows.ts'

/** A hole in the journal is closed by releasing what it popped, up to this many messages. */
export const GAP_OFFSETS_MAX = 65_536

export class Transitions {
  readonly entries = new EntryTable()
  readonly registry: QueueRegistry
  /** Every pop time given from now on is above: no released, reset or dropped delivery is ever equalled. */
  popTimeFloor = 0
  /** Highest pop time given. */
  popTimeMax = 0
  /** Live messages that went with dropped states. */
  deletedMessages = 0
  /** The snapshot that is under way. */
  image: { take(queue: LiveQueue): void; end(): void } | undefined = undefined
  /** A queue that is consumed in order has nothing in flight any more. */
  onFree: (queue: LiveQueue) => void = () => {}

  constructor(createLedger: () => Ledger) {
    this.registry = new QueueRegistry(createLedger)
  }

  /** Call it before anything of a state changes that its record tells: a snapshot that is under way takes it as it was. */
  changing(queue: LiveQueue): void {
    if (queue.imagePlace >= 0) this.image!.take(queue)
  }

  /** Undefined when the queue has a state already or the topic a newer incarnation. */
  start(ref: QueueRef, offset: number): LiveQueue | undefined {
    if (!this.#admit(ref) || this.registry.exact(ref) !== undefined) return undefined
    const queue = this.registry.add(ref)
    queue.cursor = offset
    queue.ledger.addRange(BucketId.beforeStart, 0, offset)
    return queue
  }

  /** Makes way for a state of the incarnation. False when it is of the past. */
  #admit(ref: QueueRef): boolean {
    this.dropTopic(ref.topic, ref.incarnation)
    const current = this.registry.incarnation(ref.topic)
    return current === undefined || current === ref.incarnation
  }

  popNext(
    queue: LiveQueue,
    pop: { readonly from: number; readonly to: number; readonly popTime: number; readonly invisibleMs: number },
    taken: Windows,
    damaged: readonly OffsetRange[],
  ): boolean {
    this.changing(queue)
    if (pop.to < queue.cursor || (pop.from !== queue.cursor && !this.#closeGap(queue, pop.from))) return false
    const { entries } = this
    const { ledger } = queue
    const deadline = pop.popTime + pop.invisibleMs
    let messages = 0
    for (let at = 0; at < taken.count; at += 1) {
      const block = taken.blocks[at]!
      const mask = taken.masks[at]!
      const slot = entries.append(queue, { block, mask, attempts: 1, popTime: pop.popTime, deadline })
      entries.markFresh(slot)
      entries.deadlines.push(slot)
      ledger.addMask(BucketId.inFlight, block * BLOCK, mask)
      messages += popCount(mask)
    }
    queue.inFlight += messages
    if (pop.to - pop.from > messages) ledger.addPassed(pop, taken, damaged)
    queue.cursor = pop.to
    if (messages > 0) this.#notePopTime(pop.popTime)
    return true
  }

  /** Visited messages wait for their turn: ready, without a delivery. */
  park(queue: LiveQueue, visited: OffsetRange, waiting: Windows, damaged: readonly OffsetRange[]): boolean {
    this.changing(queue)
    const { from, to } = visited
    if (to < queue.cursor || (from !== queue.cursor && !this.#closeGap(queue, from))) return false
    for (let at = 0; at < waiting.count; at += 1) this.#wait(queue, waiting.blocks[at]!, waiting.masks[at]!, 0)
    queue.ledger.addPassed(visited, waiting, damaged)
    queue.cursor = to
    return true
  }

  #wait(queue: LiveQueue, block: number, mask: number, attempts: number): void {
    const { entries } = this
    this.#makeReady(queue, entries.append(queue, { block, mask, attempts, popTime: 0, deadline: 0 }))
    queue.ledger.addMask(BucketId.ready, block * BLOCK, mask)
  }

  /**
   * A delivery of another queue goes on at an offset that was never delivered here: its record counts the deliveries. What
   * was passed over is ready, so that the cursor can move.
   */
  claim(queue: LiveQueue, offset: number, popTime: number, deadline: number): boolean {
    this.changing(queue)
    if (!this.#closeGap(queue, offset, 0)) return false
    const { entries } = this
    const block = blockOf(offset)
    const mask = bitOf(offset)
    const fields = { block, mask, attempts: 0, popTime, deadline }
    if (!entries.widen(queue, fields)) entries.deadlines.push(entries.append(queue, fields))
    entries.markFresh(queue.tail)
    queue.inFlight += 1
    queue.ledger.addMask(BucketId.inFlight, block * BLOCK, mask)
    queue.cursor = offset + 1
    this.#notePopTime(popTime)
    return true
  }

  /** What lost records popped counts as released: delivered twice perhaps, lost never. */
  #closeGap(queue: LiveQueue, from: number, attempts = 1): boolean {
    queue.closeLines()
    if (from === queue.cursor) return true
    if (from < queue.cursor || from - queue.cursor > GAP_OFFSETS_MAX) return false
    for (let block = blockOf(queue.cursor); block * BLOCK < from; block += 1) {
      this.#wait(queue, block, bitsBelow(block, from) & ~bitsBelow(block, queue.cursor), attempts)
    }
    queue.cursor = from
    return true
  }

  #notePopTime(popTime: number): void {
    if (popTime > this.popTimeMax) this.popTimeMax = popTime
  }

  /** Delivers released messages again. */
  popReady(queue: LiveQueue, popTime: number, invisibleMs: number, windows: Windows): boolean {
    const { entries } = this
    let taken = 0
    for (let at = 0; at < windows.count; at += 1) {
      const base = windows.blocks[at]! * BLOCK
      let rest = windows.masks[at]!
      while (rest !== 0) {
        const slot = entries.find(queue, base + lowestBit(rest))
        if (slot < 0 || entries.kind[slot] !== EntryKind.ready || entries.popTime[slot]! >= popTime) {
          rest &= rest - 1
          continue
        }
        const mask = rest & entries.mask[slot]!
        rest &= ~mask
        taken += this.takeReady(queue, slot, mask, popTime, popTime + invisibleMs)
      }
    }
    return taken > 0
  }

  /** Delivers messages of one ready row again; returns how many. */
  takeReady(queue: LiveQueue, slot: number, mask: number, popTime: number, deadline: number): number {
    this.changing(queue)
    const { entries } = this
    const whole = mask === entries.mask[slot]
    const target = whole ? slot : entries.split(queue, slot, mask)
    if (whole) entries.unlinkReady(queue, slot)
    entries.kind[target] = EntryKind.inFlight
    entries.attempts[target] = Math.min(entries.attempts[target]! + 1, ATTEMPTS_MAX)
    this.#give(target, popTime, deadline)
    const messages = popCount(mask)
    queue.ready -= messages
    queue.inFlight += messages
    if (queue.ready === 0) queue.readyQueues.clear(queue.queueId)
    queue.ledger.moveMask(BucketId.ready, BucketId.inFlight, entries.block[target]! * BLOCK, mask)
    queue.lines?.given(entries.block[target]!, mask)
    return messages
  }

  /** A pop time and deadline for a row that is in no heap. */
  #give(slot: number, popTime: number, deadline: number): void {
    const { entries } = this
    entries.popTime[slot] = popTime
    entries.deadline[slot] = deadline
    entries.markFresh(slot)
    entries.deadlines.push(slot)
    this.#notePopTime(popTime)
  }

  /** The row in which this delivery of the offset is claimed, −1 without one. */
  claimed(queue: LiveQueue, offset: number, popTime: number): number {
    const { entries } = this
    const slot = entries.find(queue, offset)
    return slot >= 0 && entries.kind[slot] !== EntryKind.ready && entries.popTime[slot] === popTime ? slot : -1
  }

  /** Settles deliveries of one block; returns how many. */
  settle(queue: LiveQueue, block: number, mask: number, popTime: number, into: number): number {
    let settled = 0
    let rest = mask
    while (rest !== 0) {
      const slot = this.claimed(queue, block * BLOCK + lowestBit(rest), popTime)
      if (slot < 0) {
        rest &= rest - 1
        continue
      }
      const found = rest & this.entries.mask[slot]!
      rest &= ~found
      settled += popCount(found)
      this.#removeLive(queue, slot, found, into)
    }
    return settled
  }

  /** Settles a delivery that was copied or is unreadable, whether it is claimed or was released since. */
  settleDelivery(queue: LiveQueue, offset: number, popTime: number, into: number): boolean {
    const slot = this.entries.find(queue, offset)
    if (slot < 0 || this.entries.popTime[slot] !== popTime) return false
    this.#removeLive(queue, slot, bitOf(offset), into)
    return true
  }

  #removeLive(queue: LiveQueue, slot: number, mask: number, into: number): void {
    this.changing(queue)
    const { entries } = this
    const isReady = entries.kind[slot] === EntryKind.ready
    queue.ledger.moveMask(isReady ? BucketId.ready : BucketId.inFlight, into, entries.block[slot]! * BLOCK, mask)
    const isFree = queue.lines?.removed(entries.block[slot]!, mask, isReady)
    this.#uncount(queue, isReady, popCount(mask))
    entries.drop(queue, slot, mask)
    if (isFree === true && (isReady || queue.inFlight > 0)) this.onFree(queue)
  }

  #uncount(queue: LiveQueue, isReady: boolean, messages: number): void {
    if (!isReady) this.#leaveFlight(queue, messages)
    else if ((queue.ready -= messages) === 0) queue.readyQueues.clear(queue.queueId)
  }

  #leaveFlight(queue: LiveQueue, messages: number): void {
    queue.inFlight -= messages
    if (queue.inFlight === 0 && (queue.inOrder || queue.lines !== undefined)) this.onFree(queue)
  }

  /** A row that holds the offset alone, taken out of the heap and in flight. */
  #isolate(queue: LiveQueue, slot: number, offset: number): number {
    this.changing(queue)
    const { entries } = this
    const bit = bitOf(offset)
    const target = entries.mask[slot] === bit ? slot : entries.split(queue, slot, bit)
    entries.deadlines.remove(target)
    entries.kind[target] = EntryKind.inFlight
    return target
  }

  change(queue: LiveQueue, offset: number, popTime: number, newPopTime: number, invisibleMs: number): boolean {
    const slot = this.claimed(queue, offset, popTime)
    if (slot < 0 || newPopTime <= popTime) return false
    this.#give(this.#isolate(queue, slot, offset), newPopTime, newPopTime + invisibleMs)
    return true
  }

  /** The name of the attempt that the newest pop in order was. */
  noteAttempt(queue: LiveQueue, attemptId: string): void {
    this.changing(queue)
    queue.attemptId = attemptId
  }

  /** What a pop by message group took. */
  noteBatch(queue: LiveQueue, batch: Batch): void {
    this.changing(queue)
    noteBatch(queue, this.entries, batch)
  }

  /** Pending for its copy; in memory only, as after an expiry. */
  giveUp(queue: LiveQueue, offset: number, popTime: number): boolean {
    const slot = this.claimed(queue, offset, popTime)
    if (slot < 0 || queue.dropped) return false
    this.entries.kind[this.#isolate(queue, slot, offset)] = EntryKind.deadPending
    return true
  }

  /** Moves a deadline without a new delivery. */
  postpone(queue: LiveQueue, offset: number, popTime: number, deadline: number): boolean {
    const slot = this.claimed(queue, offset, popTime)
    if (slot < 0) return false
    const target = this.#isolate(queue, slot, offset)
    this.entries.deadline[target] = Math.max(deadline, popTime)
    this.entries.deadlines.push(target)
    return true
  }

  /** Deliveries of one block ended without an answer: ready again, at the end of the line. Returns how many. */
  release(queue: LiveQueue, block: number, mask: number, popTime: number): number {
    this.changing(queue)
    const { entries } = this
    let released = 0
    let rest = mask
    while (rest !== 0) {
      const slot = this.claimed(queue, block * BLOCK + lowestBit(rest), popTime)
      if (slot < 0) {
        rest &= rest - 1
        continue
      }
      const found = rest & entries.mask[slot]!
      rest &= ~found
      const messages = popCount(found)
      const target = found === entries.mask[slot] ? slot : entries.split(queue, slot, found)
      entries.deadlines.remove(target)
      this.#makeReady(queue, target)
      queue.ledger.moveMask(BucketId.inFlight, BucketId.ready, block * BLOCK, found)
      if (popTime > this.popTimeFloor) this.popTimeFloor = popTime
      this.#leaveFlight(queue, messages)
      if (queue.lines?.released(block, found) === true && queue.inFlight > 0) this.onFree(queue)
      released += messages
    }
    return released
  }

  #makeReady(queue: LiveQueue, slot: number): void {
    const { entries } = this
    entries.kind[slot] = EntryKind.ready
    entries.linkReady(queue, slot)
    if (queue.ready === 0) queue.readyQueues.set(queue.queueId)
    queue.ready += entries.size(slot)
  }

  /** Nothing below `min` exists any more. */
  retain(queue: LiveQueue, min: number): boolean {
    this.changing(queue)
    const { entries } = this
    let changed = false
    let slot = queue.head
    while (slot >= 0 && entries.block[slot]! * BLOCK < min) {
      const after = entries.next[slot]!
      const mask = entries.mask[slot]! & bitsBelow(entries.block[slot]!, min)
      if (mask !== 0) {
        this.#removeLive(queue, slot, mask, BucketId.expired)
        changed = true
      }
      slot = after
    }
    if (queue.cursor >= min) return changed
    queue.ledger.addRange(BucketId.expired, queue.cursor, min)
    queue.cursor = min
    return true
  }

  /** Nothing at or beyond `max` exists. Old pop times of these offsets are never given again. */
  clamp(queue: LiveQueue, max: number): boolean {
    if (queue.cursor <= max) return false
    this.changing(queue)
    const { entries } = this
    queue.closeLines()
    const vanished = tallyOfRange(max, queue.cursor)
    const tally: Tally = { count: 0, sum: 0, squares: 0 }
    let slot = queue.tail
    while (slot >= 0 && (entries.block[slot]! + 1) * BLOCK > max) {
      const before = entries.prev[slot]!
      const block = entries.block[slot]!
      const mask = entries.mask[slot]! & ~bitsBelow(block, max)
      if (mask !== 0) {
        const isReady = entries.kind[slot] === EntryKind.ready
        tallyOfMask(block * BLOCK, mask, tally)
        subtractTally(vanished, tally)
        queue.ledger.remove(isReady ? BucketId.ready : BucketId.inFlight, tally)
        this.#uncount(queue, isReady, tally.count)
        entries.drop(queue, slot, mask)
      }
      slot = before
    }
    queue.ledger.removeVanished(vanished)
    queue.cursor = max
    this.popTimeFloor = Math.max(this.popTimeFloor, this.popTimeMax)
    return true
  }

  /** Drops the topic's states, those of incarnations below `bound` only. */
  dropTopic(name: string, bound = Number.POSITIVE_INFINITY): void {
    const incarnation = this.registry.incarnation(name)
    if (incarnation !== undefined && incarnation < bound) this.#bury(this.registry.removeTopic(name))
  }

  dropGroup(name: string): void {
    this.#bury(this.registry.removeGroup(name))
  }

  #bury(queues: readonly LiveQueue[]): void {
    for (const queue of queues) {
      this.deletedMessages += queue.ready + queue.inFlight
      this.#clear(queue)
      queue.dropped = true
    }
    if (queues.length > 0) this.popTimeFloor = Math.max(this.popTimeFloor, this.popTimeMax)
  }

  #clear(queue: LiveQueue): void {
    this.changing(queue)
    const { entries } = this
    while (queue.head >= 0) entries.drop(queue, queue.head, -1)
    queue.ready = 0
    queue.inFlight = 0
    queue.attemptId = ''
    queue.batches = []
    queue.closeLines()
    queue.readyQueues.clear(queue.queueId)
    queue.ledger.values.fill(0)
  }

  /** The state becomes exactly this one, whatever it was. False when it is of an older incarnation. */
  restore(state: DecodedState): boolean {
    if (!this.#admit(state)) return false
    const { entries } = this
    const existing = this.registry.exact(state)
    if (existing !== undefined) this.#clear(existing)
    const queue = existing ?? this.registry.add(state)
    const { epoch, attemptId, batches, cursor } = state
    Object.assign(queue, { epoch, attemptId, batches, cursor })
    const slots: number[] = []
    for (const entry of state.entries) {
      const slot = entries.append(queue, entry)
      slots.push(slot)
      this.#notePopTime(entry.popTime)
      if (entry.ready) continue
      entries.deadlines.push(slot)
      queue.inFlight += popCount(entry.mask)
    }
    for (const position of state.readyOrder) {
      this.#makeReady(queue, slots[position]!)
      this.popTimeFloor = Math.max(this.popTimeFloor, state.entries[position]!.popTime)
    }
    queue.ledger.values.set(state.ledger)
    return true
  }
}
