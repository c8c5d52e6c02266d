import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createMessageMeter, isWholeMessage } from '../../src/node/message-meter.ts'

function framed(length: number): Buffer {
  const frame = Buffer.alloc(5 + length, 7)
  frame[0] = 0
  frame.writeUInt32BE(length, 1)
  return frame
}

test('message meter: messages cut anywhere → what is held is what came behind the last whole one', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 40 }), { maxLength: 8 }), fc.array(fc.nat({ max: 60 })), (lengths, cuts) => {
      const stream = Buffer.concat(lengths.map(framed))
      const ends = lengths.reduce<number[]>((all, length) => [...all, (all.at(-1) ?? 0) + 5 + length], [])
      const meter = createMessageMeter(1_000)
      let at = 0
      for (const cut of [...cuts, stream.length]) {
        const end = Math.min(stream.length, at + cut)
        const whole = meter.take(stream.subarray(at, end))
        expect(whole).toBe(ends.some((each) => each > at && each <= end))
        expect(meter.heldBytes).toBe(end - (ends.findLast((each) => each <= end) ?? 0))
        at = end
      }
      expect(meter.heldBytes).toBe(0)
    }),
  )
})

test('message meter: a message that is too long → holds nothing', () => {
  const meter = createMessageMeter(100)
  meter.take(framed(101).subarray(0, 50))
  expect(meter.heldBytes).toBe(0)
})

test('whole message: exactly one → true; a piece of it, more than it, or a prefix alone → false', () => {
  const message = Buffer.alloc(5 + 300, 7)
  message[0] = 0
  message.writeUInt32BE(300, 1)
  expect(isWholeMessage(message)).toBe(true)
  expect(isWholeMessage(Buffer.alloc(5))).toBe(true)
  for (const length of [0, 1, 4, 5, 6, 304]) expect(isWholeMessage(message.subarray(0, length))).toBe(false)
  expect(isWholeMessage(Buffer.concat([message, message]))).toBe(false)
  expect(isWholeMessage(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]))).toBe(false)
})
