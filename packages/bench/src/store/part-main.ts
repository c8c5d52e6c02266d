// `node part-main.ts <part> <full|quick> <folder>`: one part of the store's table in a process of its own, so that no part
// is measured with the heap of another. Prints its figures as one line of JSON. It ends with the process that started it.
import { measureAppend } from './parts/append.ts'
import { measureCold } from './parts/cold.ts'
import { measureCommits } from './parts/commits.ts'
import { measureDrain } from './parts/drain.ts'
import { fillRetained } from './parts/fill.ts'
import { measureGrowth } from './parts/growth.ts'
import { measureScan } from './parts/scan.ts'
import { measureSequential } from './parts/sequential.ts'
import { STORE_FULL, STORE_QUICK, type StoreSize } from './store-size.ts'

/** So often it is looked whether that process is still there. */
const PARENT_POLL_MS = 500

export const PARTS = {
  append: measureAppend,
  commits: measureCommits,
  sequential: measureSequential,
  cold: measureCold,
  growth: measureGrowth,
  drain: measureDrain,
  fill: fillRetained,
  scan: measureScan,
} as const satisfies Record<string, (folder: string, size: StoreSize) => Promise<unknown>>

const [name, sizeName, folder] = process.argv.slice(2)
if (name !== undefined && folder !== undefined && name in PARTS) {
  const { ppid } = process
  setInterval(() => process.ppid === ppid || process.exit(1), PARENT_POLL_MS).unref()
  const size = sizeName === 'full' ? STORE_FULL : STORE_QUICK
  process.stdout.write(`${JSON.stringify(await PARTS[name as keyof typeof PARTS](folder, size))}\n`)
}
