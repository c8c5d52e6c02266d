// What a check of a stopped store asks of the broker: whether journal records can be applied, and whether its own files
// beside the log are what it wrote.
import { decodeRecord, MqError } from '@rocketmq-ts/model'
import { type CheckOwner, type JournalFacts, type ReplayedRecord, TIMER_FOLDER } from '@rocketmq-ts/store'
import type { SettingEntry } from '../inflight/inflight.ts'
import { decodeJournal } from '../inflight/journal/decode.ts'
import { ownerStamp } from '../foreign/owner-stamp.ts'
import { JOIN_MARK } from '../joining/join-mark.ts'
import { settingsSink } from '../journal/peek.ts'
import { queueEndsIn } from '../journal/queue-ends.ts'
import { checkOwnFiles } from './own-files.ts'

function readJournal(record: ReplayedRecord): JournalFacts {
  const settings: SettingEntry[] = []
  try {
    const provenFlushed = decodeJournal(decodeRecord(record.bytes).body, settingsSink(settings))
    const ended = settings.filter(({ kind }) => kind === 'topic-created' || kind === 'topic-deleted')
    return { provenFlushed, endedTopics: ended.map(({ name }) => name), queueEnds: queueEndsIn(settings) }
  } catch (error) {
    if (!(error instanceof MqError)) throw error
    return { endedTopics: [], problem: error.message }
  }
}

/** The broker's part of a check; holds nothing between two calls. */
export const brokerCheckOwner: CheckOwner = {
  readJournal,
  stamp: ownerStamp,
  owns: (name) => name === 'config' || name === TIMER_FOLDER || name === JOIN_MARK,
  checkFiles: checkOwnFiles,
}
