// Memory of processes, as the kernel counts it. Where there is no /proc, nothing is known.
import { existsSync, readFileSync } from 'node:fs'

const KIB_PER_MIB = 1024

export interface Memory {
  readonly nowMiB: number
  readonly peakMiB: number
}

/** Resident memory of a process that runs. */
export function memoryOf(pid: number): Memory | undefined {
  const path = `/proc/${pid}/status`
  if (!existsSync(path)) return undefined
  const status = readFileSync(path, 'utf8')
  const read = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / KIB_PER_MIB
  return { nowMiB: read('VmRSS'), peakMiB: read('VmHWM') }
}
