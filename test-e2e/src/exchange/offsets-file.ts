// When Apache's broker has put the offsets of consumers into their file: it does so every few seconds, and a kill before
// is a kill of what they have done.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Scene } from './scene.ts'

/** First 10 s after its start, then every 5 s. */
const KEPT_MS_MAX = 30_000
const POLL_MS = 50

/** What is on its way into the file when the wait begins may be older than that. */
const UNDERWAY_MS = 100

/** Resolves when the file was written after the call and names each of the groups. */
export async function untilOffsetsKept({ site }: Pick<Scene, 'site'>, groups: readonly string[]): Promise<void> {
  const file = join(site.folder, 'config/consumerOffset.json')
  const sinceMs = Date.now() + UNDERWAY_MS
  const untilMs = performance.now() + KEPT_MS_MAX
  const isKept = () =>
    existsSync(file) &&
    statSync(file).mtimeMs >= sinceMs &&
    groups.every((group) => readFileSync(file, 'utf8').includes(`@${group}"`))
  while (!isKept()) {
    if (performance.now() > untilMs) throw new Error(`${file} does not name ${groups.join(', ')} in time`)
    await sleep(POLL_MS)
  }
}
