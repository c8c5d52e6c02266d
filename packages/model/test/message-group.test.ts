import { expect, test } from '@jest/globals'
import { javaHashCode, queueIndexOf } from '../src/message-group.ts'

// Recorded from Java: String.hashCode, and Guava's consistentHash of it.
test.each([
  ['a', 97, 0, 0],
  ['group-1', 293427299, 7, 1],
  ['order-42', 1234255197, 3, 3],
  ['fifo', 3142860, 5, 1],
  ['中文', 646394, 3, 3],
])('message group: %s → hash %d, queue %d of 8 and %d of 4', (group, hash, ofEight, ofFour) => {
  expect(javaHashCode(group)).toBe(hash)
  expect([queueIndexOf(group, 8), queueIndexOf(group, 4)]).toEqual([ofEight, ofFour])
})

test('message group: one more queue → only groups that move to it move, about one in so many', () => {
  const groups = Array.from({ length: 1000 }, (_, index) => `group ${index}`)
  const moved = groups.filter((group) => queueIndexOf(group, 8) !== queueIndexOf(group, 9))
  expect(moved.every((group) => queueIndexOf(group, 9) === 8)).toBe(true)
  expect(moved.length).toBeGreaterThan(60)
  expect(moved.length).toBeLessThan(180)
  expect(groups.every((group) => queueIndexOf(group, 1) === 0)).toBe(true)
})
