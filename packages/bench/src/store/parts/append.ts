// What one message of 1 KiB costs in this process, from `append` to its unit in the consume queue.
import { medianOf } from '../../report/report.ts'
import { createRecords, fillStore, openBenchStore } from '../bench-store.ts'
import { cpuPerMessage } from '../cpu.ts'
import type { AppendFigures } from '../figures.ts'
import type { StoreSize } from '../store-size.ts'

const BODY_BYTES = 1024
/** Messages of one Turn. */
export const PER_TURN = 128

export async function measureAppend(folder: string, { repeats, appends }: StoreSize): Promise<AppendFigures> {
  const store = await openBenchStore(folder)
  const recordAt = createRecords({ bodyBytes: BODY_BYTES })
  await fillStore(store, recordAt, { from: 0, count: appends, perTurn: PER_TURN })
  const runs = []
  for (let run = 1; run <= repeats; run += 1) {
    const fill = { from: run * appends, count: appends, perTurn: PER_TURN }
    runs.push(await cpuPerMessage(appends, () => fillStore(store, recordAt, fill)))
  }
  await store.close()
  const median = medianOf(runs.map(({ cpuUs }) => cpuUs))
  return { ...runs.find(({ cpuUs }) => cpuUs === median)!, runs }
}
