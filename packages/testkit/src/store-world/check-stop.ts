// What an orderly stop leaves behind needs no power: files that are replaced as a whole are on the disk, by their names.
import type { Disk } from '../sim/index.ts'
import { filesBelow } from './rest-damage.ts'
import { fileKindOf } from './steps.ts'
import type { Verdict } from './verdict.ts'

const KINDS: ReadonlySet<string> = new Set([
  'apache-checkpoint',
  'flushed-mark',
  'last-writer',
  'mirror',
  'queue-checkpoint',
  'start-cache',
])
const GENERATION = /\.(\d+)$/u

/** Contents by path; of files with generations the newest. */
export type StoppedFiles = ReadonlyMap<string, Buffer>

/** The small files of a store as readers see them. */
export function stoppedFiles(disk: Disk, root: string): StoppedFiles {
  const newest = new Map<string, string>()
  const numberOf = (path: string): number => Number(GENERATION.exec(path)?.[1] ?? 0)
  for (const path of filesBelow(disk, root)) {
    if (path.endsWith('.tmp') || !KINDS.has(fileKindOf(root, path))) continue
    const name = path.replace(GENERATION, '')
    const known = newest.get(name)
    if (known === undefined || numberOf(known) < numberOf(path)) newest.set(name, path)
  }
  return new Map(
    Array.from(newest.values(), (path) => {
      const { pages } = disk.file(path)
      const bytes = Buffer.alloc(pages.size)
      pages.read(0, bytes)
      return [path, bytes]
    }),
  )
}

/** The power was lost behind a stop in order, on a disk that did not fail. */
export function checkStopped(before: StoppedFiles, after: StoppedFiles, verdict: Verdict): void {
  for (const [path, bytes] of before) {
    const found = after.get(path)
    if (found?.equals(bytes) === true) continue
    verdict.add(
      'stop',
      `${path} ${found === undefined ? 'is gone' : 'is another one'} after a stop in order and a power loss`,
    )
  }
}
