// The start as a user of `npm start` sees it, and what the server costs while nobody uses it.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { medianOf, type Start } from './report/report.ts'
import { START_SCRIPT } from './servers/bundles.ts'
import { type DeployOptions, startStandalone } from './servers/deployment.ts'
import { cpuUsOf, rssBytesOf } from './servers/usage.ts'
import type { Size } from './sizes.ts'

const MIB = 1024 * 1024
const US_PER_MS = 1000

/** Each start has a new folder. `script` is START_SCRIPT, or the main file of a given bundle. */
export async function measureStart(
  options: Omit<DeployOptions, 'flush'>,
  { starts, idleMs }: Size,
  script: string = START_SCRIPT,
): Promise<Start> {
  const readyMs: number[] = []
  let idle: Pick<Start, 'idleRssMiB' | 'idleCpuPercent'> = { idleRssMiB: undefined, idleCpuPercent: undefined }
  for (let run = 0; run < starts; run += 1) {
    const folder = join(options.folder, `start-${run}`)
    mkdirSync(folder)
    const server = await startStandalone({ ...options, folder, flush: 'async', script })
    const [process] = server.processes
    readyMs.push(process?.readyMs ?? Number.NaN)
    if (run === starts - 1 && process !== undefined) idle = await measureIdle(process.pid, idleMs)
    await server.stop()
  }
  return { readyMs, readyMsMedian: medianOf(readyMs), ...idle }
}

/** Memory at the end of the time, and CPU within its second half: what follows a start is over by then. */
async function measureIdle(pid: number, idleMs: number): Promise<Pick<Start, 'idleRssMiB' | 'idleCpuPercent'>> {
  await sleep(idleMs / 2)
  const before = cpuUsOf(pid)
  const startMs = performance.now()
  await sleep(idleMs / 2)
  const after = cpuUsOf(pid)
  const elapsedUs = (performance.now() - startMs) * US_PER_MS
  const rss = rssBytesOf(pid)
  return {
    idleRssMiB: rss === undefined ? undefined : rss / MIB,
    idleCpuPercent: before === undefined || after === undefined ? undefined : ((after - before) * 100) / elapsedUs,
  }
}
