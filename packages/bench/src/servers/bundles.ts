// The bundles that ship, copied for one run: a rebuild meanwhile does not change what is measured.
import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const TOOLS = join(ROOT, 'packages/tooling/src')
/** What `npm start` runs. */
export const START_SCRIPT = join(TOOLS, 'start.mjs')
const BUNDLE_MS_MAX = 120_000

/** Fills the folder with `main.mjs` (standalone), `nameserver.mjs`, `broker.mjs` and `proxy.mjs`. */
export async function makeBundles(folder: string): Promise<void> {
  const { stdout } = await runNode(join(TOOLS, 'bundle-services.mjs'))
  cpSync(stdout.trim().split('\n').at(-1) ?? '', folder, { recursive: true })
  await runNode(START_SCRIPT, '--version')
  cpSync(join(ROOT, 'packages/standalone/dist'), folder, { recursive: true })
}

function runNode(script: string, ...args: readonly string[]) {
  return run(process.execPath, [script, ...args], { cwd: ROOT, timeout: BUNDLE_MS_MAX })
}
