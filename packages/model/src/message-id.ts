// Message ids that name a place: the address of a broker and a commit log offset, as upper-case hex.
import { BytesError, readInt32, readInt64, writeInt32, writeInt64 } from '@rocketmq-ts/bytes'
import { hostBytesLength, readHost, writeHost } from './host-address.ts'
import { commitLogOffset, type CommitLogOffset } from './ids.ts'
import { MqError } from './mq-error.ts'

const IPV4_ID_CHARS = 32
const IPV6_ID_CHARS = 56

/** Java: MessageDecoder.createMessageId. 32 characters for IPv4, 56 for IPv6. */
export function offsetMessageId(host: string, port: number, offset: CommitLogOffset): string {
  const hostLength = hostBytesLength(host)
  const bytes = Buffer.allocUnsafe(hostLength + 12)
  writeHost(host, bytes, 0)
  writeInt32(bytes, hostLength, port)
  writeInt64(bytes, hostLength + 4, offset)
  return bytes.toString('hex').toUpperCase()
}

/** MqError 'parameter-invalid' for a text that names no place. A client's unique key may pass by chance, as in Java. */
export function parseOffsetMessageId(text: string): {
  readonly host: string
  readonly port: number
  readonly commitLogOffset: CommitLogOffset
} {
  const fits = text.length === IPV4_ID_CHARS || text.length === IPV6_ID_CHARS
  if (!fits || !/^[0-9a-fA-F]+$/.test(text)) {
    throw new MqError('parameter-invalid', 'msgId: an offset message id is 32 or 56 hexadecimal digits')
  }
  const bytes = Buffer.from(text, 'hex')
  const hostLength = text.length === IPV4_ID_CHARS ? 4 : 16
  const offset = readOffset(bytes, hostLength + 4)
  return {
    host: readHost(bytes, 0, hostLength),
    port: readInt32(bytes, hostLength),
    commitLogOffset: commitLogOffset(offset),
  }
}

function readOffset(bytes: Uint8Array, at: number): number {
  try {
    const offset = readInt64(bytes, at, 'commit log offset')
    if (offset >= 0) return offset
  } catch (error) {
    if (!(error instanceof BytesError)) throw error
  }
  throw new MqError('parameter-invalid', 'msgId: its commit log offset is out of range')
}
