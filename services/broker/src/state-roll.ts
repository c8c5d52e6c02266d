// Self-contained segments: when the log moves to a new segment, all live settings and states, and where queues end, are
// written once more, paced over Turns and closed by a marker. No segment may be deleted until a later one is complete.
import { type CommitLogOffset, MqError, commitLogOffset } from '@rocketmq-ts/model'
import type { Logger, Scheduler, Turns } from '@rocketmq-ts/runtime'
import type { MessageStore } from '@rocketmq-ts/store'
import type { BrokerEvent } from './events.ts'
import type { KeptEntries } from './foreign/kept-entries.ts'
import type { GroupTable } from './groups/group-table.ts'
import type { Inflight, SettingEntry } from './inflight/inflight.ts'
import { liveQueueEnds } from './journal/queue-ends.ts'
import { liveSettings } from './settings-writer.ts'
import type { TopicTable } from './topics/topic-table.ts'

/** Pause between two steps: states must not crowd out requests. */
const STEP_PAUSE_MS = 1
/** Settings repeated per Turn. */
const SETTINGS_PER_STEP = 256

export interface StateRoll {
  /** The log moved to a segment that starts at `base`. */
  rolled(base: CommitLogOffset): void
  /**
   * Resolves when everything that lives stands in the log at `limit` or behind, written: what lies before is not needed
   * for a start. Writes it where that has not been done. Rejects with MqError 'closed' when it is stopped.
   */
  completeFrom(limit: CommitLogOffset): Promise<void>
  /** No step comes after this. The next start of a segment writes everything again. */
  stop(): void
}

export interface StateRollDeps {
  readonly inflight: Inflight
  readonly topics: TopicTable
  readonly groups: GroupTable
  readonly kept: KeptEntries
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  /** Bytes of one Turn's journal record from which the rest waits for the next Turn. */
  readonly recordBytesSoft: number
  readonly store: Pick<MessageStore, 'appended' | 'queueEnds'>
  /** Start of the newest segment whose states were complete before this start, −1 where that is not known. */
  readonly statesCompleteFrom: number
}

interface Waiter {
  readonly limit: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * One rewriting of everything that lives. Segments that start meanwhile have none of their own: otherwise one that is
 * larger than a segment would never end.
 */
interface Roll {
  readonly base: CommitLogOffset
  readonly settings: Iterator<SettingEntry>
  settingsDone: boolean
  begun: boolean
}

function stopError(): MqError {
  return new MqError('closed', 'the broker stops: its states are written again by the next one')
}

/** Queues behind the settings: an entry is of the topic that lives when it is journaled. */
function* toRepeat(deps: StateRollDeps): Generator<SettingEntry> {
  yield* liveSettings(deps)
  yield* liveQueueEnds(deps.store)
}

/** Creates the writer of full states. */
export function createStateRoll(deps: StateRollDeps): StateRoll {
  const { inflight, scheduler, logger } = deps
  let current: Roll | undefined
  let stopped = false
  let writtenFrom = deps.statesCompleteFrom
  let waiters: Waiter[] = []

  function step(roll: Roll): void {
    if (roll !== current) return
    if (!roll.settingsDone) {
      repeatSettings(roll)
    } else {
      if (!roll.begun) inflight.beginRoll(roll.base)
      roll.begun = true
      if (inflight.rollStep(deps.recordBytesSoft)) {
        logger.info({ event: 'states.complete', baseOffset: roll.base })
        current = undefined
        deps.turns.release('written', (failure) => completed(roll.base, failure))
        return
      }
    }
    soon(roll)
  }

  function completed(base: number, failure: Error | undefined): void {
    const asked = waiters
    waiters = []
    if (failure === undefined) writtenFrom = Math.max(writtenFrom, base)
    for (const waiter of asked) {
      if (failure !== undefined) waiter.reject(failure)
      else if (waiter.limit <= writtenFrom) waiter.resolve()
      else waiters.push(waiter)
    }
    if (waiters.length > 0 && !stopped) begin(commitLogOffset(deps.store.appended))
  }

  function begin(base: CommitLogOffset): void {
    if (current !== undefined) return
    current = { base, settings: toRepeat(deps), settingsDone: false, begun: false }
    soon(current)
  }

  function repeatSettings(roll: Roll): void {
    for (let count = 0; count < SETTINGS_PER_STEP && inflight.changesBytes < deps.recordBytesSoft; count += 1) {
      const next = roll.settings.next()
      roll.settingsDone = next.done === true
      if (next.done === true) return
      inflight.recordSetting(next.value)
    }
  }

  function soon(roll: Roll): void {
    scheduler.after(STEP_PAUSE_MS, () => {
      if (!deps.turns.enter(() => step(roll))) soon(roll)
    })
  }

  return {
    rolled(base) {
      logger.info({ event: 'segment.rolled', baseOffset: base })
      if (!stopped) begin(base)
    },
    completeFrom(limit) {
      if (limit <= writtenFrom) return Promise.resolve()
      if (stopped) return Promise.reject(stopError())
      return new Promise((resolve, reject) => {
        waiters.push({ limit, resolve, reject })
        begin(commitLogOffset(deps.store.appended))
      })
    },
    stop() {
      stopped = true
      current = undefined
      for (const waiter of waiters.splice(0)) waiter.reject(stopError())
    },
  }
}
