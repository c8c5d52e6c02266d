// What pops by message group took, so that an attempt whose answer was lost gets the same again. A queue has several at once.
// Invariant: live, replayed and restored queues have the same batches, but for those that have nothing in flight.
import { Buffer } from 'node:buffer'
import { ATTEMPT_ID_BYTES_MAX } from './api.ts'
import type { Batch } from './api.ts'
import { EntryKind, type EntryTable } from './entries.ts'
import type { VarintReader, VarintWriter } from './journal/varint.ts'
import type { LiveQueue } from './queue-state.ts'

/** Batches of one queue that are remembered, at most: then the oldest is forgotten, and comes again when its time is over. */
export const BATCHES_MAX = 64
/** Name, time, count: a byte each at least. */
const BATCH_BYTES_MIN = 3

/** Whether it has a message that is not released, pending ones included: those are in flight after a restart. */
function isLive(queue: LiveQueue, entries: EntryTable, { popTime, offsets }: Batch): boolean {
  return offsets.some((offset) => {
    const slot = entries.find(queue, offset)
    return slot >= 0 && entries.popTime[slot] === popTime && entries.kind[slot] !== EntryKind.ready
  })
}

/** Batches with something in flight. */
export function liveBatches(queue: LiveQueue, entries: EntryTable): readonly Batch[] {
  return queue.batches.filter((batch) => isLive(queue, entries, batch))
}

/** Remembers a batch; in place of the one of the same attempt, if there is one. */
export function noteBatch(queue: LiveQueue, entries: EntryTable, batch: Batch): void {
  let others = queue.batches.filter(({ attemptId }) => attemptId !== batch.attemptId)
  if (others.length >= BATCHES_MAX) {
    others = others.filter((other) => isLive(queue, entries, other)).slice(1 - BATCHES_MAX)
  }
  queue.batches = [...others, batch]
}

export function writeBatch(out: VarintWriter, { attemptId, popTime, offsets }: Batch): void {
  out.block(Buffer.from(attemptId))
  out.varint(popTime)
  out.varint(offsets.length)
  let last = 0
  for (const offset of offsets) {
    out.varint(offset - last)
    last = offset
  }
}

export function readBatch(input: VarintReader): Batch {
  const attemptId = input.text('attempt', ATTEMPT_ID_BYTES_MAX)
  const popTime = input.varint('popTime')
  const offsets: number[] = []
  let last = 0
  for (let left = input.count('offsets of a batch', 1); left > 0; left -= 1) {
    last += input.varint('offset of a batch', Number.MAX_SAFE_INTEGER - last)
    offsets.push(last)
  }
  return { attemptId, popTime, offsets }
}

export function readBatches(input: VarintReader): Batch[] {
  const count = input.count('batches', BATCH_BYTES_MIN)
  return Array.from({ length: count }, () => readBatch(input))
}
