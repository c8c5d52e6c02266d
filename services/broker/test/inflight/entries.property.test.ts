// The entry table, its index, the heap of deadlines and the ready bits, each against something obvious.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { BlockIndex } from '../../src/inflight/block-index.ts'
import { DeadlineHeap } from '../../src/inflight/deadline-heap.ts'
import { ReadyQueues } from '../../src/inflight/ready-queues.ts'

test('block index: any sets and deletes, many of them colliding → finds what a map finds', () => {
  const key = fc.record({ owner: fc.nat(3), block: fc.oneof(fc.nat(40), fc.maxSafeNat()) })
  const action = fc.record({ key: fc.nat(79), remove: fc.boolean() })
  fc.assert(
    fc.property(
      fc.uniqueArray(key, { minLength: 80, maxLength: 80, selector: ({ owner, block }) => `${owner}/${block}` }),
      fc.array(action, { maxLength: 400 }),
      (keys, actions) => {
        const owner = Int32Array.from(keys, (each) => each.owner)
        const block = Float64Array.from(keys, (each) => each.block)
        const index = new BlockIndex({ owner, block })
        const expected = new Set<number>()
        for (const { key: slot, remove } of actions) {
          if (remove) index.delete(owner[slot]!, block[slot]!)
          else index.set(slot)
          if (remove) expected.delete(slot)
          else expected.add(slot)
        }
        for (let slot = 0; slot < keys.length; slot += 1) {
          expect(index.get(owner[slot]!, block[slot]!)).toBe(expected.has(slot) ? slot : -1)
        }
      },
    ),
  )
})

test('deadline heap: any pushes and removals → the first is always the earliest, removed ones never come', () => {
  const action = fc.record({ slot: fc.nat(150), deadline: fc.nat(50) })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 600 }), (actions) => {
      const deadline = new Float64Array(151)
      const heapAt = new Int32Array(151).fill(-1)
      const heap = new DeadlineHeap({ deadline, heapAt })
      const expected = new Map<number, number>()
      for (const { slot, deadline: due } of actions) {
        if (expected.delete(slot)) heap.remove(slot)
        else {
          deadline[slot] = due
          expected.set(slot, due)
          heap.push(slot)
        }
        const first = heap.first()
        if (expected.size === 0) expect(first).toBe(-1)
        else expect(expected.get(first)).toBe(Math.min(...expected.values()))
      }
      let last = -1
      for (let first = heap.first(); first >= 0; first = heap.first()) {
        expect(expected.delete(first)).toBe(true)
        expect(deadline[first]!).toBeGreaterThanOrEqual(last)
        last = deadline[first]!
        heap.remove(first)
        heap.remove(first)
      }
      expect(expected.size).toBe(0)
    }),
  )
})

test('ready queues: any queue ids set and cleared → the next one at or after any id, cyclically', () => {
  const id = fc.oneof(fc.nat(70), fc.nat(65_535))
  fc.assert(
    fc.property(fc.array(fc.record({ id, clear: fc.boolean() }), { maxLength: 60 }), id, (actions, from) => {
      const ready = new ReadyQueues()
      const expected = new Set<number>()
      for (const action of actions) {
        if (action.clear) ready.clear(action.id)
        else ready.set(action.id)
        if (action.clear) expected.delete(action.id)
        else expected.add(action.id)
      }
      const sorted = [...expected].sort((a, b) => a - b)
      expect(ready.next(from)).toBe(sorted.find((each) => each >= from) ?? sorted[0])
    }),
  )
})
