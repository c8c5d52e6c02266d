import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { commitLogOffset, offsetMessageId, parseOffsetMessageId } from '../src/index.ts'
import { codeOf } from './thrown.ts'

test('offset message id: 127.0.0.1:10911 at 123456789 → the text of Java', () => {
  expect(offsetMessageId('127.0.0.1', 10_911, commitLogOffset(123_456_789))).toBe('7F00000100002A9F00000000075BCD15')
})

test('offset message id: any address and offset → the same after parsing', () => {
  const host = fc.oneof(fc.ipV4(), fc.constantFrom('::1', '2001:db8::42'))
  fc.assert(
    fc.property(host, fc.nat(65_535), fc.maxSafeNat(), (address, port, offset) => {
      const id = offsetMessageId(address, port, commitLogOffset(offset))
      expect(parseOffsetMessageId(id)).toEqual({ host: address, port, commitLogOffset: offset })
    }),
  )
})

test.each([
  ['', 'empty'],
  ['7F00000100002A9F00000000075BCD1', 'a digit short'],
  ['7F00000100002A9F00000000075BCDXY', 'not hexadecimal'],
  ['7F00000100002A9F7F000000075BCD15', 'an offset beyond 2^53'],
  ['7F00000100002A9FFFFFFFFFFFFFFFFF', 'a negative offset'],
])("offset message id: '%s' (%s) → parameter-invalid", (text) => {
  expect(codeOf(() => parseOffsetMessageId(text))).toBe('parameter-invalid')
})
