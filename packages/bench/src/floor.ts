// One floor: a figure, its limit, and whether a miss may be the fault of others on the machine. A figure that says nothing
// is skipped, never passed.
import { whole } from './report/format.ts'
import type { Verdict } from './report/report.ts'

/** Above this share of all cores, others disturbed a run too much for figures that depend on them to fail it. */
export const OTHERS_SHARE_MAX = 0.05

/** At most `max`, or at least `min`; exactly at its limit it is kept. */
export type Floor = {
  readonly name: string
  /** Undefined where the platform does not tell it. */
  readonly value: number | undefined
  /** With a blank in front; empty for a ratio or a count. */
  readonly unit: string
  /** Others who use the machine change it. */
  readonly dependsOnOthers: boolean
  /** Why it says nothing this time. */
  readonly invalid?: string | undefined
} & ({ readonly max: number } | { readonly min: number })

/** A quick run is not judged, and neither is a miss that others may have caused. */
export function judgeFloor(floor: Floor, sizeName: 'full' | 'quick', othersShare: number): Verdict {
  const { name, value, unit, dependsOnOthers, invalid } = floor
  if (sizeName === 'quick') return { name, outcome: 'skipped', detail: 'a quick run is no measurement' }
  if (invalid !== undefined) return { name, outcome: 'skipped', detail: invalid }
  if (value === undefined || Number.isNaN(value)) {
    return { name, outcome: 'skipped', detail: 'this platform does not tell it' }
  }
  const isKept = 'max' in floor ? value <= floor.max : value >= floor.min
  const limit = 'max' in floor ? `most ${limitText(floor.max)}` : `least ${limitText(floor.min)}`
  const detail = `${figureText(value)}${unit}, at ${limit}${unit}`
  if (isKept) return { name, outcome: 'passed', detail }
  if (!dependsOnOthers || othersShare <= OTHERS_SHARE_MAX) return { name, outcome: 'failed', detail }
  const others = `others used ${(othersShare * 100).toFixed(0)} % of the cores`
  return { name, outcome: 'skipped', detail: `${detail}, but ${others}: run it on a quiet machine` }
}

/** Enough digits to see by how much it missed. */
function figureText(value: number): string {
  const size = Math.abs(value)
  return size < 10 ? value.toFixed(2) : size < 1000 ? value.toFixed(1) : whole(value)
}

function limitText(limit: number): string {
  return limit < 1000 ? String(limit) : whole(limit)
}

/** The dearest of some costs against the cheapest; undefined where the platform does not tell one. */
export function dearestToCheapest(costs: readonly (number | undefined)[]): number | undefined {
  const known = costs.filter((cost) => cost !== undefined)
  return known.length < costs.length ? undefined : Math.max(...known) / Math.min(...known)
}
