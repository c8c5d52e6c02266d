// Bodies of 16 KiB, one after the other: our bytes per second against a plain write of as many. Each of both gets pages that
// the host has given already: a new one costs more than all that is done with it, and who gets it is chance.
import { join } from 'node:path'
import { rmSync } from 'node:fs'
import { probeSequential } from '../../probes/disk.ts'
import { createRecords, fillStore, openBenchStore } from '../bench-store.ts'
import type { RateFigures } from '../figures.ts'
import { keepPageCache } from '../page-cache.ts'
import { medianPair, takeTurns } from '../pairs.ts'
import type { StoreSize } from '../store-size.ts'

const MIB = 1024 * 1024
const BODY_BYTES = 16 * 1024
/** Sends of one Turn: 1 MiB, as the probe writes. */
const PER_TURN = 64
/** Pages of what is written besides the bodies. */
const OTHER_SHARE = 1 / 16
/** Records are few, and the compiler takes its time. */
const WARM_UP_RUNS = 2

export async function measureSequential(
  folder: string,
  { sequentialRounds, sequentialBytes, pageRestMs }: StoreSize,
): Promise<RateFigures> {
  const recordAt = createRecords({ bodyBytes: BODY_BYTES })
  const count = Math.ceil(sequentialBytes / BODY_BYTES)
  const data = join(folder, 'sequential')
  const keepPages = () => keepPageCache(folder, sequentialBytes * (1 + OTHER_SHARE), pageRestMs)

  async function probe(): Promise<number> {
    await keepPages()
    return probeSequential(folder, sequentialBytes).writeSyncedMiBPerSecond
  }

  async function write(): Promise<number> {
    await keepPages()
    const store = await openBenchStore(data)
    const startMs = performance.now()
    await fillStore(store, recordAt, { from: 0, count, perTurn: PER_TURN })
    await store.whenFlushed(store.positions.written)
    const seconds = (performance.now() - startMs) / 1000
    await store.close()
    rmSync(data, { recursive: true })
    return (count * BODY_BYTES) / MIB / seconds
  }

  // The code of the store is compiled, as the probe's is.
  for (let run = 0; run < WARM_UP_RUNS; run += 1) await write()
  return medianPair(await takeTurns(sequentialRounds, probe, write))
}
