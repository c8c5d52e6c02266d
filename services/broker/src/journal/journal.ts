// The journal: what a Turn changed, as records of one system topic in the commit log. One order, one sync, and a crash
// always leaves a prefix.
import { MqError, SystemTopic } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { Appended, Appender, MessageStore } from '@rocketmq-ts/store'
import type { HostPort } from '../host-port.ts'
import type { Inflight, SettingEntry } from '../inflight/inflight.ts'
import { ownRecord } from '../own-record.ts'

/** A Turn's changes above this are written as a record of their own before the Turn ends. */
const RECORD_BYTES_SOFT = 1024 * 1024
/** In small segments it is this share of one: what a single request adds must still fit. */
const RECORD_SEGMENT_SHARE = 8

/** From how many bytes on the changes of a Turn are a record of their own. */
export function recordBytesSoftOf(segmentBytes: number): number {
  return Math.min(RECORD_BYTES_SOFT, Math.floor(segmentBytes / RECORD_SEGMENT_SHARE))
}

const NO_PROPERTIES = Buffer.alloc(0)

export interface JournalDeps {
  readonly store: Appender & Pick<MessageStore, 'provenFlushed' | 'diskFull' | 'failure'>
  readonly inflight: Inflight
  readonly clock: Clock
  readonly storeHost: () => HostPort
  /** See `recordBytesSoftOf`. */
  readonly recordBytesSoft: number
}

function refused(code: 'store-refused' | 'disk-full', { kind, name }: SettingEntry): MqError {
  return new MqError(code, `${kind} '${name}': the log takes no settings now; see the state of the disk`)
}

export interface Journal {
  /** Appends what has changed since the last record. At the end of each Turn, and before a record grows too long. */
  seal(): void
  /** Seals early when the changes are many. */
  sealLarge(): void
  /**
   * Journals a change of topics or groups in a record of its own, at once: messages that follow in the same Turn lie
   * behind it. Returns the record's place, the incarnation of a topic that it creates. Throws MqError 'store-refused'
   * or 'disk-full'; then nothing has changed.
   */
  setting(entry: SettingEntry): Appended
}

/** Creates the writer of the journal. */
export function createJournal(deps: JournalDeps): Journal {
  const { store, inflight, clock } = deps
  /** The log refuses appends for good: in-flight changes are kept in memory only. */
  let memoryOnly = false

  function append(body: Uint8Array): Appended {
    const record = { topic: SystemTopic.INFLIGHT_LOG, body, properties: NO_PROPERTIES }
    return store.append(ownRecord({ ...record, nowMs: clock.nowMs(), storeHost: deps.storeHost() }), { journal: true })
  }

  // Pops and acks go on in memory when the log refuses: a restart redelivers, it loses nothing. A full disk is no
  // reason: records of the journal have space of their own.
  function tryAppend(body: Uint8Array): Appended | undefined {
    try {
      return append(body)
    } catch (error) {
      if (!(error instanceof MqError && (error.code === 'store-refused' || error.code === 'closed'))) throw error
      memoryOnly = true
      return undefined
    }
  }

  function seal(): Appended | undefined {
    const body = inflight.takeChanges({ provenFlushed: store.provenFlushed })
    return body === undefined || memoryOnly ? undefined : tryAppend(body)
  }

  return {
    seal() {
      seal()
    },
    sealLarge() {
      if (inflight.changesBytes > deps.recordBytesSoft) seal()
    },
    setting(entry) {
      // A deletion drops states at once: what could not be journaled must not begin.
      if (memoryOnly || store.failure !== undefined) throw refused('store-refused', entry)
      if (store.diskFull) throw refused('disk-full', entry)
      inflight.recordSetting(entry)
      const appended = seal()
      if (appended === undefined) throw refused('store-refused', entry)
      return appended
    },
  }
}
