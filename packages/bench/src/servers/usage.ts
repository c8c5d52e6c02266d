// What a process has used so far, as Linux tells it in /proc.
import { readFileSync } from 'node:fs'

/** utime and stime count in these: USER_HZ is 100 on every platform of Linux that Node runs on. */
const TICK_US = 10_000
const UTIME_FIELD = 14
const KIB = 1024

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
