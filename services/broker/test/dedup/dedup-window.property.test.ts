// The window against a plain list.
import { hash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { commitLogOffset, queueOffset } from '@rocketmq-ts/model'
import * as fc from 'fast-check'
import { DedupWindow, KEY_BYTES } from '../../src/dedup/dedup-window.ts'

const WINDOW_MS = 50
const keyOf = (name: number) => hash('sha1', String(name), 'buffer').subarray(0, KEY_BYTES)

test('dedup window: any messages at any pace → the newest place of each key, as long as its window lasts', () => {
  const step = fc.record({ name: fc.nat(40), waitMs: fc.nat(4), forgets: fc.nat(3), burst: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const window = new DedupWindow(WINDOW_MS)
      const all: { name: number; offset: number; storedMs: number }[] = []
      let forgotten = 0
      let nowMs = 1000
      for (const { name, waitMs, forgets, burst } of steps) {
        nowMs += waitMs
        forgotten += window.forgetOld(nowMs, forgets)
        const known = all.findLast((each) => each.name === name && each.storedMs + WINDOW_MS > nowMs)
        expect(window.find(keyOf(name), nowMs)?.queueOffset).toBe(known?.offset)
        for (let index = 0; index <= burst; index += 1) {
          const offset = all.length
          const place = {
            queueId: offset % 3,
            queueOffset: queueOffset(offset),
            commitLogOffset: commitLogOffset(offset * 7),
          }
          window.add(keyOf(name + index * 100), place, nowMs)
          all.push({ name: name + index * 100, offset, storedMs: nowMs })
        }
        const first = all[forgotten]
        expect(window.size).toBe(all.length - forgotten)
        expect(forgets === 0 || first === undefined || first.storedMs + WINDOW_MS > nowMs || forgotten >= forgets).toBe(
          true,
        )
      }
      for (const { name } of all) {
        const { offset } = all.findLast((each) => each.name === name)!
        const found = window.find(keyOf(name), nowMs)
        if (found !== undefined)
          expect(found).toEqual({ queueId: offset % 3, queueOffset: offset, commitLogOffset: offset * 7 })
      }
    }),
    { numRuns: 60 },
  )
})
