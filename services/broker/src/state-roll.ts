// Self-contained segments: when the log moves to a new segment, all live settings and states are written once more,
// paced over Turns and closed by a marker. No segment may be deleted until a later one is complete.
import type { Logger, Scheduler, Turns } from '@rocketmq-ts/runtime'
import type { BrokerEvent } from './events.ts'
import type { GroupTable } from './groups/group-table.ts'
import type { Inflight, SettingEntry } from './inflight/inflight.ts'
import { liveSettings } from './settings-writer.ts'
import type { TopicTable } from './topics/topic-table.ts'
import type { CommitLogOffset } from '@rocketmq-ts/model'

/** Pause between two steps: states must not crowd out requests. */
const STEP_PAUSE_MS = 1
/** Settings repeated per Turn. */
const SETTINGS_PER_STEP = 256

export interface StateRoll {
  /** The log moved to a segment that starts at `base`. */
  rolled(base: CommitLogOffset): void
  /** No step comes after this. The next start of a segment writes everything again. */
  stop(): void
}

export interface StateRollDeps {
  readonly inflight: Inflight
  readonly topics: TopicTable
  readonly groups: GroupTable
  readonly turns: Pick<Turns, 'enter'>
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  /** Bytes of one Turn's journal record from which the rest waits for the next Turn. */
  readonly recordBytesSoft: number
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

/** Creates the writer of full states. */
export function createStateRoll(deps: StateRollDeps): StateRoll {
  const { inflight, scheduler, logger } = deps
  let current: Roll | undefined
  let stopped = false

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
        return
      }
    }
    soon(roll)
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
      if (current !== undefined || stopped) return
      current = { base, settings: liveSettings(deps), settingsDone: false, begun: false }
      soon(current)
    },
    stop() {
      stopped = true
      current = undefined
    },
  }
}
