// Cuts a stream into frames. A declared length is refused before anything is buffered for it; a frame is consumed
// whole before anyone looks inside, so one bad command never shifts the next.
//
//   0        4      5          8           8+H
//   | L i32  | type | H u24    | header    | body        L counts everything after itself: 4 + H + body
import { MqError } from '@rocketmq-ts/model'
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX } from './limits.ts'

/** Views into what arrived (or into one copy where the frame was cut): nobody writes to them. */
export interface Frame {
  /** Serialization type: 0 JSON, 1 binary. */
  readonly type: number
  readonly header: Buffer
  readonly body: Buffer
}

export interface FrameDecoder {
  /**
   * Takes the next bytes of the stream and hands over each frame they complete, in order. Throws MqError 'protocol'
   * for a stream that is none; the stream is lost then, and the connection must be closed.
   */
  push(chunk: Uint8Array, onFrame: (frame: Frame) => void): void
  /** Bytes held for an incomplete frame. */
  readonly heldBytes: number
  /** Memory that they take, which is more while the frame grows. */
  readonly bufferBytes: number
}

const PREFIX_BYTES = 8
const EMPTY = Buffer.alloc(0)
/** First size of the buffer for a cut frame; it doubles up to the frame, so memory follows what really arrived. */
const HELD_BYTES_MIN = 4096

function refuse(reason: string): MqError {
  return new MqError('protocol', `frame refused: ${reason}`)
}

export function createFrameDecoder(options: { readonly frameBytesMax?: number } = {}): FrameDecoder {
  const frameBytesMax = options.frameBytesMax ?? FRAME_BYTES_MAX
  let held: Buffer = EMPTY
  let heldBytes = 0
  let failed = false

  /** Size of the frame that starts at `at` as far as known: the prefix while that is incomplete. Throws on nonsense. */
  function frameBytes(bytes: Buffer, at: number, available: number): number {
    if (available < 4) return PREFIX_BYTES
    const declared = bytes.readInt32BE(at)
    if (declared < 4) throw refuse(`declared length ${declared} is below 4`)
    if (declared > frameBytesMax - 4) throw refuse(`declared length ${declared} exceeds ${frameBytesMax - 4} bytes`)
    if (available < PREFIX_BYTES) return PREFIX_BYTES
    const headerBytes = bytes.readUIntBE(at + 5, 3)
    if (headerBytes > declared - 4) throw refuse(`header length ${headerBytes} exceeds the frame of ${declared} bytes`)
    if (headerBytes > HEADER_BYTES_MAX) throw refuse(`header length ${headerBytes} exceeds ${HEADER_BYTES_MAX} bytes`)
    return 4 + declared
  }

  function frameAt(bytes: Buffer, at: number, size: number): Frame {
    const bodyAt = at + PREFIX_BYTES + bytes.readUIntBE(at + 5, 3)
    return {
      type: bytes[at + 4] as number,
      header: bytes.subarray(at + PREFIX_BYTES, bodyAt),
      body: bytes.subarray(bodyAt, at + size),
    }
  }

  function hold(bytes: Buffer, sizeMax: number): void {
    const needed = heldBytes + bytes.length
    if (needed > held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(sizeMax, Math.max(HELD_BYTES_MIN, 2 * needed))))
      held.copy(grown, 0, 0, heldBytes)
      held = grown
    }
    bytes.copy(held, heldBytes)
    heldBytes = needed
  }

  /** Completes the held frame; returns how many bytes of the chunk it took. */
  function completeHeld(chunk: Buffer, onFrame: (frame: Frame) => void): number {
    let at = 0
    for (;;) {
      const size = frameBytes(held, 0, heldBytes)
      if (heldBytes >= PREFIX_BYTES && heldBytes === size) {
        const frame = frameAt(held, 0, size)
        held = EMPTY
        heldBytes = 0
        onFrame(frame)
        return at
      }
      if (at === chunk.length) return at
      const end = Math.min(chunk.length, at + size - heldBytes)
      hold(chunk.subarray(at, end), size)
      at = end
    }
  }

  function consume(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let at = heldBytes > 0 ? completeHeld(chunk, onFrame) : 0
    while (at < chunk.length) {
      const available = chunk.length - at
      const size = frameBytes(chunk, at, available)
      if (available < size) {
        hold(chunk.subarray(at), size)
        return
      }
      onFrame(frameAt(chunk, at, size))
      at += size
    }
  }

  return {
    push(chunk, onFrame) {
      if (failed) throw refuse('the stream was already refused')
      failed = true
      consume(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), onFrame)
      failed = false
    },
    get heldBytes() {
      return heldBytes
    },
    get bufferBytes() {
      return held.length
    },
  }
}
