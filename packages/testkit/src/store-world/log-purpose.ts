// What the bytes of one write to the log are for, by the records in them: those that say the most name it.
import { createRecordPeek, PropertyName, peekRecord, type RecordPeek, SysFlag, SystemTopic } from '@rocketmq-ts/model'
import type { LogPurpose } from './steps.ts'

/** Of a record that ends a delayed message. */
const TIMER_ORIGIN = `${PropertyName.OWN_PREFIX}TIMER`
/** Of a copy that goes on in place of another record. */
const ORIGIN = `${PropertyName.OWN_PREFIX}ORIGIN`
/** The first of them that a write has names it. */
const PURPOSES = ['given-up', 'half-moved', 'recall', 'moved', 'decided', 'commit', 'due', 'half', 'held'] as const

/** Undefined where no record of it is of a special kind. */
export function purposeOf(chunks: readonly Uint8Array[]): LogPurpose | undefined {
  const bytes = Buffer.concat(chunks)
  const peek = createRecordPeek()
  const found = new Set<LogPurpose | undefined>()
  for (let at = 0; peekRecord(bytes, at, peek) === 'record'; at += peek.totalSize) found.add(ofRecord(bytes, peek))
  return PURPOSES.find((purpose) => found.has(purpose))
}

function ofRecord(bytes: Buffer, peek: RecordPeek): LogPurpose | undefined {
  const { topicAt, topicLength, propertiesAt, propertiesLength, sysFlag } = peek
  const topic = bytes.toString('latin1', topicAt, topicAt + topicLength)
  const properties = bytes.subarray(propertiesAt, propertiesAt + propertiesLength)
  const isEnd = properties.includes(TIMER_ORIGIN)
  if (topic === SystemTopic.CHECK_MAX_TIME) return 'given-up'
  if (topic === SystemTopic.HALF_OP) return 'decided'
  if (topic === SystemTopic.HALF) return properties.includes(ORIGIN) ? 'half-moved' : 'half'
  if ((sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.TRANSACTION_COMMIT) return 'commit'
  if (topic === SystemTopic.SCHEDULE) return 'held'
  if (topic !== SystemTopic.TIMER) return isEnd ? 'due' : undefined
  if (!isEnd) return 'held'
  return properties.includes(PropertyName.TIMER_DEL_UNIQKEY) ? 'recall' : 'moved'
}
