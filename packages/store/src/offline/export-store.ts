// The messages of a stopped store that consumers could still get: of topics that exist, decided, in the order of the log,
// up to its end.
import { SysFlag } from '@rocketmq-ts/model'
import type { Files } from '@rocketmq-ts/runtime'
import type { CheckOwner } from '../check/check-owner.ts'
import { hasUnit, isJournal, topicOf } from '../record-fields.ts'
import type { ScanDecision, ScannedRecord } from '../recovery.ts'
import { replayed } from '../restore.ts'
import { walkLog } from './walk-log.ts'

export interface ExportOptions {
  readonly folder: string
  readonly owner: CheckOwner
  /** Whether a topic is wanted. Default: all. The journal never is. */
  readonly isWanted?: (topic: string) => boolean
  /** Takes one message, whose bytes are used again for the next. */
  readonly onMessage: (record: ScannedRecord, topic: string) => void
  readonly onProgress?: (bytes: number, total: number) => void
}

/** Walks the log twice: topics that end somewhere are known only behind it. Rejects as `checkStore` does. */
export async function exportStore(options: ExportOptions, deps: { readonly files: Files }): Promise<ScanDecision> {
  const { folder, owner, isWanted = () => true, onProgress } = options
  const ends = new Map<string, number>()
  const progress = (pass: number) => (bytes: number, total: number) => onProgress?.(bytes + pass * total, 2 * total)
  await walkLog(
    {
      folder,
      owner,
      onProgress: progress(0),
      onRecord(record) {
        if (!isJournal(record.bytes, record.peek)) return true
        for (const topic of owner.readJournal(replayed(record)).endedTopics) ends.set(topic, record.position)
        return true
      },
    },
    deps,
  )
  const { decision } = await walkLog(
    {
      folder,
      owner,
      onProgress: progress(1),
      onRecord(record) {
        const { bytes, peek, position } = record
        const isMessage = hasUnit(peek.sysFlag) && !isJournal(bytes, peek)
        const topic = isMessage ? topicOf(bytes, peek) : ''
        if (isMessage && position > (ends.get(topic) ?? -1) && isWanted(topic)) options.onMessage(record, topic)
        return true
      },
    },
    deps,
  )
  return decision
}

/** The part of sysFlag that is the sender's: what is left when a message is sent again. */
export function sendersSysFlag(sysFlag: number): number {
  return sysFlag & (SysFlag.COMPRESSED | SysFlag.MULTI_TAGS | SysFlag.COMPRESSION_MASK)
}
