// CPU time and memory of the processes under test within a window, and the CPU time of the load beside it.
import { cpus } from 'node:os'
import type { WindowObserver } from './load/load.ts'
import type { ProcessUsage } from './report/report.ts'
import type { ServerProcess } from './servers/server-process.ts'
import { busyUsOfMachine, cpuUsOf, rssBytesOf } from './servers/usage.ts'

const MIB = 1024 * 1024
const US_PER_MS = 1000

export interface WindowUsage {
  readonly processes: readonly ProcessUsage[]
  /** Undefined where the platform does not tell. */
  readonly cpuUsPerMessage: number | undefined
  readonly loadCpuUsPerMessage: number | undefined
  /** What neither servers nor load used, as a share of all cores: above some percent, others disturbed the window. */
  readonly othersShare: number | undefined
}

export interface UsageWindow extends WindowObserver {
  /** After the window. */
  perMessage(messages: number): WindowUsage
}

export function createUsageWindow(processes: readonly Pick<ServerProcess, 'name' | 'pid'>[]): UsageWindow {
  let before: readonly (number | undefined)[] = []
  let used: readonly (number | undefined)[] = []
  let rss: readonly (number | undefined)[] = []
  let busyBefore: number | undefined
  let busy: number | undefined
  let startMs = 0
  let ms = 0
  let loadBefore = process.cpuUsage()
  let loadUsed = loadBefore
  const cpuOfAll = () => processes.map(({ pid }) => cpuUsOf(pid))

  function othersShare(): number | undefined {
    const servers = sumOf(used)
    if (busy === undefined || servers === undefined || ms === 0) return undefined
    const others = busy - servers - loadUsed.user - loadUsed.system
    return Math.max(0, others) / (ms * US_PER_MS * cpus().length)
  }

  return {
    begin() {
      startMs = performance.now()
      busyBefore = busyUsOfMachine()
      before = cpuOfAll()
      loadBefore = process.cpuUsage()
    },
    end() {
      used = cpuOfAll().map((after, at) => difference(after, before[at]))
      rss = processes.map(({ pid }) => rssBytesOf(pid))
      loadUsed = process.cpuUsage(loadBefore)
      busy = difference(busyUsOfMachine(), busyBefore)
      ms = performance.now() - startMs
    },
    perMessage(messages) {
      const perMessage = (us: number | undefined) => (us === undefined || messages === 0 ? undefined : us / messages)
      return {
        processes: processes.map(({ name }, at) => ({
          name,
          cpuUsPerMessage: perMessage(used[at]),
          rssMiB: mibOf(rss[at]),
        })),
        cpuUsPerMessage: perMessage(sumOf(used)),
        loadCpuUsPerMessage: perMessage(loadUsed.user + loadUsed.system),
        othersShare: othersShare(),
      }
    },
  }
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before
}

/** Undefined when one of them is: a sum of what happens to be known would be too small. */
function sumOf(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0
  for (const value of values) {
    if (value === undefined) return undefined
    sum += value
  }
  return sum
}

function mibOf(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / MIB
}
