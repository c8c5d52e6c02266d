// What every suite begins with: a folder of its own, gone with the process, and lines that tell when they were written.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './exits.ts'

/** Makes the folder. It is removed when the process exits, also by a signal; a kept one is named. */
export function makeScratch(suite: string, { keep = false }: { readonly keep?: boolean } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), `rocketmq-ts-${suite}-`))
  atExit(() => {
    if (keep) console.log(`kept ${folder}`)
    else rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  return folder
}

/** Writes a line with the seconds since this was made. */
export function createTell(): (line: string) => void {
  const startedMs = performance.now()
  return (line) => console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}`)
}
