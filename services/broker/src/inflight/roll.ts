// The roll of a segment: all states that live at its start are written once more, a few per Turn, so that older segments
// are not needed. Invariant: 'states-complete' stands behind the last of them, never before.
import type { JournalWriter } from './journal/encode.ts'
import { VarintWriter } from './journal/varint.ts'
import type { LiveQueue } from './queue-state.ts'
import { encodeState, stateBytesEstimate } from './state-record.ts'
import type { Transitions } from './transitions.ts'

export interface Roll {
  readonly rolling: boolean
  begin(segmentBase: number): void
  step(bytesMax: number): boolean
  /** Called at the seal: states as of now, then the marker if they were the last. */
  write(journal: JournalWriter): void
}

export function createRoll(transitions: Transitions): Roll {
  const scratch = new VarintWriter()
  let waiting: LiveQueue[] = []
  let next = 0
  let segmentBase: number | undefined
  let chosen: LiveQueue[] = []
  let complete: number | undefined

  return {
    get rolling() {
      return segmentBase !== undefined
    },
    begin(base) {
      segmentBase = base
      waiting = [...transitions.registry.all()]
      next = 0
    },
    step(bytesMax) {
      if (segmentBase === undefined) return true
      let bytes = 0
      while (next < waiting.length) {
        const queue = waiting[next]!
        const estimate = queue.dropped ? 0 : stateBytesEstimate(queue)
        if (bytes > 0 && bytes + estimate > bytesMax) return false
        next += 1
        bytes += estimate
        if (!queue.dropped) chosen.push(queue)
      }
      complete = segmentBase
      segmentBase = undefined
      waiting = []
      return true
    },
    write(journal) {
      for (const queue of chosen) {
        if (!queue.dropped) journal.state(encodeState(queue, transitions.entries, scratch))
      }
      chosen = []
      if (complete !== undefined) journal.statesComplete(complete)
      complete = undefined
    },
  }
}
