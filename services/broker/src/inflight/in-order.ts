// Deliveries of a queue to a group that consumes in order: one batch at a time, always the lowest messages. A mode of the
// one table: what waits, is in flight and counts is kept as for every other group.
import type { ReadyPop } from './api.ts'
import { lowestBit } from './digest.ts'
import { BLOCK, EntryKind } from './entries.ts'
import type { JournalWriter } from './journal/encode.ts'
import type { LiveQueue } from './queue-state.ts'
import type { Transitions } from './transitions.ts'
import type { Windows } from './windows.ts'

export interface InOrderDeps {
  readonly transitions: Transitions
  readonly journal: JournalWriter
  readonly canSplit: (queue: LiveQueue) => boolean
}

interface Times {
  readonly popTime: number
  readonly invisibleMs: number
}

/** `Inflight.popReady` with `inOrder`: the lowest released messages, whatever order they were released in. */
export function popLowest(
  { transitions, journal, canSplit }: InOrderDeps,
  queue: LiveQueue,
  pop: Times & { readonly max: number; readonly fits?: (offset: number) => boolean },
): ReadyPop {
  const { entries } = transitions
  const offsets: number[] = []
  const attempts: number[] = []
  const windows: Windows = { count: 0, blocks: [], masks: [] }
  let slot = queue.head
  let isEnd = false
  while (slot >= 0 && !isEnd) {
    const block = entries.block[slot]!
    let ready = 0
    for (; slot >= 0 && entries.block[slot] === block; slot = entries.next[slot]!) {
      const isReady = entries.kind[slot] === EntryKind.ready && entries.popTime[slot]! < pop.popTime
      // What is not to be had ends the pop: nothing behind it may come first.
      if (isReady) ready |= entries.mask[slot]!
      else isEnd = true
    }
    if (isEnd) break
    let taken = 0
    for (let rest = ready; rest !== 0 && !isEnd; rest &= rest - 1) {
      const offset = block * BLOCK + lowestBit(rest)
      isEnd = offsets.length >= pop.max || !canSplit(queue) || pop.fits?.(offset) === false
      if (isEnd) break
      taken |= rest & -rest
      offsets.push(offset)
      attempts.push(entries.attempts[entries.find(queue, offset)]! + 1)
    }
    if (taken === 0) break
    windows.blocks[windows.count] = block
    windows.masks[windows.count] = taken
    windows.count += 1
  }
  if (windows.count > 0) {
    transitions.popReady(queue, pop.popTime, pop.invisibleMs, windows)
    journal.popReady(queue, pop.popTime, pop.invisibleMs, windows)
  }
  return { offsets, attempts }
}

/** See `Inflight.popAgain`. */
export function popAgain({ transitions, journal, canSplit }: InOrderDeps, queue: LiveQueue, pop: Times): ReadyPop {
  const { entries } = transitions
  const claimed: { readonly offset: number; readonly popTime: number; readonly attempt: number }[] = []
  if (!canSplit(queue)) return { offsets: [], attempts: [] }
  for (let slot = queue.head; slot >= 0; slot = entries.next[slot]!) {
    if (entries.kind[slot] !== EntryKind.inFlight) continue
    for (let rest = entries.mask[slot]!; rest !== 0; rest &= rest - 1) {
      const offset = entries.block[slot]! * BLOCK + lowestBit(rest)
      claimed.push({ offset, popTime: entries.popTime[slot]!, attempt: entries.attempts[slot]! })
    }
  }
  claimed.sort((a, b) => a.offset - b.offset)
  for (const { offset, popTime } of claimed) {
    transitions.change(queue, offset, popTime, pop.popTime, pop.invisibleMs)
    journal.change(queue, offset, popTime, pop.popTime, pop.invisibleMs)
  }
  return { offsets: claimed.map(({ offset }) => offset), attempts: claimed.map(({ attempt }) => attempt) }
}
