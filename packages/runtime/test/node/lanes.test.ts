import { expect, test } from '@jest/globals'
import { createLane } from '../../src/node/lanes.ts'

test('lane: more than its width → the others wait in order, and never more run at once', () => {
  const lane = createLane(2)
  const started: number[] = []
  const leave: (() => void)[] = []
  for (let index = 0; index < 5000; index += 1) {
    lane.enter((done) => {
      started.push(index)
      leave.push(done)
    })
  }
  expect(started).toEqual([0, 1])
  while (leave.length > 0) {
    leave.shift()?.()
    expect(leave.length).toBeLessThanOrEqual(2)
  }
  expect(started).toEqual(Array.from({ length: 5000 }, (_, index) => index))
  lane.enter(() => started.push(-1))
  expect(started.at(-1)).toBe(-1)
})

test('lane: left twice → refused', () => {
  const lane = createLane(1)
  lane.enter((done) => {
    done()
    expect(done).toThrow('left once')
  })
})
