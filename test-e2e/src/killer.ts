// The thread that kills: after a time, and where it is asked to, when the undo log ends with a write or a sync under way.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { endsUnsynced, HEADER_BYTES } from './power-loss/undo-log.ts'

const { pid, delayMs, undoLog } = workerData as { pid: number; delayMs: number; undoLog: string | undefined }
const WAIT_MS_MAX = 2_000

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function waitForUnsynced(path: string): void {
  const log = openSync(path, 'r')
  const last = Buffer.alloc(HEADER_BYTES)
  const untilMs = performance.now() + WAIT_MS_MAX
  do {
    readSync(log, last, 0, last.length, Math.max(0, fstatSync(log).size - last.length))
    if (endsUnsynced(last)) break
    sleep(1)
  } while (performance.now() < untilMs)
  closeSync(log)
}

sleep(delayMs)
if (undoLog !== undefined) waitForUnsynced(undoLog)
try {
  process.kill(pid, 'SIGKILL')
} catch {
  // It has ended by itself; whoever waits for it is told.
}
