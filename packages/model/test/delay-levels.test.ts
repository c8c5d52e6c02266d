import { expect, test } from '@jest/globals'
import { DELAY_LEVELS_TEXT, delayOfLevel, parseDelayLevels } from '@rocketmq-ts/model'

const LEVELS = parseDelayLevels(DELAY_LEVELS_TEXT)

test.each([
  [-1, undefined],
  [0, undefined],
  [1, 1000],
  [2, 5000],
  [5, 60_000],
  [18, 7_200_000],
  [19, 7_200_000],
])('delay levels: level %i of the 18 → %s ms', (level, ms) => {
  expect(delayOfLevel(LEVELS, level)).toBe(ms)
})

test.each(['', '1x', '1s,5s', '-1s', Array.from({ length: 65 }, () => '1s').join(' ')])(
  'delay levels: %j → refused',
  (text) => {
    expect(() => parseDelayLevels(text)).toThrow(expect.objectContaining({ code: 'parameter-invalid' }))
  },
)
