// What the servers under load must keep, and how a run of them is judged.
import { type Floor, judgeFloor } from './floor.ts'
import { type Cell, medianOf, type Start, type Verdict } from './report/report.ts'
import type { Size } from './sizes.ts'
import { DRAIN, FLOOR_SEND, titleOf, TRANSACTION, type Workload } from './workloads.ts'

/** CPU µs per message of Apache's proxy in local mode, the same load on a machine like this one, after it warmed up. */
export const APACHE_LOCAL_SEND_CPU_US = 105
/** SendMessage 1 KiB, 8 × 32: all processes of the system together. */
export const SEND_CPU_US_MAX = APACHE_LOCAL_SEND_CPU_US
/** From the start of the command to the first answer that it is ready. */
export const READY_MS_MAX = 1000
/** Resident memory of the standalone server that nobody has used yet. */
export const IDLE_RSS_MIB_MAX = 120

/**
 * The same against a bare grpc-js server in the same run: on a machine that others use too, both cost more, and only this
 * tells whose fault it is.
 */
export const SEND_CPU_RATIO_MAX = 2.6

/** Receives of 32 and one call for each acknowledgement, against a send of the same run. */
export const DRAIN_RATIO_MAX = 1.5
/** A half message and its commit, against the same. */
export const TRANSACTION_RATIO_MAX = 3

export interface Judged {
  readonly cells: readonly Cell[]
  readonly start: Start
  readonly size: Size
}

/** One verdict for each floor, and one for each cell: what was acknowledged is what the broker counted. */
export function judge(run: Judged): Verdict[] {
  return [...judgeFloors(run), ...run.cells.flatMap(judgeCounts)]
}

function judgeFloors({ cells, start, size }: Judged): Verdict[] {
  const cell = cellOf(cells, 'standalone', FLOOR_SEND)
  const send = cell?.median.cpuUsPerMessage
  const bare = cellOf(cells, 'bare grpc-js', FLOOR_SEND)?.median.cpuUsPerMessage
  const title = titleOf(FLOOR_SEND)
  const toSend = (workload: Workload): number | undefined => {
    const cost = cellOf(cells, 'standalone', workload)?.median.cpuUsPerMessage
    return cost === undefined || send === undefined ? undefined : cost / send
  }
  const ratio = send === undefined || bare === undefined ? undefined : send / bare
  const floors: readonly Floor[] = [
    { name: `CPU per message, ${title}`, value: send, max: SEND_CPU_US_MAX, unit: ' µs', dependsOnOthers: true },
    {
      name: `CPU per message ÷ bare grpc-js, ${title}`,
      value: ratio,
      max: SEND_CPU_RATIO_MAX,
      unit: '',
      dependsOnOthers: false,
    },
    { name: 'start to ready', value: start.readyMsMedian, max: READY_MS_MAX, unit: ' ms', dependsOnOthers: true },
    {
      name: 'resident memory when idle',
      value: start.idleRssMiB,
      max: IDLE_RSS_MIB_MAX,
      unit: ' MiB',
      dependsOnOthers: false,
    },
    {
      name: 'CPU of a receive and an ack ÷ a send',
      value: toSend(DRAIN),
      max: DRAIN_RATIO_MAX,
      unit: '',
      dependsOnOthers: false,
    },
    {
      name: 'CPU of a transaction ÷ a send',
      value: toSend(TRANSACTION),
      max: TRANSACTION_RATIO_MAX,
      unit: '',
      dependsOnOthers: false,
    },
  ]
  const disturbances = cell?.runs.flatMap(({ othersShare }) => othersShare ?? []) ?? []
  const othersShare = disturbances.length === 0 ? 0 : medianOf(disturbances)
  return floors.map((floor) => judgeFloor(floor, size.name, othersShare))
}

function cellOf(cells: readonly Cell[], name: Cell['deployment'], of: Workload): Cell | undefined {
  const title = titleOf(of)
  return cells.find(
    ({ deployment, flush, workload, generator }) =>
      deployment === name && flush !== 'sync' && workload === title && generator === 'own',
  )
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
