// The generated codecs behind one small interface. Bytes from outside are hostile: decoding either gives a whole
// message or throws MqError 'protocol', whatever went wrong inside.
import { MqError } from '@rocketmq-ts/model'
import protobuf from 'protobufjs/minimal.js'

/** Bytes ↔ one protobuf message. `Message` is what decoding guarantees, `Init` what encoding accepts. */
export interface Codec<Message, Init> {
  readonly name: string
  /** Absent fields keep their defaults. The result is a fresh array. */
  encode(message: Init): Uint8Array
  /**
   * Absent messages and `optional` fields read as null, others as their default; defaults live on the prototype, so
   * spreading a message loses them. Enums may hold numbers this version does not name. `bytes` fields are views of
   * the input. Throws MqError 'protocol' for bytes that are no such message, 64-bit values beyond 2^53 included.
   */
  decode(bytes: Uint8Array): Message
}

/** A codec as protobufjs generates it. */
export interface GeneratedType {
  encode(message: unknown): { finish(): Uint8Array }
  decode(reader: protobuf.Reader): object
}

interface Int64Halves {
  readonly high: number
  readonly low: number
}

/** Reads 64-bit integers as numbers and refuses unsafe ones. */
class SafeReader extends protobuf.BufferReader {
  override int64(): never {
    const value: number | Int64Halves = super.int64()
    const number = typeof value === 'number' ? value : value.high * 2 ** 32 + (value.low >>> 0)
    if (!Number.isSafeInteger(number)) throw new RangeError(`64-bit value beyond 2^53: about ${number}`)
    // The base type says Long; generated code takes whatever arrives and compares it with 0.
    return number as never
  }
}

/** Wraps a generated type; the caller names the message type it stands for. */
export function codecOf<Message, Init>(name: string, generated: GeneratedType): Codec<Message, Init> {
  return {
    name,
    encode(message) {
      return generated.encode(message).finish()
    },
    decode(bytes) {
      try {
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        return generated.decode(new SafeReader(buffer)) as Message
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error)
        throw new MqError('protocol', `not a ${name} (${bytes.byteLength} bytes): ${cause}`, error)
      }
    },
  }
}
