// How much of the machine others use.
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { busyUsOfMachine } from './usage.ts'

const US_PER_MS = 1000

/** What the machine does while this process does nothing; 0 where it does not tell. */
export async function busyShareOfOthers(ms: number): Promise<number> {
  const before = busyUsOfMachine()
  const startMs = performance.now()
  await sleep(ms)
  const after = busyUsOfMachine()
  if (before === undefined || after === undefined) return 0
  return (after - before) / ((performance.now() - startMs) * US_PER_MS * cpus().length)
}
