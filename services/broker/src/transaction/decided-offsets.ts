// Tells Apache's broker which half messages are decided, in its own form: records of a topic of the system whose body lists
// their offsets. Our start does not read them: it has the journal. Offsets below the low mark need none, since Apache's
// broker begins there. Written some at a time, as Apache does: what a crash takes, it asks producers about once more.
import { MqError, PropertyName, SystemTopic } from '@rocketmq-ts/model'
import type { Clock, Scheduler, Timer, Turns } from '@rocketmq-ts/runtime'
import type { Appender } from '@rocketmq-ts/store'
import type { HostPort } from '../host-port.ts'
import { SECOND_MS } from '../limits.ts'
import { ownRecord } from '../own-record.ts'
import type { SettingsWriter } from '../settings-writer.ts'
import { entryOf } from '../send/property-text.ts'

/** Java: TransactionalMessageUtil.REMOVE_TAG. */
const DECIDED_TAG = 'd'
const PROPERTIES = Buffer.from(entryOf(PropertyName.TAGS, DECIDED_TAG))
/** Text from which offsets are written at once. Java: transactionOpMsgMaxSize. */
const TEXT_BYTES_MAX = 4096
/** Java: transactionOpBatchInterval. */
const WRITE_INTERVAL_MS = 3 * SECOND_MS
const OFFSET_CHARS_MIN = 2

export interface DecidedOffsets {
  /** In a job: the half message is decided. */
  note(offset: number): void
  /** Writes what was noted, in the next Turn, and nothing later. */
  stop(): void
}

export interface DecidedOffsetsDeps {
  readonly store: Appender
  readonly turns: Pick<Turns, 'enter'>
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly storeHost: () => HostPort
  readonly ensureTopic: SettingsWriter['ensureTopic']
  /** The first offset that is not decided. */
  readonly lowMark: () => number
}

/** Creates the writer. */
export function createDecidedOffsets(deps: DecidedOffsetsDeps): DecidedOffsets {
  let decided: number[] = []
  let timer: Timer | undefined
  let stopped = false

  function write(): void {
    timer?.cancel()
    timer = undefined
    const lowMark = deps.lowMark()
    const told = decided.filter((offset) => offset >= lowMark)
    decided = []
    if (told.length > 0) append(Buffer.from(told.map((offset) => `${offset},`).join('')))
  }

  /** Turned away by a busy broker, what is decided next begins the time again. */
  function writeInTurn(): void {
    if (!deps.turns.enter(write)) timer = undefined
  }

  function append(body: Uint8Array): void {
    try {
      deps.ensureTopic(SystemTopic.HALF_OP)
      const record = { topic: SystemTopic.HALF_OP, body, properties: PROPERTIES }
      deps.store.append(ownRecord({ ...record, nowMs: deps.clock.nowMs(), storeHost: deps.storeHost() }))
    } catch (error) {
      // The log takes nothing now: as after a crash, Apache's broker would ask once more.
      if (!(error instanceof MqError)) throw error
    }
  }

  return {
    note(offset) {
      decided.push(offset)
      if (decided.length * OFFSET_CHARS_MIN >= TEXT_BYTES_MAX) write()
      else if (!stopped) timer ??= deps.scheduler.after(WRITE_INTERVAL_MS, writeInTurn)
    },
    stop() {
      stopped = true
      timer?.cancel()
      deps.turns.enter(write)
    },
  }
}
