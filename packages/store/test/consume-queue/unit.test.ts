import { expect, test } from '@jest/globals'
import { queueOffset } from '@rocketmq-ts/model'
import {
  decodeUnit,
  encodeUnit,
  fillerUnit,
  isFillerUnit,
  UNIT_BYTES,
  unitPosition,
} from '../../src/consume-queue/unit.ts'

function encoded(unit: { commitLogOffset: number; size: number; tagsCode: number }): string {
  const bytes = Buffer.alloc(UNIT_BYTES)
  encodeUnit(bytes, 0, unit)
  return bytes.toString('hex')
}

test("unit: Java's vectors → its bytes", () => {
  expect(encoded({ commitLogOffset: 4096, size: 177, tagsCode: 2_598_919 })).toBe(
    '0000000000001000000000b1000000000027a807',
  )
  expect(encoded({ commitLogOffset: 0, size: 1, tagsCode: -2_147_483_648 })).toBe(
    '000000000000000000000001ffffffff80000000',
  )
  expect(encoded(fillerUnit(queueOffset(5)))).toBe('00000000000000007fffffff0000000000000000')
})

test('unit: encoded → decoded, with the delivery time of a scheduled message too', () => {
  const bytes = Buffer.alloc(60)
  const unit = {
    queueOffset: queueOffset(9),
    commitLogOffset: (2 ** 41) as never,
    size: 123,
    tagsCode: 1_700_000_010_000,
  }
  encodeUnit(bytes, 20, unit)
  expect(decodeUnit(bytes, 20, queueOffset(9))).toEqual(unit)
  expect([unitPosition(bytes, 20), unitPosition(bytes, 0)]).toEqual([2 ** 41, -1])
})

test('unit: zeros, a size of zero, a negative offset, values that no number holds → no unit, and no exception', () => {
  const bytes = Buffer.alloc(UNIT_BYTES)
  expect(decodeUnit(bytes, 0, queueOffset(0))).toBeUndefined()
  encodeUnit(bytes, 0, { commitLogOffset: 5, size: 5, tagsCode: 5 })
  bytes[12] = 0x80
  expect(decodeUnit(bytes, 0, queueOffset(0))).toBeUndefined()
  bytes[0] = 0xff
  expect(unitPosition(bytes, 0)).toBe(-1)
  bytes[0] = 0x7f
  expect(unitPosition(bytes, 0)).toBe(-1)
  encodeUnit(bytes, 0, { commitLogOffset: 5, size: 0, tagsCode: -1 })
  expect(unitPosition(bytes, 0)).toBe(-1)
})

test('filler: it says so', () => {
  expect([isFillerUnit(fillerUnit(queueOffset(1))), isFillerUnit({ size: 100 })]).toEqual([true, false])
})
