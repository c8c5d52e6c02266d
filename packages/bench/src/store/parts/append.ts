// What one message of 1 KiB costs in this process, from `append` to its unit in the consume queue.
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
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

export async function measureAppend(folder: string, { appendRounds, appends }: StoreSize): Promise<AppendFigures> {
  const store = await openBenchStore(folder)
  const recordAt = createRecords({ bodyBytes: BODY_BYTES })
  await fillStore(store, recordAt, { from: 0, count: WARM_UP_RUNS * appends, perTurn: PER_TURN })
  await bareCpu(folder, appends)
  const runs: CpuPerMessage[] = []
  const bare: number[] = []
  for (let run = WARM_UP_RUNS; run < WARM_UP_RUNS + appendRounds; run += 1) {
    bare.push(await bareCpu(folder, appends))
    touchPageCache(folder, appends * BYTES_WRITTEN)
    const fill = { from: run * appends, count: appends, perTurn: PER_TURN }
    runs.push(await cpuPerMessage(appends, () => fillStore(store, recordAt, fill)))
  }
  await store.close()
  const median = medianOf(runs.map(({ cpuUs }) => cpuUs))
  return { ...runs.find(({ cpuUs }) => cpuUs === median)!, runs, bareCpuUs: medianOf(bare) }
}

/** Of each body its CRC and a copy, and a write of each Turn's: nothing is found again afterwards. */
async function bareCpu(folder: string, count: number): Promise<number> {
  touchPageCache(folder, count * BYTES_WRITTEN)
  const path = join(folder, 'bare')
  const file = openSync(path, 'w')
  const body = Buffer.alloc(BODY_BYTES, 0x78)
  const turn = Buffer.alloc(PER_TURN * BODY_BYTES)
  try {
    const { cpuUs } = await cpuPerMessage(count, async () => {
      for (let done = 0; done < count; done += PER_TURN) {
        for (let at = 0; at < turn.length; at += BODY_BYTES) {
          turn.set(body, at)
          turn.writeUInt32BE(crc32(body), at)
        }
        writeSync(file, turn)
        await nextTick()
      }
    })
    return cpuUs
  } finally {
    closeSync(file)
    unlinkSync(path)
  }
}
