// What one message of 1 KiB costs in this process, from `append` to its unit in the consume queue.
import { medianOf } from '../../report/report.ts'
import { createRecords, fillStore, openBenchStore } from '../bench-store.ts'
import { cpuPerMessage } from '../cpu.ts'
import { touchPageCache } from '../page-cache.ts'
import type { AppendFigures, CpuPerMessage } from '../figures.ts'
import type { StoreSize } from '../store-size.ts'

const BODY_BYTES = 1024
/** More than what a message takes in the log, its consume queue and the key index. */
export const BYTES_WRITTEN = 2 * BODY_BYTES
/** The code of the background is compiled with its second batch. */
const WARM_UP_RUNS = 2
/** Messages of one Turn. */
export const PER_TURN = 128

export async function measureAppend(folder: string, { repeats, appends }: StoreSize): Promise<AppendFigures> {
  const store = await openBenchStore(folder)
  const recordAt = createRecords({ bodyBytes: BODY_BYTES })
  await fillStore(store, recordAt, { from: 0, count: WARM_UP_RUNS * appends, perTurn: PER_TURN })
  const runs: CpuPerMessage[] = []
  for (let run = WARM_UP_RUNS; run < WARM_UP_RUNS + repeats; run += 1) {
    touchPageCache(folder, appends * BYTES_WRITTEN)
    const fill = { from: run * appends, count: appends, perTurn: PER_TURN }
    runs.push(await cpuPerMessage(appends, () => fillStore(store, recordAt, fill)))
  }
  await store.close()
  const median = medianOf(runs.map(({ cpuUs }) => cpuUs))
  return { ...runs.find(({ cpuUs }) => cpuUs === median)!, runs }
}
