// The whole log read and checked again, as recovery does it where nothing else is left: warm, from the page cache.
import { closeSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openBenchStore } from '../bench-store.ts'
import type { ScanFigures } from '../figures.ts'

const MIB = 1024 * 1024

/** Opens the folder without its checkpoints; `folder` is one that `fillRetained` made. */
export async function measureScan(folder: string): Promise<ScanFigures> {
  for (const name of readdirSync(folder)) {
    if (name.startsWith('queue-checkpoint')) rmSync(join(folder, name))
  }
  rmSync(join(folder, 'consumequeue'), { recursive: true })
  const log = join(folder, 'commitlog')
  for (const name of readdirSync(log)) readThrough(join(log, name))
  const startMs = performance.now()
  const store = await openBenchStore(folder)
  const ms = performance.now() - startMs
  const bytes = store.recovery.scannedBytes
  await store.close()
  return { bytes, mibPerSecond: bytes / MIB / (ms / 1000) }
}

/** Brings a file into the page cache. */
function readThrough(path: string): void {
  const piece = Buffer.allocUnsafe(MIB)
  const file = openSync(path, 'r')
  for (let at = 0; readSync(file, piece, 0, MIB, at) > 0;) at += MIB
  closeSync(file)
}
