// The two forms of an export. Both end with what they hold, so that a file that was cut is known as such.
//
//   jsonl     one message per line, see record-document.ts; last {"end":{"messages":…,"upTo":…}}
//   compact   'RMQX' | version u32 | records as in the log | 0 u32 | messages u64 | upTo u64 | CRC-32 of all before u32
import { crc32 } from '@rocketmq-ts/bytes'
import { decodeRecord, encodeProperties, type MessageRecord } from '@rocketmq-ts/model'
import type { File } from '@rocketmq-ts/runtime'
import type { ScannedRecord } from '@rocketmq-ts/store'
import { CliFailure } from '../failures.ts'
import { recordDocument, type RecordDocument } from './record-document.ts'

export type ExportFormat = 'jsonl' | 'compact'

const MAGIC = 0x52_4d_51_58
const VERSION = 1
const HEAD_BYTES = 8
const TAIL_BYTES = 24
const PIECE_BYTES = 1024 * 1024
/** Of one line or record: a body of 64 MiB as base64, and what is around it. */
const MESSAGE_BYTES_MAX = 128 * 1024 * 1024
const LINE_FEED = 0x0a

/** What an import needs of a message. */
export type ExportedMessage = Pick<
  MessageRecord,
  'topic' | 'queueId' | 'flag' | 'sysFlag' | 'bornTimestampMs' | 'properties' | 'body'
>

export interface ExportWriter {
  add(record: ScannedRecord): void
  /** Writes what ends the file; resolves with its length when it is on the disk. */
  end(upTo: number): Promise<number>
}

export function createExportWriter(file: File, format: ExportFormat): ExportWriter {
  let parts: Buffer[] = []
  let partBytes = 0
  let written = 0
  let messages = 0
  let crc = 0

  function flush(): void {
    file.writeSync(written, parts)
    written += partBytes
    parts = []
    partBytes = 0
  }

  function write(bytes: Buffer): void {
    crc = crc32(bytes, crc)
    parts.push(bytes)
    partBytes += bytes.length
    if (partBytes >= PIECE_BYTES) flush()
  }

  function writeLine(value: unknown): void {
    write(Buffer.from(`${JSON.stringify(value)}\n`))
  }

  if (format === 'compact') {
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeUInt32BE(MAGIC, 0)
    head.writeUInt32BE(VERSION, 4)
    write(head)
  }
  return {
    add(record) {
      messages += 1
      const { bytes, at, peek } = record
      if (format === 'jsonl') writeLine(recordDocument(record, false))
      else write(Buffer.from(bytes.subarray(at, at + peek.totalSize)))
    },
    async end(upTo) {
      if (format === 'jsonl') writeLine({ end: { messages, upTo } })
      else {
        const tail = Buffer.alloc(TAIL_BYTES - 4)
        tail.writeBigUInt64BE(BigInt(messages), 4)
        tail.writeBigUInt64BE(BigInt(upTo), 12)
        write(tail)
        const sum = Buffer.alloc(4)
        sum.writeUInt32BE(crc, 0)
        write(sum)
      }
      flush()
      await file.sync()
      return written
    },
  }
}

function cut(path: string, reason: string): CliFailure {
  return new CliFailure('input', `${path}: ${reason}`, 'Export again: nothing behind this place was read.')
}

/** Reads an export of either form, message by message. Rejects with CliFailure where it is cut or no export. */
export async function* readExport(file: File): AsyncGenerator<ExportedMessage> {
  const head = Buffer.alloc(HEAD_BYTES)
  const count = await file.read(0, head)
  if (count === HEAD_BYTES && head.readUInt32BE(0) === MAGIC) {
    if (head.readUInt32BE(4) !== VERSION) throw cut(file.path, `version ${head.readUInt32BE(4)} is not known`)
    yield* readCompact(file)
  } else yield* readLines(file)
}

/** Nothing of a compact file is taken before all of it was seen to be whole. */
async function checkSum(file: File, end: number): Promise<void> {
  if (end < HEAD_BYTES) throw cut(file.path, 'it is cut')
  let crc = 0
  const stop = end + TAIL_BYTES - 4
  for (let at = 0; at < stop; at += PIECE_BYTES)
    crc = crc32(await bytesAt(file, at, Math.min(PIECE_BYTES, stop - at)), crc)
  if ((await bytesAt(file, stop, 4)).readUInt32BE(0) !== crc)
    throw cut(file.path, 'its checksum differs: it is cut or damaged')
}

async function* readCompact(file: File): AsyncGenerator<ExportedMessage> {
  const end = (await file.size()) - TAIL_BYTES
  await checkSum(file, end)
  for (let at = HEAD_BYTES; at < end;) {
    const size = (await bytesAt(file, at, 4)).readUInt32BE(0)
    if (size > MESSAGE_BYTES_MAX || size < 8 || at + size > end) throw cut(file.path, `no message begins at byte ${at}`)
    const bytes = await bytesAt(file, at, size)
    at += size
    yield decodeRecord(bytes)
  }
}

async function bytesAt(file: File, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  if ((await file.read(at, bytes)) < length) throw cut(file.path, 'it is cut')
  return bytes
}

async function* readLines(file: File): AsyncGenerator<ExportedMessage> {
  let rest: Buffer = Buffer.alloc(0)
  let messages = 0
  for (let at = 0; ;) {
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    const count = await file.read(at, piece)
    if (count === 0) throw cut(file.path, messages === 0 ? 'it is no export' : 'its last line is missing: it is cut')
    at += count
    rest = Buffer.concat([rest, piece.subarray(0, count)])
    if (rest.length > MESSAGE_BYTES_MAX) throw cut(file.path, `a line is longer than ${MESSAGE_BYTES_MAX} bytes`)
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      const line = parseLine(file.path, rest.toString('utf8', 0, end), messages + 1)
      rest = rest.subarray(end + 1)
      if ('end' in line) {
        if (line.end.messages !== messages) throw cut(file.path, `has ${messages} of ${line.end.messages} messages`)
        return
      }
      messages += 1
      yield messageOf(line)
    }
  }
}

function parseLine(path: string, text: string, number: number): RecordDocument | { end: { messages: number } } {
  try {
    const line = JSON.parse(text) as RecordDocument | { end: { messages: number } }
    if (typeof line === 'object' && line !== null && ('end' in line || typeof line.topic === 'string')) return line
  } catch {
    // Told below: no line of an export.
  }
  throw cut(path, `line ${number} is no message of an export`)
}

function messageOf(line: RecordDocument): ExportedMessage {
  const { topic, queueId, flag, sysFlag, bornMs, properties, propertiesBase64, body, bodyBase64 } = line
  return {
    topic,
    queueId,
    flag,
    sysFlag,
    bornTimestampMs: bornMs,
    properties:
      properties === undefined
        ? Buffer.from(propertiesBase64 ?? '', 'base64')
        : Buffer.from(encodeProperties(Object.entries(properties))),
    body: body === undefined ? Buffer.from(bodyBase64 ?? '', 'base64') : Buffer.from(body),
  }
}
