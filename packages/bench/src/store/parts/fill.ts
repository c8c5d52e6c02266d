// Makes the folder that a broker starts on: so many bytes in segments of the default size, stopped in order.
import { createRecords, fillStore, openBenchStore } from '../bench-store.ts'
import type { StoreSize } from '../store-size.ts'

/** Records of a backlog: small ones where units and checks cost most, as the first message sizes of the load. */
const BODY_BYTES = 4096

export async function fillRetained(folder: string, { retainedBytes }: StoreSize): Promise<{ readonly bytes: number }> {
  const store = await openBenchStore(folder)
  const recordAt = createRecords({ bodyBytes: BODY_BYTES })
  const count = Math.ceil(retainedBytes / BODY_BYTES)
  await fillStore(store, recordAt, { from: 0, count, perTurn: 64 })
  await store.close()
  return { bytes: store.positions.written }
}
