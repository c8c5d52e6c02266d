// Figures that outlive a machine: ours against what the same machine does without us, in the same run.
import { APACHE_LOCAL_SEND_CPU_US } from './floors.ts'
import type { Cell, Probes, Ratio } from './report/report.ts'
import { FLOOR_SEND, titleOf } from './workloads.ts'

const MIB = 1024 * 1024
const LARGE_BYTES = 16 * 1024

/** Only what could be measured. */
export function ratiosOf(cells: readonly Cell[], probes: Probes): Ratio[] {
  const floorSend = titleOf(FLOOR_SEND)
  const medianOf = (deployment: Cell['deployment'], flush: Cell['flush'], workload: string) =>
    cells.find((cell) => cell.deployment === deployment && cell.flush === flush && cell.workload === workload)?.median
  const send = medianOf('standalone', 'async', floorSend)
  const sync = medianOf('standalone', 'sync', floorSend)
  const large = medianOf('standalone', 'async', titleOf({ ...FLOOR_SEND, bodyBytes: LARGE_BYTES }))
  const single = medianOf('standalone', 'async', titleOf({ ...FLOOR_SEND, connections: 1, depth: 1 }))
  const cpu = send?.cpuUsPerMessage
  const { memory, sequential, roundTripUs } = probes
  const largeMiB = large === undefined ? undefined : (large.perSecond * LARGE_BYTES) / MIB

  const candidates: readonly { what: string; of: number | undefined; by: number | undefined }[] = [
    {
      what: 'CPU per message: ours ÷ bare grpc-js',
      of: cpu,
      by: medianOf('bare grpc-js', undefined, floorSend)?.cpuUsPerMessage,
    },
    { what: "CPU per message: Apache's local mode (105 µs) ÷ ours", of: APACHE_LOCAL_SEND_CPU_US, by: cpu },
    {
      what: 'CPU per message: cluster ÷ standalone',
      of: medianOf('cluster', 'async', floorSend)?.cpuUsPerMessage,
      by: cpu,
    },
    { what: 'CPU per message: CRC and one copy of the body ÷ all', of: (memory.crcNs + memory.copyNs) / 1000, by: cpu },
    {
      what: 'sync flush: messages per second ÷ single syncs per second',
      of: sync?.perSecond,
      by: probes.syncs[0]?.syncsPerSecond,
    },
    { what: 'sync flush: messages per second ÷ async', of: sync?.perSecond, by: send?.perSecond },
    { what: '16 KiB: bytes of bodies per second ÷ sequential write', of: largeMiB, by: sequential.writeMiBPerSecond },
    { what: '1 × 1: median latency ÷ loopback round trip', of: single?.latencyUs?.p50, by: roundTripUs.p50 },
  ]
  return candidates.flatMap(({ what, of, by }) =>
    of === undefined || by === undefined ? [] : [{ what, value: of / by }],
  )
}
