// Records of plain messages. A test names what it is about, everything else is there and says nothing.
import {
  commitLogOffset,
  encodeProperties,
  encodeRecord,
  queueOffset,
  type RecordFields,
  recordSize,
  tagsCodeOf,
} from '@rocketmq-ts/model'

const HOST = { host: '10.0.0.1', port: 1 }

/** What a test may say of a message. */
export interface PlainFields extends Partial<Omit<RecordFields, 'body' | 'properties'>> {
  readonly body?: string | Uint8Array
  /** By name, or as they are stored. */
  readonly properties?: Readonly<Record<string, string>> | Uint8Array
}

/** A message without its place, as the store takes it. */
export function plainRecord(fields: PlainFields = {}): RecordFields & { readonly tagsCode: number } {
  const { body = '', properties = {}, ...rest } = fields
  const isStored = properties instanceof Uint8Array
  return {
    topic: 'T',
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: 1,
    bornHost: HOST,
    storeHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: typeof body === 'string' ? Buffer.from(body) : body,
    properties: isStored ? properties : Buffer.from(encodeProperties(Object.entries(properties))),
    tagsCode: isStored || properties['TAGS'] === undefined ? 0 : tagsCodeOf(properties['TAGS']),
    ...rest,
  }
}

/** The same as the log has it; places that are not given are 0. */
export function storedRecord(
  fields: PlainFields,
  place: { readonly queueOffset?: number; readonly commitLogOffset?: number; readonly storeTimestampMs?: number } = {},
): Buffer {
  const record = plainRecord(fields)
  const bytes = Buffer.alloc(recordSize(record))
  const at = {
    queueOffset: queueOffset(place.queueOffset ?? 0),
    commitLogOffset: commitLogOffset(place.commitLogOffset ?? 0),
    storeTimestampMs: place.storeTimestampMs ?? 0,
  }
  encodeRecord(record, at, bytes, 0)
  return bytes
}
