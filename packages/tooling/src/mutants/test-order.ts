// In which order test files are asked about a change: those that see it soonest first. The one that mirrors the changed
// file, then its folder and those that are few imports away, then all others; slow ones last of all.
import { posix } from 'node:path'
import { importsOf } from '../layers/source-text.ts'

/** Imports between a test and the changed file that make it a near one: through a fixture. */
const NEAR_STEPS = 2
/** A file that takes longer alone is slow. */
export const SLOW_MS = 4000

export interface TestOrderDeps {
  readonly testFiles: readonly string[]
  /** All sources and tests of the package by their path from the root. */
  readonly sources: ReadonlyMap<string, string>
  /** What a test file takes without a fault; of slow ones any time above `SLOW_MS`. */
  readonly durationMs: (testFile: string) => number
}

/** Answers the order for each changed file; imports are looked at once. */
export function createTestOrder({ testFiles, sources, durationMs }: TestOrderDeps): (changed: string) => string[] {
  const importers = importersOf(sources)
  return (changed) => {
    const mirror = changed.replace('/src/', '/test/').replace(/\.ts$/u, '.test.ts')
    const near = nearTo(changed, importers)
    const rank = (testFile: string): number => {
      if (testFile === mirror) return 0
      const isNear = posix.dirname(testFile) === posix.dirname(mirror) || near.has(testFile)
      return (durationMs(testFile) > SLOW_MS ? 3 : 1) + (isNear ? 0 : 1)
    }
    return testFiles.toSorted((a, b) => rank(a) - rank(b) || durationMs(a) - durationMs(b))
  }
}

/** Files that reach the changed one in a few imports. */
function nearTo(changed: string, importers: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const near = new Set<string>()
  let last = [changed]
  for (let steps = 0; steps < NEAR_STEPS; steps += 1) {
    last = last.flatMap((file) => importers.get(file) ?? [])
    for (const file of last) near.add(file)
  }
  return near
}

/** Which files import a file; imports between packages say nothing of nearness. */
function importersOf(sources: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  const importers = new Map<string, string[]>()
  for (const [file, source] of sources) {
    for (const { specifier } of importsOf(source)) {
      if (!specifier.startsWith('.')) continue
      const imported = posix.join(posix.dirname(file), specifier)
      importers.set(imported, [...(importers.get(imported) ?? []), file])
    }
  }
  return importers
}
