// A stored record for people and for programs; and back, for an import.
import { decodeProperties, decodeRecord, encodeProperties, type MessageRecord, PropertyName } from '@rocketmq-ts/model'
import type { ScannedRecord } from '@rocketmq-ts/store'
import { printable, textOf, timeText } from '../output/text.ts'

const SHOWN_CHARACTERS = 200

/** One record as JSON. Bytes that are no text are base64, under a name that says so. */
export interface RecordDocument {
  readonly position: number
  readonly size: number
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly storedMs: number
  readonly bornMs: number
  readonly bornHost: string
  readonly storeHost: string
  readonly sysFlag: number
  readonly flag: number
  readonly reconsumeTimes: number
  readonly properties?: Readonly<Record<string, string>>
  readonly propertiesBase64?: string
  readonly body?: string
  readonly bodyBase64?: string
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** Properties as an object, where that keeps all of them. */
function propertiesOf(record: MessageRecord): Pick<RecordDocument, 'properties' | 'propertiesBase64'> {
  const text = textOf(record.properties)
  const properties = text === undefined ? undefined : decodeProperties(text)
  const isWhole = properties !== undefined && encodeProperties([...properties]) === text
  return isWhole ? { properties: Object.fromEntries(properties) } : { propertiesBase64: base64Of(record.properties) }
}

/** @param asBase64 also bodies that are text */
export function recordDocument({ bytes, at, position }: ScannedRecord, asBase64: boolean): RecordDocument {
  const record = decodeRecord(bytes, at)
  const body = asBase64 ? undefined : textOf(record.body)
  return {
    position,
    size: record.size,
    topic: record.topic,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    storedMs: record.storeTimestampMs,
    bornMs: record.bornTimestampMs,
    bornHost: `${record.bornHost.host}:${record.bornHost.port}`,
    storeHost: `${record.storeHost.host}:${record.storeHost.port}`,
    sysFlag: record.sysFlag,
    flag: record.flag,
    reconsumeTimes: record.reconsumeTimes,
    ...propertiesOf(record),
    ...(body === undefined ? { bodyBase64: base64Of(record.body) } : { body }),
  }
}

/** One line for people. */
export function recordLine(document: RecordDocument): string {
  const { position, topic, queueId, queueOffset, storedMs, properties, body, bodyBase64 } = document
  const tag = properties?.[PropertyName.TAGS]
  const keys = properties?.[PropertyName.KEYS]
  const shown = body ?? `base64:${bodyBase64 ?? ''}`
  const facts = [
    String(position),
    `${topic}/${queueId}@${queueOffset}`,
    timeText(storedMs),
    ...(tag === undefined ? [] : [`tag=${tag}`]),
    ...(keys === undefined ? [] : [`keys=${keys}`]),
    shown.length > SHOWN_CHARACTERS ? `${shown.slice(0, SHOWN_CHARACTERS)} …` : shown,
  ]
  return printable(facts.join('  '))
}
