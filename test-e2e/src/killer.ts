// The thread that kills: when the log has gone on to a new file, after a time in which syncs may fail, and when the undo
// log ends with a write or a sync under way; each where it is asked for.
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { writtenSegments } from './commit-log.ts'
import { endsUnsynced, HEADER_BYTES } from './power-loss/undo-log.ts'
import type { KillOptions } from './server.ts'

export interface KillerData {
  readonly pid: number
  readonly options: Omit<KillOptions, 'rollLate'>
  /** Not 0 once no roll is waited for any more. */
  readonly isRollLate: Int32Array
}

const { pid, options, isRollLate } = workerData as KillerData
const UNSYNCED_MS_MAX = 2_000
/** Whoever asks gives up earlier. */
const ROLL_MS_MAX = 600_000

/** Looks until it holds, or the time is over. */
function waitUntil(msMax: number, holds: () => boolean): void {
  const untilMs = performance.now() + msMax
  while (!holds() && performance.now() < untilMs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
}

function waitForRoll(brokerFolder: string): void {
  const before = writtenSegments(brokerFolder)
  waitUntil(ROLL_MS_MAX, () => writtenSegments(brokerFolder) > before || Atomics.load(isRollLate, 0) !== 0)
}

function waitForUnsynced(path: string): void {
  const log = openSync(path, 'r')
  const last = Buffer.alloc(HEADER_BYTES)
  waitUntil(UNSYNCED_MS_MAX, () => {
    readSync(log, last, 0, last.length, Math.max(0, fstatSync(log).size - last.length))
    return endsUnsynced(last)
  })
  closeSync(log)
}

if (options.whenRolled !== undefined) waitForRoll(options.whenRolled)
if (options.failSyncs !== undefined) writeFileSync(options.failSyncs, '')
waitUntil(options.delayMs ?? 0, () => false)
if (options.whenUnsynced !== undefined) waitForUnsynced(options.whenUnsynced)
try {
  process.kill(pid, 'SIGKILL')
} catch {
  // It has ended by itself; whoever waits for it is told.
}
