// What a process has used so far, as Linux tells it in /proc.
import { readFileSync } from 'node:fs'
import { medianOf } from '../report/report.ts'

/** utime and stime count in these: USER_HZ is 100 on every platform of Linux that Node runs on. */
const TICK_US = 10_000
const UTIME_FIELD = 14
const KIB = 1024
const MIB = KIB * KIB

/** Microseconds of CPU time of all threads, user and system; undefined where /proc has no such process. */
export function cpuUsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, field 2, may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const at = UTIME_FIELD - 3
    return (Number(fields[at]) + Number(fields[at + 1])) * TICK_US
  } catch {
    return undefined
  }
}

/** Microseconds of CPU time that all cores together have been busy; undefined where /proc does not tell. */
export function busyUsOfMachine(): number | undefined {
  try {
    const [, user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = readFileSync(
      '/proc/stat',
      'utf8',
    )
      .split('\n', 1)
      .join('')
      .split(/\s+/)
      .map(Number)
    return (user + nice + system + interrupts + softInterrupts + stolen) * TICK_US
  } catch {
    return undefined
  }
}

/** Resident bytes; undefined where /proc has no such process. */
export function rssBytesOf(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? undefined : Number(kib) * KIB
  } catch {
    return undefined
  }
}

/** Resident memory in MiB; undefined where /proc has no such process. */
export function rssMiBOf(pid: number): number | undefined {
  const bytes = rssBytesOf(pid)
  return bytes === undefined ? undefined : bytes / MIB
}

/** CPU time that each unit of some work costs a process. */
export interface CpuCost {
  /** Microseconds of each run; undefined where the platform does not tell. */
  readonly each: readonly (number | undefined)[]
  readonly median: number | undefined
}

/** CPU time of a process for each of so many units of the work; undefined where the platform does not tell. */
export async function cpuUsPerUnit(
  pid: number,
  units: number,
  work: () => Promise<unknown>,
): Promise<number | undefined> {
  const before = cpuUsOf(pid)
  await work()
  const after = cpuUsOf(pid)
  return before === undefined || after === undefined ? undefined : (after - before) / units
}

/** Runs the work once to warm up, and as often as it is repeated; each run does so many units of it. */
export async function cpuCostOf(
  pid: number,
  { repeats, units }: { readonly repeats: number; readonly units: number },
  work: (run: number) => Promise<void>,
): Promise<CpuCost> {
  const each: (number | undefined)[] = []
  for (let run = 0; run <= repeats; run += 1) {
    const us = await cpuUsPerUnit(pid, units, () => work(run))
    if (run > 0) each.push(us)
  }
  return { each, median: medianOfKnown(each) }
}

/** The mean of those that the platform tells; undefined where it tells none. */
export function meanOfKnown(costs: readonly (number | undefined)[]): number | undefined {
  const known = costs.filter((us) => us !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, us) => sum + us, 0) / known.length
}

/** The median of those that the platform tells; undefined where it tells none. */
export function medianOfKnown(costs: readonly (number | undefined)[]): number | undefined {
  const known = costs.filter((us) => us !== undefined)
  return known.length === 0 ? undefined : medianOf(known)
}
