// The bytes of a store that no check covers, field by field. Everything else must be found when it changes. A run proves
// both: no fault elsewhere goes unseen, and of every field here some fault did.
import { createRecordPeek, peekRecord, type RecordPeek, SysFlag } from '@rocketmq-ts/model'
import type { FolderImage } from './folder-image.ts'

/**
 * Fields of Apache's record that no CRC covers and that nothing else repeats. With `enabledAppendPropCRC` Apache's record
 * carries a CRC over all of itself as its last property: it would cover every one of them.
 */
export const UNCOVERED_FIELDS = [
  'flag',
  'sysFlag',
  'bornTimestamp',
  'bornHost',
  'storeTimestamp',
  'storeHost',
  'reconsumeTimes',
  'properties',
  // Of transactions: undecided and rolled back records have no unit, rolled back ones no entry in the index either.
  'preparedTransactionOffset of a transaction',
  'queueId of a transaction',
  'topic of a transaction',
  'properties of a transaction',
] as const
export type UncoveredField = (typeof UNCOVERED_FIELDS)[number]

/** Properties whose values are repeated elsewhere: keys and tags in the index, tags in the unit too. */
const KEY_PROPERTIES = ['KEYS\u0001', 'UNIQ_KEY\u0001']
const TAGS_PROPERTY = 'TAGS\u0001'
const VALUE_END = '\u0002'

/** Of Apache's index files, in the proportion of the stores here. */
const INDEX_HEADER_BYTES = 40
const SLOT_BYTES = 4
const ENTRIES_PER_SLOT = 4
const ENTRY_BYTES = 20
const ENTRY_OFFSET_AT = 4
/** Of the offset: its upper bytes would lead behind the log. */
const ENTRY_OFFSET_LOW_AT = 10
const ENTRY_PREVIOUS_AT = 16

/** The reason for bytes of the key index that name a record which is gone. */
export const LOST_ENTRY = 'index entry of a lost record'

/** Bytes that are no record any more. */
export interface LostRange {
  readonly file: string
  readonly at: number
  readonly bytes: number
}

/** Copies of what recovery cut off: for people. */
const KEPT_ASIDE = /^damaged\//u

/** Says what leaves a byte uncovered; undefined for one that must be covered. `isCut`: it is gone, not changed. */
export type Uncovered = (file: string, at: number, isCut: boolean) => string | undefined

/** @param lost ranges of files that the check names as damaged while nothing was planted */
export function createUncovered(image: FolderImage, lost: readonly LostRange[]): Uncovered {
  const segments = new Map<string, Uint8Array>()
  for (const [file, content] of image) {
    if (file.startsWith('commitlog/')) segments.set(file, fieldsOf(content, baseOf(file)))
  }
  return (file, at, isCut) => {
    if (KEPT_ASIDE.test(file)) return 'damaged/'
    // It is made piece by piece, and a stop may come before it is whole.
    if (file === 'reserve' && isCut) return 'length of reserve'
    if (lost.some((range) => range.file === file && at >= range.at && at < range.at + range.bytes)) return 'lost before'
    if (isOfLostRecord(image, lost, file, at)) return LOST_ENTRY
    const field = segments.get(file)?.[at] ?? 0
    return field === 0 ? undefined : UNCOVERED_FIELDS[field - 1]
  }
}

/** Position of the first byte of a segment. */
function baseOf(file: string): number {
  return Number(file.slice('commitlog/'.length))
}

/** Number of the uncovered field of each byte of a segment, from 1 on; 0 elsewhere. */
function fieldsOf(segment: Buffer, base: number): Uint8Array {
  const fields = new Uint8Array(segment.length)
  const peek = createRecordPeek()
  for (let at = 0; at + 8 <= segment.length;) {
    const isRecord = peekRecord(segment, at, peek) === 'record' && peek.commitLogOffset === base + at
    if (isRecord) markRecord(segment, fields, at, peek)
    // Over holes byte by byte.
    at += isRecord ? peek.totalSize : 1
  }
  return fields
}

