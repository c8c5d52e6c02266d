// Bodies of 16 KiB, one after the other: our bytes per second against a plain write of as many.
import { join } from 'node:path'
import { rmSync } from 'node:fs'
import { probeSequential } from '../../probes/disk.ts'
import { createRecords, fillStore, openBenchStore } from '../bench-store.ts'
import type { RateFigures } from '../figures.ts'
import { medianPair } from '../pairs.ts'
import type { StoreSize } from '../store-size.ts'

const MIB = 1024 * 1024
const BODY_BYTES = 16 * 1024
/** Sends of one Turn: 1 MiB, as the probe writes. */
const PER_TURN = 64

export async function measureSequential(folder: string, { repeats, sequentialBytes }: StoreSize): Promise<RateFigures> {
  const recordAt = createRecords({ bodyBytes: BODY_BYTES })
  const count = Math.ceil(sequentialBytes / BODY_BYTES)
  const pairs: { ours: number; probe: number }[] = []
  for (let run = 0; run < repeats; run += 1) {
    const { writeSyncedMiBPerSecond: before } = probeSequential(folder, sequentialBytes)
    const data = join(folder, `sequential-${run}`)
    const store = await openBenchStore(data)
    const startMs = performance.now()
    await fillStore(store, recordAt, { from: 0, count, perTurn: PER_TURN })
    await store.whenFlushed(store.positions.written)
    const seconds = (performance.now() - startMs) / 1000
    await store.close()
    rmSync(data, { recursive: true })
    const { writeSyncedMiBPerSecond: after } = probeSequential(folder, sequentialBytes)
    pairs.push({ ours: (count * BODY_BYTES) / MIB / seconds, probe: (before + after) / 2 })
  }
  return medianPair(pairs)
}
