// `npm run e2e:disk -- [--only full-outside,sync-eio] [--flush sync] [--services folder] [--keep]`: real processes on disks
// that are full, fail, become read-only or slow, some scenes under load at a time. Sends are refused with the right
// code at once, reads and acknowledgements go on, and at the end nothing acknowledged is lost.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createChecks } from './checks.ts'
import { chosen } from './chosen.ts'
import { DISK_FAULTS, type DiskFault } from './disk/faults.ts'
import { type Flush, playScene } from './disk/scene.ts'
import { compilePreload, type Preload } from './preload.ts'
import { createTell, makeScratch } from './scratch.ts'
import { takeServices } from './server.ts'

/** Each has servers, a disk and clients of its own, and waits most of the time: for deliveries that nobody acknowledges. */
const SCENES_AT_ONCE = 3
const FLUSHES: readonly Flush[] = ['sync', 'async']
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    flush: { type: 'string' },
    services: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const faults = chosen(values.only, 'fault', DISK_FAULTS, ({ name }) => name)
const flushes = chosen(values.flush, 'flush mode', FLUSHES, (flush) => flush)
const scratch = makeScratch('disk', { keep: values.keep })
const tell = createTell()
const checks = createChecks(tell)

async function main(): Promise<void> {
  const services = values.services ?? takeServices()
  const preload = compilePreload('faulty', join(scratch, 'shim'))
  const waiting = faults.flatMap((fault) =>
    flushes.filter((mode) => fault.flushes.includes(mode)).map((flush) => ({ fault, flush })),
  )
  async function playAll(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await play(next, services, preload)
  }
  await Promise.all(Array.from({ length: SCENES_AT_ONCE }, playAll))
}

async function play(
  { fault, flush }: { readonly fault: DiskFault; readonly flush: Flush },
  services: string,
  preload: Preload,
): Promise<void> {
  if (fault.needsShim === true && preload.kind === 'impossible') {
    checks.skip(`${fault.title}, ${flush} flush`, preload.reason)
    return
  }
  const library = preload.kind === 'compiled' && fault.needsShim === true ? preload.library : undefined
  tell(`${fault.title}, ${flush} flush`)
  try {
    await playScene({ ...fault, flush, library, services, checks, folder: join(scratch, `${fault.name}-${flush}`) })
  } catch (error) {
    checks.check(`${fault.title}, ${flush} flush: the scene came to its end`, false, reasonOf(error))
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

try {
  await main()
} catch (error) {
  checks.check('the suite runs to its end', false, reasonOf(error))
}
console.log(checks.summary())
// The SDK may hold timers.
process.exit(checks.failed === 0 ? 0 : 1)
