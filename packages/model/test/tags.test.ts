import { expect, test } from '@jest/globals'
import { tagsCodeOf } from '../src/index.ts'

test.each([
  [undefined, 0],
  ['', 0],
  ['TagA', 2_598_919],
  ['TagB', 2_598_920],
  ['测试', 903_146],
  ['Aa', 2112],
  ['BB', 2112],
])('tags code: %s → %i as in Java', (tag, code) => {
  expect(tagsCodeOf(tag)).toBe(code)
})
