// Who needs the log from where on: a slave, an export, a long replay. Retention removes nothing that is held; on a disk
// that fills up meanwhile, sends are refused instead. Holds are in memory: a restart forgets them, and owners take them anew.
import { type CommitLogOffset, MqError } from '@rocketmq-ts/model'
import type { LogHold } from '../message-store.ts'
import type { Held } from './plan.ts'

/** Holds at a time, at most. */
export const HOLDS_MAX = 1024

export interface Holds {
  /** MqError 'parameter-invalid' below `min`, 'busy' at the bound. */
  take(owner: string, position: CommitLogOffset, min: number): LogHold
  all(): readonly Held[]
}

/** No hold yet. `onChange` is called when less is held than before. */
export function createHolds(onChange: () => void): Holds {
  const holds = new Set<{ owner: string; position: number }>()
  return {
    take(owner, position, min) {
      if (position < min) {
        throw new MqError(
          'parameter-invalid',
          `position ${position} is not in the log any more, which begins at ${min}`,
        )
      }
      if (holds.size >= HOLDS_MAX) {
        throw new MqError('busy', `${HOLDS_MAX} others hold the log already; '${owner}' has to wait for one to end`)
      }
      const held = { owner, position: position as number }
      holds.add(held)
      return {
        moveTo(next) {
          if (next <= held.position) return
          held.position = next
          onChange()
        },
        release() {
          if (holds.delete(held)) onChange()
        },
      }
    },
    all: () => [...holds],
  }
}
