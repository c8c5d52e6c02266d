// What the system lets this process use.
import { totalmem } from 'node:os'
import process from 'node:process'
import { getHeapStatistics } from 'node:v8'
import type { MemoryLimit } from '../memory-budget.ts'

/** The limit of the container (cgroup v1 or v2) where there is one below the memory of the machine. */
export function readMemoryLimit(): MemoryLimit {
  const machineBytes = totalmem()
  // 0 or undefined: not known; without a limit, cgroups report one beyond any machine.
  const containerBytes = process.constrainedMemory() ?? 0
  const isContained = containerBytes > 0 && containerBytes < machineBytes
  return {
    bytes: isContained ? containerBytes : machineBytes,
    from: isContained ? 'container' : 'machine',
    heapBytes: getHeapStatistics().heap_size_limit,
  }
}
