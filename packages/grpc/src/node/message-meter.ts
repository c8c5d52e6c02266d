// How much of a gRPC message has come that is not whole. Reads only the prefixes; grpc-js does the same for itself.
//
//   | compressed u8 | length u32 | message |  …

const PREFIX_BYTES = 5
const LENGTH_AT = 1

/** The bytes are exactly one message. */
export function isWholeMessage(bytes: Uint8Array): boolean {
  if (bytes.length < PREFIX_BYTES) return false
  let length = 0
  for (let at = LENGTH_AT; at < PREFIX_BYTES; at += 1) length = length * 256 + (bytes[at] ?? 0)
  return length === bytes.length - PREFIX_BYTES
}

export interface MessageMeter {
  /** Takes the next bytes of a stream; true when at least one message became whole by them. */
  take(chunk: Uint8Array): boolean
  /** Bytes of a message that is not whole, its prefix included. */
  readonly heldBytes: number
}

/** A message that says it is longer than `messageBytesMax` is refused by others, and holds nothing. */
export function createMessageMeter(messageBytesMax: number): MessageMeter {
  const prefix = new Uint8Array(PREFIX_BYTES)
  const view = new DataView(prefix.buffer)
  let prefixBytes = 0
  /** Bytes of the message behind the prefix, those that have come and all of them. */
  let cameBytes = 0
  let wholeBytes = 0

  return {
    take(chunk) {
      let isNew = false
      let at = 0
      while (at < chunk.length) {
        if (prefixBytes < PREFIX_BYTES) {
          const taken = Math.min(PREFIX_BYTES - prefixBytes, chunk.length - at)
          prefix.set(chunk.subarray(at, at + taken), prefixBytes)
          prefixBytes += taken
          at += taken
          if (prefixBytes < PREFIX_BYTES) break
          wholeBytes = view.getUint32(LENGTH_AT)
        }
        const taken = Math.min(wholeBytes - cameBytes, chunk.length - at)
        cameBytes += taken
        at += taken
        if (cameBytes < wholeBytes) break
        isNew = true
        prefixBytes = 0
        cameBytes = 0
        wholeBytes = 0
      }
      return isNew
    },
    get heldBytes() {
      return wholeBytes > messageBytesMax ? 0 : prefixBytes + cameBytes
    },
  }
}
