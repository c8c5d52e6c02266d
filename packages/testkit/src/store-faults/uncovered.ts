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
  // Of records that have no unit and no entry in the index: rolled back, and undecided ones without a key.
  'preparedTransactionOffset of a transaction',
  'queueId of a transaction',
  'topic of a transaction',
] as const
export type UncoveredField = (typeof UNCOVERED_FIELDS)[number]

/** Copies of what recovery cut off: for people. */
const KEPT_ASIDE = /^damaged\//u

/** Says what leaves a byte uncovered; undefined for one that must be covered. `isCut`: it is gone, not changed. */
export type Uncovered = (file: string, at: number, isCut: boolean) => string | undefined

export function createUncovered(image: FolderImage): Uncovered {
  const segments = new Map<string, Uint8Array>()
  for (const [file, content] of image) {
    if (file.startsWith('commitlog/')) segments.set(file, fieldsOf(content, Number(file.slice('commitlog/'.length))))
  }
  return (file, at, isCut) => {
    if (KEPT_ASIDE.test(file)) return 'damaged/'
    // It is made piece by piece, and a stop may come before it is whole.
    if (file === 'reserve' && isCut) return 'length of reserve'
    const field = segments.get(file)?.[at] ?? 0
    return field === 0 ? undefined : UNCOVERED_FIELDS[field - 1]
  }
}

/** Number of the uncovered field of each byte of a segment, from 1 on; 0 elsewhere. */
function fieldsOf(segment: Buffer, base: number): Uint8Array {
  const fields = new Uint8Array(segment.length)
  const peek = createRecordPeek()
  for (let at = 0; at + 8 <= segment.length;) {
    const isRecord = peekRecord(segment, at, peek) === 'record' && peek.commitLogOffset === base + at
    if (isRecord) markRecord(fields, at, peek)
    // Over holes byte by byte.
    at += isRecord ? peek.totalSize : 1
  }
  return fields
}

function markRecord(fields: Uint8Array, at: number, peek: RecordPeek): void {
  const { sysFlag, topicAt, topicLength, propertiesAt, propertiesLength } = peek
  const mark = (field: UncoveredField, from: number, to: number): void => {
    fields.fill(UNCOVERED_FIELDS.indexOf(field) + 1, from, to)
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
  mark('storeTimestamp', storedAt + 5, storedAt + 8)
  mark('storeHost', storedAt + 8, storedAt + 8 + storeBytes)
  mark('storeHost', storedAt + 8 + storeBytes + 2, restAt)
  mark('reconsumeTimes', restAt, restAt + 4)
  mark('properties', propertiesAt, propertiesAt + propertiesLength)
  const transaction = sysFlag & SysFlag.TRANSACTION_MASK
  if (transaction === 0) return
  mark('preparedTransactionOffset of a transaction', restAt + 4, restAt + 12)
  if (transaction === SysFlag.TRANSACTION_COMMIT) return
  mark('queueId of a transaction', at + 12, at + 16)
  mark('topic of a transaction', topicAt, topicAt + topicLength)
}
