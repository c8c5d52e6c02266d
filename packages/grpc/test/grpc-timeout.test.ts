import { expect, test } from '@jest/globals'
import { parseGrpcTimeout } from '../src/grpc-timeout.ts'

test.each([
  ['1H', 3_600_000],
  ['2M', 120_000],
  ['3S', 3000],
  ['40m', 40],
  ['1500u', 1.5],
  ['1n', 1e-6],
  ['0S', 0],
  ['525600M', 31_536_000_000],
  ['315360000S', 315_360_000_000],
  ['99999999H', 359_999_996_400_000],
  [`${'9'.repeat(400)}H`, Number.MAX_SAFE_INTEGER],
])('grpc-timeout: %s → %s ms', (text, ms) => {
  expect(parseGrpcTimeout(text)).toBeCloseTo(ms, 9)
})

test.each(['', 'S', '10', '10s', '-1S', '1.5S', '1S ', '1SS', '0x1S'])('grpc-timeout: %j → is none', (text) => {
  expect(parseGrpcTimeout(text)).toBeUndefined()
})
