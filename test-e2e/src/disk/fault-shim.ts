// Calls that fail or take long, by rules that change while the broker runs: what shim/faulty.c does.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Fault {
  readonly call: 'read' | 'write' | 'sync' | 'open' | 'truncate' | 'rename' | 'remove' | 'folder'
  /** Name of an errno, or how long the call takes more. */
  readonly result: 'EIO' | 'ENOSPC' | 'EROFS' | number
  /** Part of the path; a slash for all. */
  readonly path: string
  /** By default for as long as it stands. */
  readonly times?: number
  /** Bytes of the file that a read or write touches. */
  readonly bytes?: readonly [from: number, to: number]
}

export interface FaultyDisk {
  /** Environment of the process whose calls are looked at. */
  readonly env: Readonly<Record<string, string>>
  /** From here on these faults stand, and no other. */
  set(...faults: readonly Fault[]): void
  /** The disk is healthy again. */
  heal(): void
  /** Calls that met a fault since the last `set`, as `call path`. */
  hits(): readonly string[]
}

/** `root` is what the broker keeps; the rules go `into` a folder outside of it. */
export function createFaultyDisk(library: string, root: string, into: string): FaultyDisk {
  const rules = join(into, 'rules')
  const told = join(into, 'hits')
  mkdirSync(into, { recursive: true })
  /** Ids are never used again. */
  let nextId = 0
  let toldBefore = 0

  function hitLines(): string[] {
    return existsSync(told) ? readFileSync(told, 'utf8').split('\n').slice(0, -1) : []
  }

  function set(...faults: readonly Fault[]): void {
    const lines = faults.map(({ call, result, path, times = -1, bytes: [from, to] = [0, 0] }) => {
      const id = nextId
      nextId += 1
      return `${id} ${call} ${result} ${times} ${from} ${to} ${path}\n`
    })
    toldBefore = hitLines().length
    writeFileSync(`${rules}.new`, lines.join(''))
    renameSync(`${rules}.new`, rules)
  }

  return {
    env: {
      LD_PRELOAD: library,
      FAULTY_ROOT: root,
      FAULTY_RULES: rules,
      FAULTY_HITS: told,
      UV_USE_IO_URING: '0', // it would pass by the library
    },
    set,
    heal: () => set(),
    hits: () =>
      hitLines()
        .slice(toldBefore)
        .map((line) => line.slice(line.indexOf(' ') + 1)),
  }
}
