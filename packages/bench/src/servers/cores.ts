// Which cores run what: servers on one half of the machine, load on the other, so that neither slows the other down.
// Without `taskset` nothing is pinned, and the report says so.
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

export interface Cores {
  /** Lists as `taskset -c` takes them; undefined where processes are not pinned. */
  readonly servers: string | undefined
  readonly load: string | undefined
}

/** Divides the cores and pins this process, with all its threads, to those of the load. */
export function divideCores(): Cores {
  const count = availableParallelism()
  const half = Math.floor(count / 2)
  if (half === 0) return { servers: undefined, load: undefined }
  const servers = listOf(0, half - 1)
  const load = listOf(half, count - 1)
  try {
    execFileSync('taskset', ['-a', '-c', '-p', load, String(process.pid)], { stdio: 'ignore' })
    return { servers, load }
  } catch {
    return { servers: undefined, load: undefined }
  }
}

/** The command with its arguments, on the given cores. */
export function pinned(cores: string | undefined, command: string, args: readonly string[]): [string, string[]] {
  return cores === undefined ? [command, [...args]] : ['taskset', ['-c', cores, command, ...args]]
}

function listOf(from: number, to: number): string {
  return from === to ? String(from) : `${from}-${to}`
}
