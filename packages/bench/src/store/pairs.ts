// Ours and the probe of the same minute belong together: on a machine whose disk others use, only their ratio stands.
import type { RateFigures } from './figures.ts'

export interface Pair {
  readonly ours: number
  readonly probe: number
}

/** The pair whose ratio is the median. */
export function medianPair(pairs: readonly Pair[]): RateFigures {
  const sorted = [...pairs].sort((a, b) => a.ours / a.probe - b.ours / b.probe)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  if (middle === undefined) throw new Error('a rate without a run has no median')
  return {
    mibPerSecond: middle.ours,
    probeMibPerSecond: middle.probe,
    ratios: pairs.map(({ ours, probe }) => ours / probe),
  }
}
