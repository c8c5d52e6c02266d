// What is due: releases in place, and hands out messages whose attempts are used up.
import type { DeadCandidate, Expired, QueueState } from './api.ts'
import { BLOCK, EntryKind } from './entries.ts'
import { lowestBit, popCount } from './digest.ts'
import type { JournalWriter } from './journal/encode.ts'
import type { Transitions } from './transitions.ts'

export interface ExpiryDeps {
  readonly transitions: Transitions
  readonly journal: JournalWriter
  readonly maxAttempts: (group: string) => number
}

/** See `Inflight.expire`. */
export function expireDue(deps: ExpiryDeps, nowMs: number, max: number): Expired {
  const { transitions, journal, maxAttempts } = deps
  const { entries, registry } = transitions
  const dead: DeadCandidate[] = []
  const readied: QueueState[] = []
  const later: number[] = []
  let released = 0
  let visited = 0
  let slot = entries.deadlines.first()
  while (slot >= 0 && entries.deadline[slot]! <= nowMs && visited < max) {
    const queue = registry.at(entries.owner[slot]!)
    const mask = entries.mask[slot]!
    visited += popCount(mask)
    if (entries.attempts[slot]! < maxAttempts(queue.group)) {
      if (queue.ready === 0) readied.push(queue)
      const block = entries.block[slot]!
      const popTime = entries.popTime[slot]!
      released += transitions.release(queue, block, mask, popTime)
      journal.release(queue, block, mask, popTime)
    } else if (entries.fresh[slot] === 1) {
      // Its pop is not in the log yet, and a copy must come behind it there: due again in the next Turn.
      entries.deadlines.remove(slot)
      later.push(slot)
    } else {
      // In a state record it is in flight as before.
      entries.deadlines.remove(slot)
      entries.kind[slot] = EntryKind.deadPending
      for (let rest = mask; rest !== 0; rest &= rest - 1) {
        const offset = entries.block[slot]! * BLOCK + lowestBit(rest)
        dead.push({ queue, offset, popTime: entries.popTime[slot]!, attempts: entries.attempts[slot]! })
      }
    }
    slot = entries.deadlines.first()
  }
  const more = slot >= 0 && entries.deadline[slot]! <= nowMs
  for (const kept of later) entries.deadlines.push(kept)
  return { released, readied, dead, more: more || later.length > 0 }
}
