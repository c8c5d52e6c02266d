// Ours and the probe of the same minute belong together: on a machine whose disk others use, only their ratio stands.
import type { RateFigures } from './figures.ts'

export interface Pair {
  readonly ours: number
  readonly probe: number
}

/**
 * The two one after the other, so many times, with a probe at both ends. Each run of ours belongs to the mean of the probes
 * right before and after it, so that a slow minute of the disk is one of both.
 */
export async function takeTurns(
  rounds: number,
  probe: () => Promise<number>,
  ours: () => Promise<number>,
): Promise<Pair[]> {
  const pairs: Pair[] = []
  let before = await probe()
  for (let round = 0; round < rounds; round += 1) {
    const own = await ours()
    const after = await probe()
    pairs.push({ ours: own, probe: (before + after) / 2 })
    before = after
  }
  return pairs
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
