// HTTP/2 frames (RFC 9113, 4.1) as far as a gRPC client needs them.
//
//   0          3      4       5           9
//   | length   | type | flags | stream id | payload

export const FRAME_HEADER_BYTES = 9
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const

export const Flag = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8 } as const

export const Setting = { INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5 } as const

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
}

/** Header and payload of one frame. */
export function frameOf(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length)
  writeFrameHeader(frame, { type, flags, streamId, length: payload.length })
  payload.copy(frame, FRAME_HEADER_BYTES)
  return frame
}

export interface FrameHeader {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly length: number
}

export function writeFrameHeader(into: Buffer, { type, flags, streamId, length }: FrameHeader, at = 0): void {
  into.writeUIntBE(length, at, 3)
  into[at + 3] = type
  into[at + 4] = flags
  into.writeUInt32BE(streamId, at + 5)
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6)
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, index * 6)
    payload.writeUInt32BE(value, index * 6 + 2)
  }
  return frameOf(FrameType.SETTINGS, 0, 0, payload)
}

export function windowUpdateFrame(streamId: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(bytes)
  return frameOf(FrameType.WINDOW_UPDATE, 0, streamId, payload)
}

/** Cuts a stream into frames; payloads are views. */
export function createFrameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let held: Buffer | undefined
  return (chunk) => {
    const bytes = held === undefined ? chunk : Buffer.concat([held, chunk])
    held = undefined
    let at = 0
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3)
      if (end > bytes.length) break
      const [type = 0, flags = 0] = [bytes[at + 3], bytes[at + 4]]
      const streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff
      onFrame({ type, flags, streamId, payload: bytes.subarray(at + FRAME_HEADER_BYTES, end) })
      at = end
    }
    if (at < bytes.length) held = bytes.subarray(at)
  }
}
