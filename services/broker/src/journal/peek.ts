// What the store asks of journal records while it recovers: the flushed position they prove, and topics that end there.
import { MqError, SystemTopic, decodeRecord } from '@rocketmq-ts/model'
import type { QueueEnd, ReplayedRecord } from '@rocketmq-ts/store'
import type { SettingEntry } from '../inflight/inflight.ts'
import { type JournalSink, decodeJournal } from '../inflight/journal/decode.ts'
import { queueEndsIn } from './queue-ends.ts'

function ignore(): void {}

export function settingsSink(settings: SettingEntry[]): JournalSink {
  return {
    declareQueue: ignore,
    selectQueue: ignore,
    start: ignore,
    popNext: ignore,
    popReady: ignore,
    ack: ignore,
    change: ignore,
    release: ignore,
    postpone: ignore,
    settle: ignore,
    claim: ignore,
    attempt: ignore,
    park: ignore,
    batch: ignore,
    client: ignore,
    retain: ignore,
    clamp: ignore,
    reset: ignore,
    setting: (setting) => void settings.push(setting),
    state: ignore,
    statesComplete: ignore,
  }
}

/** The stamp and settings of a journal record; undefined for any other record, and for one that can not be read. */
function peek(record: ReplayedRecord): { provenFlushed: number; settings: readonly SettingEntry[] } | undefined {
  if (record.topic !== SystemTopic.INFLIGHT_LOG) return undefined
  const settings: SettingEntry[] = []
  try {
    const provenFlushed = decodeJournal(decodeRecord(record.bytes).body, settingsSink(settings))
    return { provenFlushed, settings }
  } catch (error) {
    if (error instanceof MqError) return undefined
    throw error
  }
}

/** Everything below was flushed when the record was written; undefined when the record does not tell. */
export function flushedStampOf(record: ReplayedRecord): number | undefined {
  return peek(record)?.provenFlushed
}

/** Topics whose earlier records belong to an older incarnation: created or deleted by this record. */
export function topicsEndedBy(record: ReplayedRecord): readonly string[] {
  const settings = peek(record)?.settings ?? []
  return settings.filter(({ kind }) => kind === 'topic-created' || kind === 'topic-deleted').map(({ name }) => name)
}

/** Where queues ended when this record was written, as far as it says so. */
export function queueEndsOf(record: ReplayedRecord): readonly QueueEnd[] {
  return queueEndsIn(peek(record)?.settings ?? [])
}
