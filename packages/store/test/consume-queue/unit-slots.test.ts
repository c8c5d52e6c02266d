import { expect, test } from '@jest/globals'
import { type Slab, UnitSlots } from '../../src/consume-queue/unit-slots.ts'

const SLOTS_OF_8 = Math.floor((64 * 1024) / (8 * 20))

function takeMany(slots: UnitSlots, units: number, count: number): { slab: Slab; start: number }[] {
  return Array.from({ length: count }, () => {
    const slab = slots.slabOf(units)!
    return { slab, start: slots.take(slab) }
  })
}

test('slots: as many as a slab has, and one more → none is given out twice, and there is a second slab', () => {
  const slots = new UnitSlots()
  const taken = takeMany(slots, 8, SLOTS_OF_8 + 1)
  expect(slots.slabs).toBe(2)
  expect(new Set(taken.map(({ slab }) => slab)).size).toBe(2)
  const starts = taken.filter(({ slab }) => slab === taken[0]!.slab).map(({ start }) => start)
  expect([...starts].sort((a, b) => a - b)).toEqual(Array.from({ length: SLOTS_OF_8 }, (_, at) => at * 160))
  expect(Math.max(...starts) + 160).toBeLessThanOrEqual(taken[0]!.slab.bytes.length)
})

test('slots: one of a full slab is given back → it is the next one that is taken', () => {
  const slots = new UnitSlots()
  const taken = takeMany(slots, 8, SLOTS_OF_8)
  const { slab, start } = taken[100]!
  slots.give(slab, start)
  expect(takeMany(slots, 8, 1)).toEqual([{ slab, start }])
  expect(slots.slabs).toBe(1)
})

test('slots: all are given back → no slab stays, and the next slot has one of its own', () => {
  const slots = new UnitSlots()
  const taken = takeMany(slots, 32, 300)
  expect(slots.slabs).toBe(3)
  for (const { slab, start } of taken) slots.give(slab, start)
  expect(slots.slabs).toBe(0)
  const [again] = takeMany(slots, 32, 1)
  expect(taken.map(({ slab }) => slab)).not.toContain(again!.slab)
  expect(slots.slabs).toBe(1)
})

test('slots: a number of units that only few chunks have → no slab, but a buffer of its own', () => {
  const slots = new UnitSlots()
  expect([7, 9, 128, 256].map((units) => slots.slabOf(units))).toEqual([undefined, undefined, undefined, undefined])
  expect(slots.slabs).toBe(0)
})
