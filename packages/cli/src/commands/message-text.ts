// A received message for people and for programs.
import { inflateSync, zstdDecompressSync } from 'node:zlib'
import type { PoppedMessage } from '@rocketmq-ts/cluster-client'
import { PropertyName, SysFlag } from '@rocketmq-ts/model'
import type { Printer } from '../output/printer.ts'
import { printable, printableLines, timeText } from '../output/text.ts'

/** A body that grows beyond this while it is decompressed is shown as it came. */
const BODY_BYTES_MAX = 64 * 1024 * 1024
const SHOWN_BYTES_MAX = 48

const systemNames: ReadonlySet<string> = new Set(Object.values(PropertyName))

export interface Received {
  readonly message: PoppedMessage
  readonly brokerName: string
}

/** For programs: the body as text where it is text, else as base64. */
export function messageDocument({ message, brokerName }: Received) {
  const { record, properties } = message
  const body = readBody(record.body, record.sysFlag)
  const text = textOf(body.bytes)
  return {
    messageId: idOf(message),
    topic: record.topic,
    brokerName,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    deliveryAttempt: message.reconsumeTimes + 1,
    tag: properties.get(PropertyName.TAGS),
    keys: keysOf(properties),
    bornMs: record.bornTimestampMs,
    storedMs: record.storeTimestampMs,
    receiptHandle: message.handleText,
    properties: Object.fromEntries([...properties].filter(([name]) => !systemNames.has(name))),
    ...(body.compression !== undefined && { compression: body.compression }),
    ...(text === undefined ? { bodyBase64: Buffer.from(body.bytes).toString('base64') } : { body: text }),
  }
}

/** For people: a line of where it is and what it carries, then the body. */
export function printMessage(printer: Printer, { message, brokerName }: Received): void {
  const { record, properties } = message
  const tag = properties.get(PropertyName.TAGS)
  const keys = keysOf(properties)
  const attempt = message.reconsumeTimes + 1
  const facts = [
    `${brokerName}/${record.queueId}@${record.queueOffset}`,
    idOf(message),
    timeText(record.storeTimestampMs),
    ...(tag === undefined ? [] : [`tag=${tag}`]),
    ...(keys.length === 0 ? [] : [`keys=${keys.join(',')}`]),
    ...(attempt > 1 ? [`attempt=${attempt}`] : []),
    ...[...properties].filter(([name]) => !systemNames.has(name)).map(([name, value]) => `${name}=${value}`),
  ]
  printer.line(printer.styled('dim', printable(facts.join('  '))))
  printer.line(bodyText(record.body, record.sysFlag))
}

function idOf({ properties, record }: PoppedMessage): string {
  return properties.get(PropertyName.UNIQ_KEY) ?? `${record.topic}/${record.queueId}@${record.queueOffset}`
}

function keysOf(properties: ReadonlyMap<string, string>): string[] {
  return (properties.get(PropertyName.KEYS) ?? '').split(' ').filter((key) => key !== '')
}

function bodyText(stored: Uint8Array, sysFlag: number): string {
  const { bytes, compression } = readBody(stored, sysFlag)
  const text = textOf(bytes)
  if (text !== undefined) return printableLines(text)
  const start = Buffer.from(bytes.subarray(0, SHOWN_BYTES_MAX)).toString('hex').replaceAll(/../g, '$& ').trimEnd()
  const kind = compression === undefined ? 'binary' : `compressed with ${compression}`
  return `(${kind}, ${bytes.length} bytes) ${start}${bytes.length > SHOWN_BYTES_MAX ? ' …' : ''}`
}

/** `compression` is set where the bytes are still compressed. */
function readBody(bytes: Uint8Array, sysFlag: number): { bytes: Uint8Array; compression?: string } {
  if ((sysFlag & SysFlag.COMPRESSED) === 0) return { bytes }
  const kind = sysFlag & SysFlag.COMPRESSION_MASK
  if (kind === SysFlag.COMPRESSION_LZ4) return { bytes, compression: 'lz4' }
  try {
    const limit = { maxOutputLength: BODY_BYTES_MAX }
    if (kind === SysFlag.COMPRESSION_ZSTD) return { bytes: zstdDecompressSync(bytes, limit) }
    return { bytes: inflateSync(bytes, limit) }
  } catch {
    return { bytes, compression: kind === SysFlag.COMPRESSION_ZSTD ? 'zstd' : 'zlib' }
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined for bytes that are no text. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = strictUtf8.decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}
