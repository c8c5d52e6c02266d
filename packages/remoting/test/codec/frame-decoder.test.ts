import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createFrameDecoder, type Frame } from '../../src/codec/frame-decoder.ts'
import { decodeCommand } from '../../src/codec/remoting-command.ts'

interface Parts {
  readonly type: number
  readonly header: Uint8Array
  readonly body: Uint8Array
}

function frameOf({ type, header, body }: Parts): Buffer {
  const prefix = Buffer.alloc(8)
  prefix.writeInt32BE(4 + header.length + body.length, 0)
  prefix[4] = type
  prefix.writeUIntBE(header.length, 5, 3)
  return Buffer.concat([prefix, header, body])
}

function noFrame(): never {
  throw new Error('no frame was expected')
}

function plain(frame: Frame): { type: number; header: string; body: string } {
  return { type: frame.type, header: frame.header.toString('hex'), body: frame.body.toString('hex') }
}

function decodeAll(chunks: readonly Uint8Array[], frameBytesMax?: number): ReturnType<typeof plain>[] {
  const decoder = createFrameDecoder(frameBytesMax === undefined ? {} : { frameBytesMax })
  const frames: ReturnType<typeof plain>[] = []
  for (const chunk of chunks) decoder.push(chunk, (frame) => frames.push(plain(frame)))
  return frames
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((at) => at % (bytes.length + 1)))].sort((left, right) => left - right)
  const starts = [0, ...places]
  return starts.map((start, index) => bytes.subarray(start, places[index] ?? bytes.length))
}

const someFrames = fc.array(
  fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    header: fc.uint8Array({ maxLength: 40 }),
    body: fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ minLength: 5000, maxLength: 9000 })),
  }),
  { maxLength: 6 },
)

test('frame decoder: any cut of a stream → the same frames', () => {
  fc.assert(
    fc.property(someFrames, fc.array(fc.nat(), { maxLength: 30 }), (parts, cuts) => {
      const stream = Buffer.concat(parts.map(frameOf))
      const expected = parts.map(({ type, header, body }) => ({
        type,
        header: Buffer.from(header).toString('hex'),
        body: Buffer.from(body).toString('hex'),
      }))
      expect(decodeAll(cut(stream, cuts))).toEqual(expected)
    }),
    { numRuns: 200 },
  )
})

test('frame decoder: one byte at a time → the same frames', () => {
  const stream = Buffer.concat(
    [1, 0, 300].map((size) => frameOf({ type: 0, header: Buffer.alloc(size), body: Buffer.alloc(9) })),
  )
  expect(decodeAll([...stream].map((byte) => Buffer.of(byte)))).toEqual(decodeAll([stream]))
})

test('frame decoder: a frame within a chunk → its body is a view of the chunk', () => {
  const chunk = frameOf({ type: 0, header: Buffer.from('{}'), body: Buffer.from('body') })
  createFrameDecoder().push(chunk, (frame) => {
    expect(frame.body.buffer).toBe(chunk.buffer)
    expect(frame.body.byteOffset).toBe(chunk.byteOffset + 10)
  })
  expect.assertions(2)
})

test.each([
  ['a length above the limit', 'frame of 101 bytes', () => prefixOf(97, 0), /declared length 97 exceeds 96 bytes/],
  ['a negative length', 'four bytes', () => prefixOf(-1, 0).subarray(0, 4), /declared length -1 is below 4/],
  [
    'a length that leaves no room for the header length',
    'four bytes',
    () => prefixOf(3, 0),
    /declared length 3 is below 4/,
  ],
  ['a header beyond its frame', 'the prefix', () => prefixOf(14, 11), /header length 11 exceeds the frame of 14 bytes/],
])('frame decoder: %s → refused at once, before anything is buffered (%s)', (_case, _bytes, start, reason) => {
  const decoder = createFrameDecoder({ frameBytesMax: 100 })
  expect(() => decoder.push(start(), () => noFrame())).toThrow(reason)
  expect(decoder.heldBytes).toBe(0)
  expect(() => decoder.push(Buffer.alloc(1), () => noFrame())).toThrow(/already refused/)
})

function prefixOf(declared: number, headerBytes: number): Buffer {
  const prefix = Buffer.alloc(8)
  prefix.writeInt32BE(declared, 0)
  prefix.writeUIntBE(headerBytes, 5, 3)
  return prefix
}

test('frame decoder: a header above 256 KiB → refused', () => {
  expect(() => createFrameDecoder().push(prefixOf(600_000, 262_145), () => {})).toThrow(/exceeds 262144 bytes/)
})

test('frame decoder: the longest allowed frame → accepted', () => {
  const frame = frameOf({ type: 0, header: Buffer.alloc(0), body: Buffer.alloc(92, 1) })
  expect(decodeAll([frame.subarray(0, 50), frame.subarray(50)], 100)).toHaveLength(1)
})

test('frame decoder: a large declared length with few bytes behind it → memory follows what arrived', () => {
  const decoder = createFrameDecoder()
  decoder.push(prefixOf(16 * 1024 * 1024 - 4, 0), () => noFrame())
  decoder.push(Buffer.alloc(100), () => noFrame())
  expect(decoder.heldBytes).toBe(108)
})

test('frame decoder: frames in front of a bad one → handed over before the refusal', () => {
  const good = frameOf({ type: 0, header: Buffer.from('{}'), body: Buffer.alloc(0) })
  const frames: Frame[] = []
  expect(() =>
    createFrameDecoder().push(Buffer.concat([good, prefixOf(-5, 0)]), (frame) => frames.push(frame)),
  ).toThrow(/-5/)
  expect(frames).toHaveLength(1)
})

test('frame decoder: arbitrary bytes → frames or an MqError, and never more held than arrived', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (chunks) => {
      const decoder = createFrameDecoder()
      let arrived = 0
      try {
        for (const chunk of chunks) {
          arrived += chunk.length
          decoder.push(chunk, (frame) => decodeCommand(frame))
          expect(decoder.heldBytes).toBeLessThanOrEqual(arrived)
        }
      } catch (error) {
        expect(error).toMatchObject({ name: 'MqError', code: 'protocol' })
      }
    }),
    { numRuns: 500 },
  )
})
