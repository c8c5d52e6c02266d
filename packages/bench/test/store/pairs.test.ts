import { expect, test } from '@jest/globals'
import { medianPair, takeTurns } from '../../src/store/pairs.ts'

test('pairs: three rounds → the probe is at both ends and between them, and each round has the mean of its two', async () => {
  const order: string[] = []
  const probes = [100, 300, 100, 50]
  const runs = [60, 50, 90]
  const pairs = await takeTurns(
    3,
    async () => {
      order.push('probe')
      return probes.shift()!
    },
    async () => {
      order.push('ours')
      return runs.shift()!
    },
  )
  expect(order).toEqual(['probe', 'ours', 'probe', 'ours', 'probe', 'ours', 'probe'])
  expect(pairs).toEqual([
    { ours: 60, probe: 200 },
    { ours: 50, probe: 200 },
    { ours: 90, probe: 75 },
  ])
})

test('pairs: one very good and one very bad round → the one in the middle counts, all are told', () => {
  const pairs = [
    { ours: 10, probe: 100 },
    { ours: 500, probe: 100 },
    { ours: 60, probe: 100 },
  ]
  expect(medianPair(pairs)).toEqual({ mibPerSecond: 60, probeMibPerSecond: 100, ratios: [0.1, 5, 0.6] })
  expect(medianPair(pairs.slice(0, 2)).mibPerSecond).toBe(10)
})
