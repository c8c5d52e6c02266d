// What every change must keep, and how a run is judged.
import type { Cell, Start, Verdict } from './report/report.ts'
import type { Size } from './sizes.ts'
import { FLOOR_SEND, titleOf } from './workloads.ts'

/** CPU µs per message of Apache's proxy in local mode, the same load on a machine like this one, after it warmed up. */
export const APACHE_LOCAL_SEND_CPU_US = 105
/** SendMessage 1 KiB, 8 × 32: all processes of the system together. */
export const SEND_CPU_US_MAX = APACHE_LOCAL_SEND_CPU_US
/** From the start of the command to the first answer that it is ready. */
export const READY_MS_MAX = 1000
/** Resident memory of the standalone server that nobody has used yet. */
export const IDLE_RSS_MIB_MAX = 120

/** One verdict for each floor, and one for each cell: what was acknowledged is what the broker counted. */
export function judge(cells: readonly Cell[], start: Start, size: Size): Verdict[] {
  return [...judgeFloors(cells, start, size), ...cells.flatMap(judgeCounts)]
}

function judgeFloors(cells: readonly Cell[], start: Start, { name }: Size): Verdict[] {
  const send = cells.find(
    ({ deployment, flush, workload, generator }) =>
      deployment === 'standalone' && flush === 'async' && workload === titleOf(FLOOR_SEND) && generator === 'own',
  )
  const floors = [
    {
      name: `CPU per message, ${titleOf(FLOOR_SEND)}`,
      value: send?.median.cpuUsPerMessage,
      max: SEND_CPU_US_MAX,
      unit: 'µs',
    },
    { name: 'start to ready', value: start.readyMsMedian, max: READY_MS_MAX, unit: 'ms' },
    { name: 'resident memory when idle', value: start.idleRssMiB, max: IDLE_RSS_MIB_MAX, unit: 'MiB' },
  ]
  return floors.map(({ name: floor, value, max, unit }) => {
    if (name === 'quick') return { name: floor, outcome: 'skipped', detail: 'a quick run is no measurement' }
    if (value === undefined) return { name: floor, outcome: 'skipped', detail: 'this platform does not tell it' }
    const outcome = value <= max ? 'passed' : 'failed'
    return { name: floor, outcome, detail: `${value.toFixed(1)} ${unit}, at most ${max} ${unit}` }
  })
}

function judgeCounts({ deployment, flush, workload, generator, runs }: Cell): Verdict[] {
  if (runs.every(({ counted }) => counted === undefined)) return []
  const name = `counts, ${deployment} ${flush ?? ''}, ${workload}${generator === 'own' ? '' : `, ${generator}`}`
  for (const { counted, failed, failedInAll, calls } of runs) {
    const stored = counted?.stored ?? 0
    const acknowledged = counted?.acknowledged ?? 0
    const detail = `${acknowledged} acknowledged, ${stored} stored, ${failedInAll} failed`
    if (stored !== acknowledged || failed !== 0 || failedInAll !== 0 || calls === 0)
      return [{ name, outcome: 'failed', detail }]
  }
  const acknowledged = runs.reduce((sum, { counted }) => sum + (counted?.acknowledged ?? 0), 0)
  return [{ name, outcome: 'passed', detail: `${acknowledged} acknowledged, as many stored, none failed` }]
}
