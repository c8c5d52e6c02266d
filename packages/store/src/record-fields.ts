// What dispatch needs of a stored record, without decoding all of it.
import { SysFlag, SystemTopic, tagsCodeOf, type RecordPeek } from '@rocketmq-ts/model'

const VALUE_END = 0x02
const JOURNAL = Buffer.from(SystemTopic.INFLIGHT_LOG)
const TAGS = Buffer.from('TAGS\u0001')

/** Only decided messages get a unit. Java: CommitLogDispatcherBuildConsumeQueue. */
export function hasUnit(sysFlag: number): boolean {
  const state = sysFlag & SysFlag.TRANSACTION_MASK
  return state !== SysFlag.TRANSACTION_PREPARED && state !== SysFlag.TRANSACTION_ROLLBACK
}

/** Undecided messages are found by their keys too, rolled back ones are not. Java: IndexService.buildIndex. */
export function isIndexed(sysFlag: number): boolean {
  return (sysFlag & SysFlag.TRANSACTION_MASK) !== SysFlag.TRANSACTION_ROLLBACK
}

/** Topic of a peeked record; bytes that are not UTF-8 make a name that is not legal. */
export function topicOf(bytes: Buffer, peek: RecordPeek): string {
  return bytes.toString('utf8', peek.topicAt, peek.topicAt + peek.topicLength)
}

/** Tags code of a peeked record, from its properties; of several tags the last one counts, as for every reader. */
export function storedTagsCode(bytes: Buffer, peek: RecordPeek): number {
  return tagsCodeIn(bytes.subarray(peek.propertiesAt, peek.propertiesAt + peek.propertiesLength))
}

/** Tags code of a record with these properties: what its unit must have, so that a queue built again is the same. */
export function tagsCodeIn(properties: Buffer): number {
  let at = properties.lastIndexOf(TAGS)
  while (at > 0 && properties[at - 1] !== VALUE_END) at = properties.lastIndexOf(TAGS, at - 1)
  if (at < 0) return 0
  const valueAt = at + TAGS.length
  const end = properties.indexOf(VALUE_END, valueAt)
  const tag = properties.toString('utf8', valueAt, end < 0 ? properties.length : end)
  return tag === '' ? 0 : tagsCodeOf(tag)
}

/** True for a record of the broker's journal. */
export function isJournal(bytes: Buffer, { topicAt, topicLength }: RecordPeek): boolean {
  return topicLength === JOURNAL.length && bytes.compare(JOURNAL, 0, topicLength, topicAt, topicAt + topicLength) === 0
}
