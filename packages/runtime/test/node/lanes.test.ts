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

test('lane: one group waits with thousands, another comes with one → it is the next but one', () => {
  const lane = createLane(1)
  const started: string[] = []
  let leave: () => void = () => undefined
  const enter = (name: string, group: string) =>
    lane.enter((done) => {
      started.push(name)
      leave = done
    }, group)
  for (let index = 0; index < 3000; index += 1) enter(`large ${index}`, 'large')
  enter('small 0', 'small')
  enter('small 1', 'small')
  for (let step = 0; step < 4; step += 1) leave()
  expect(started).toEqual(['large 0', 'large 1', 'small 0', 'large 2', 'small 1'])
  for (let step = 0; step < 2997; step += 1) leave()
  expect(started.at(-1)).toBe('large 2999')
  expect(started).toHaveLength(3002)
})