function markRecord(segment: Buffer, fields: Uint8Array, at: number, peek: RecordPeek): void {
  const { sysFlag, topicAt, topicLength, propertiesAt, propertiesLength } = peek
  const mark = (field: UncoveredField | undefined, from: number, to: number): void => {
    if (field !== undefined) fields.fill(UNCOVERED_FIELDS.indexOf(field) + 1, from, to)
  }
  const bornBytes = (sysFlag & SysFlag.BORN_HOST_V6) === 0 ? 4 : 16
  const storeBytes = (sysFlag & SysFlag.STORE_HOST_V6) === 0 ? 4 : 16
  const storedAt = at + 48 + bornBytes + 4
  const restAt = storedAt + 8 + storeBytes + 4
  mark('flag', at + 16, at + 20)
  mark('sysFlag', at + 39, at + 40)
  // Above, a time is not one any more.
  mark('bornTimestamp', at + 41, at + 48)
  mark('bornHost', at + 48, at + 48 + bornBytes)
  mark('bornHost', at + 48 + bornBytes + 2, storedAt)
  // Neighbours and the index tell the rest.
  mark('storeTimestamp', storedAt + 6, storedAt + 8)
  mark('storeHost', storedAt + 8, storedAt + 8 + storeBytes)
  mark('storeHost', storedAt + 8 + storeBytes + 2, restAt)
  mark('reconsumeTimes', restAt, restAt + 4)
  const transaction = sysFlag & SysFlag.TRANSACTION_MASK
  const text = segment.toString('latin1', propertiesAt, propertiesAt + propertiesLength)
  let from = propertiesAt
  for (const property of text.split(VALUE_END)) {
    const to = Math.min(propertiesAt + propertiesLength, from + property.length + 1)
    mark(fieldOfProperty(property, transaction), from, to)
    from = to
  }
  if (transaction === 0) return
  mark('preparedTransactionOffset of a transaction', restAt + 4, restAt + 12)
  if (transaction === SysFlag.TRANSACTION_COMMIT) return
  mark('queueId of a transaction', at + 12, at + 16)
  // Of an undecided one with keys, its index entries tell.
  if (transaction === SysFlag.TRANSACTION_ROLLBACK) mark('topic of a transaction', topicAt, topicAt + topicLength)
}

function fieldOfProperty(property: string, transaction: number): UncoveredField | undefined {
  const isUndecided = transaction === SysFlag.TRANSACTION_PREPARED
  if (transaction === SysFlag.TRANSACTION_ROLLBACK) return 'properties of a transaction'
  if (KEY_PROPERTIES.some((name) => property.startsWith(name))) return undefined
  if (!property.startsWith(TAGS_PROPERTY)) return 'properties'
  return isUndecided ? 'properties of a transaction' : undefined
}

/** Of an entry whose record is lost only the chain can be judged: so much of the hash as tells its slot, no place, no time. */
function isOfLostRecord(image: FolderImage, lost: readonly LostRange[], file: string, at: number): boolean {
  const content = image.get(file)
  if (!file.startsWith('index/') || content === undefined) return false
  const slots = (content.length - INDEX_HEADER_BYTES) / (SLOT_BYTES + ENTRIES_PER_SLOT * ENTRY_BYTES)
  const inEntries = at - INDEX_HEADER_BYTES - slots * SLOT_BYTES
  const inEntry = inEntries % ENTRY_BYTES
  const isJudged = inEntry >= ENTRY_PREVIOUS_AT || (inEntry >= ENTRY_OFFSET_AT && inEntry < ENTRY_OFFSET_LOW_AT)
  if (inEntries < ENTRY_BYTES || isJudged) return false
  const position = Number(content.readBigInt64BE(at - inEntry + ENTRY_OFFSET_AT))
  return lost.some((range) => {
    const from = baseOf(range.file) + range.at
    return position >= from && position < from + range.bytes
  })
}
