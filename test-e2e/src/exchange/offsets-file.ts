// When Apache's broker has put the offsets of consumers into their file: it does so every few seconds, and a kill before
// is a kill of what they have done.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Scene } from './scene.ts'

/** First 10 s after its start, then every 5 s. */
const KEPT_MS_MAX = 30_000
const POLL_MS = 50

/** Resolves when the file was written after the call and names each of the groups. */
export async function untilOffsetsKept({ site }: Pick<Scene, 'site'>, groups: readonly string[]): Promise<void> {
  const file = join(site.folder, 'config/consumerOffset.json')
  const read = () => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  const untilMs = performance.now() + KEPT_MS_MAX
  for (let text = read(); !groups.every((group) => text.includes(`@${group}"`)); text = read()) {
    if (performance.now() > untilMs) throw new Error(`${file} does not name ${groups.join(', ')} in time`)
    await sleep(POLL_MS)
  }
}
