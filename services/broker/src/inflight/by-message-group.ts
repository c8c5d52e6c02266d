// Deliveries of a queue to a group that consumes in order by message group: what the cursor passes waits in lines, and only
// lines give. A mode of the one table, as in-order.ts is: what waits is ready, without a delivery.
import type { QueueLines, QueueState, ReadyPop } from './api.ts'
import { lowestBit } from './digest.ts'
import { BLOCK, EntryKind, bitOf, blockOf } from './entries.ts'
import type { InOrder, LinedMessage } from './in-order-api.ts'
import type { InOrderDeps } from './in-order.ts'
import { LINED_MESSAGES_MAX, LOOK_AHEAD_OFFSETS_MAX, type LinedTotal, MessageLines } from './message-lines.ts'
import type { LiveQueue } from './queue-state.ts'
import type { Windows } from './windows.ts'

const NOTHING: ReadyPop = { offsets: [], attempts: [] }

/** Ascending offsets by block. */
function windowsOf(offsets: readonly number[]): Windows {
  const windows: Windows = { count: 0, blocks: [], masks: [] }
  for (const offset of offsets) {
    const block = blockOf(offset)
    if (windows.count === 0 || windows.blocks[windows.count - 1] !== block) {
      windows.blocks[windows.count] = block
      windows.masks[windows.count] = 0
      windows.count += 1
    }
    windows.masks[windows.count - 1]! |= bitOf(offset)
  }
  return windows
}

/** See `InOrder`. */
export function createByMessageGroup({ transitions, journal, canSplit }: InOrderDeps) {
  const { entries } = transitions
  const total: LinedTotal = { messages: 0 }

  function liveOffsets(queue: LiveQueue): number[] {
    const offsets: number[] = []
    for (let slot = queue.head; slot >= 0; slot = entries.next[slot]!) {
      const base = entries.block[slot]! * BLOCK
      // Rows of one block are not in order: the block is taken whole.
      if (offsets.length > LOOK_AHEAD_OFFSETS_MAX && base > offsets.at(-1)!) break
      for (let rest = entries.mask[slot]!; rest !== 0; rest &= rest - 1) offsets.push(base + lowestBit(rest))
    }
    return offsets.sort((a, b) => a - b).slice(0, LOOK_AHEAD_OFFSETS_MAX + 1)
  }

  function openLines(queue: LiveQueue, of: (offset: number) => LinedMessage | undefined): QueueLines | undefined {
    if (queue.lines !== undefined) return queue.lines
    const offsets = liveOffsets(queue)
    if (offsets.length > LOOK_AHEAD_OFFSETS_MAX || total.messages + offsets.length > LINED_MESSAGES_MAX)
      return undefined
    const lines = new MessageLines(total)
    for (const offset of offsets) {
      const message = of(offset)
      if (message === undefined) {
        lines.forget()
        return undefined
      }
      lines.add(offset, message, entries.kind[entries.find(queue, offset)] !== EntryKind.ready)
    }
    queue.lines = lines
    return lines
  }

  function popLines(queue: LiveQueue, pop: Parameters<InOrder['popLines']>[1]): ReadyPop {
    const chosen: number[] = []
    for (const waiting of queue.lines?.givers() ?? []) {
      if (!takeLine(queue, waiting, pop, chosen)) break
    }
    if (chosen.length === 0) return NOTHING
    chosen.sort((a, b) => a - b)
    const attempts = chosen.map((offset) => entries.attempts[entries.find(queue, offset)]! + 1)
    const windows = windowsOf(chosen)
    transitions.popReady(queue, pop.popTime, pop.invisibleMs, windows)
    journal.popReady(queue, pop.popTime, pop.invisibleMs, windows)
    note(queue, pop.attemptId, pop.popTime, chosen)
    return { offsets: chosen, attempts }
  }

  /** False when the pop ends with it. */
  function takeLine(
    queue: LiveQueue,
    waiting: Iterable<number>,
    { popTime, max, fits }: Parameters<InOrder['popLines']>[1],
    chosen: number[],
  ): boolean {
    for (const offset of waiting) {
      // Released in this very request (a pop time ahead of the clock): the next one takes it, and what is behind it.
      if (entries.popTime[entries.find(queue, offset)]! >= popTime) return true
      if (chosen.length >= max || !canSplit(queue) || !fits(offset)) return false
      chosen.push(offset)
    }
    return true
  }

  function note(queue: LiveQueue, attemptId: string, popTime: number, offsets: readonly number[]): void {
    if (attemptId === '') return
    const batch = { attemptId, popTime, offsets }
    transitions.noteBatch(queue, batch)
    journal.batch(queue, batch)
  }

  function popBatchAgain(queue: LiveQueue, attemptId: string, pop: Parameters<InOrder['popBatchAgain']>[2]): ReadyPop {
    const batch = queue.batches.find((known) => known.attemptId === attemptId)
    if (batch === undefined || !canSplit(queue)) return NOTHING
    const offsets = batch.offsets.filter((offset) => {
      const slot = transitions.claimed(queue, offset, batch.popTime)
      return slot >= 0 && entries.kind[slot] === EntryKind.inFlight
    })
    if (offsets.length === 0) return NOTHING
    const attempts = offsets.map((offset) => entries.attempts[entries.find(queue, offset)]!)
    for (const offset of offsets) {
      transitions.change(queue, offset, batch.popTime, pop.popTime, pop.invisibleMs)
      journal.change(queue, offset, batch.popTime, pop.popTime, pop.invisibleMs)
    }
    note(queue, attemptId, pop.popTime, offsets)
    return { offsets, attempts }
  }

  const live = (queue: QueueState) => queue as LiveQueue
  const byMessageGroup: Pick<
    InOrder,
    'openLines' | 'liveOffsets' | 'park' | 'popLines' | 'hasBatch' | 'popBatchAgain'
  > = {
    openLines: (queue, of) => (queue.dropped ? undefined : openLines(live(queue), of)),
    liveOffsets: (queue) => liveOffsets(live(queue)),
    park(queue, { to, waiting, damaged }) {
      const target = live(queue)
      const visited = { from: target.cursor, to }
      if (target.dropped || to <= visited.from) return
      const windows = windowsOf(waiting.map(({ offset }) => offset))
      transitions.park(target, visited, windows, damaged)
      journal.park(target, visited, windows, damaged)
      for (const { offset, group, size } of waiting) target.lines?.add(offset, { group, size }, false)
    },
    popLines: (queue, pop) => (queue.dropped ? NOTHING : popLines(live(queue), pop)),
    hasBatch: (queue, attemptId) => live(queue).batches.some((known) => known.attemptId === attemptId),
    popBatchAgain: (queue, attemptId, pop) => (queue.dropped ? NOTHING : popBatchAgain(live(queue), attemptId, pop)),
  }
  return byMessageGroup
}
