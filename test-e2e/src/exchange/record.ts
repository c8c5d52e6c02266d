// A stored message as brokers answer it, read from its bytes. Layout of Apache's commit log, versions 1 and 2.

const MAGIC_V2 = 0xdaa320ab
const MAGIC_V1 = 0xdaa320a7
const BORN_HOST_V6 = 0x10
const STORE_HOST_V6 = 0x20

export interface StoredMessage {
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly commitLogOffset: number
  readonly storedMs: number
  readonly reconsumeTimes: number
  readonly body: Buffer
  readonly properties: ReadonlyMap<string, string>
  /** The whole record. */
  readonly bytes: Buffer
}

/** All records of a body, one behind the other. Throws where one is none. */
export function readRecords(bytes: Buffer): StoredMessage[] {
  const messages: StoredMessage[] = []
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt32BE(at)
    const message = readRecord(bytes.subarray(at, at + size))
    messages.push(message)
    at += size
  }
  return messages
}

function readRecord(bytes: Buffer): StoredMessage {
  const magic = bytes.readUInt32BE(4)
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) throw new Error(`no record: magic ${magic.toString(16)}`)
  const sysFlag = bytes.readUInt32BE(36)
  let at = 48 + ((sysFlag & BORN_HOST_V6) !== 0 ? 20 : 8)
  const storedMs = Number(bytes.readBigInt64BE(at))
  at += 8 + ((sysFlag & STORE_HOST_V6) !== 0 ? 20 : 8)
  const reconsumeTimes = bytes.readInt32BE(at)
  at += 12
  const bodyEnd = at + 4 + bytes.readUInt32BE(at)
  const body = bytes.subarray(at + 4, bodyEnd)
  const topicAt = bodyEnd + (magic === MAGIC_V2 ? 2 : 1)
  const topicEnd = topicAt + (magic === MAGIC_V2 ? bytes.readUInt16BE(bodyEnd) : bytes.readUInt8(bodyEnd))
  const propertiesEnd = topicEnd + 2 + bytes.readUInt16BE(topicEnd)
  if (propertiesEnd !== bytes.length) throw new Error(`a record of ${bytes.length} bytes ends at ${propertiesEnd}`)
  return {
    topic: bytes.toString('utf8', topicAt, topicEnd),
    queueId: bytes.readInt32BE(12),
    queueOffset: Number(bytes.readBigInt64BE(20)),
    commitLogOffset: Number(bytes.readBigInt64BE(28)),
    storedMs,
    reconsumeTimes,
    body,
    properties: readProperties(bytes.toString('utf8', topicEnd + 2, propertiesEnd)),
    bytes,
  }
}

function readProperties(text: string): Map<string, string> {
  const entries = text.split('\u0002').filter((entry) => entry !== '')
  return new Map(entries.map((entry) => entry.split('\u0001') as [string, string]))
}

/** The text of properties as the wire and the log have it. */
export function writeProperties(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}\u0001${value}\u0002`)
    .join('')
}
