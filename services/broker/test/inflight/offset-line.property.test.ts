// The line of offsets against a sorted array.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { OffsetLine } from '../../src/inflight/offset-line.ts'

test('offset line: any offsets come and go, most of them at the front → what is left, ascending', () => {
  const step = fc.oneof(
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('any' as const), offset: fc.nat(60) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('lowest' as const), offset: fc.constant(0) }) },
  )
  fc.assert(
    fc.property(fc.nat(40), fc.array(step, { maxLength: 200 }), (begun, steps) => {
      const line = new OffsetLine()
      let expected = Array.from({ length: begun }, (_, index) => index)
      for (const offset of expected) line.add(offset)
      for (const { kind, offset } of steps) {
        const moved = kind === 'any' ? offset : expected[0]
        if (moved === undefined) continue
        if (expected.includes(moved)) {
          line.remove(moved)
          expected = expected.filter((each) => each !== moved)
        } else {
          line.add(moved)
          expected = [...expected, moved].sort((a, b) => a - b)
        }
        line.remove(61)
        expect([...line]).toEqual(expected)
        expect([line.length, line.lowest]).toEqual([expected.length, expected[0]])
      }
    }),
  )
})
