// What a message costs while something else grows: bytes retained, queues, topics. Flat is what it should be.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { MessageStore, NewRecord } from '@rocketmq-ts/store'
import { medianOf } from '../../report/report.ts'
import { createRecords, fillStore, openBenchStore, type RecordPlan } from '../bench-store.ts'
import { cpuPerMessage } from '../cpu.ts'
import { touchPageCache } from '../page-cache.ts'
import type { GrowthCurve, GrowthPoint } from '../figures.ts'
import type { StoreSize } from '../store-size.ts'
import { BYTES_WRITTEN, measureAppend, PER_TURN } from './append.ts'

const BODY_BYTES = 1024
const FILL_BODY_BYTES = 64 * 1024
const MIB = 1024 * 1024
/** Queues of one topic, at most: as in a broker. */
const QUEUES_PER_TOPIC_MAX = 100
const QUEUES_OF_A_TOPIC = 8

export async function measureGrowth(folder: string, size: StoreSize): Promise<GrowthCurve[]> {
  const { queues, topics } = size.growth
  // Code that is not compiled yet would make the first point the dearest.
  await measureAppend(join(folder, 'growth-warm-up'), size)
  const ofQueues = (count: number): RecordPlan => {
    const topicCount = Math.ceil(count / QUEUES_PER_TOPIC_MAX)
    return { bodyBytes: BODY_BYTES, topics: topicCount, queuesPerTopic: Math.ceil(count / topicCount) }
  }
  const ofTopics = (count: number): RecordPlan => {
    return { bodyBytes: BODY_BYTES, topics: count, queuesPerTopic: QUEUES_OF_A_TOPIC }
  }
  return [
    { what: 'retained bytes', unit: 'MiB', points: await measureRetained(folder, size) },
    { what: 'queues', unit: 'queues', points: await measureEach(folder, size, queues, ofQueues) },
    { what: 'topics', unit: 'topics', points: await measureEach(folder, size, topics, ofTopics) },
  ]
}

/** One store that grows. */
async function measureRetained(folder: string, size: StoreSize): Promise<GrowthPoint[]> {
  const { growth } = size
  const data = join(folder, 'growth-retained')
  const store = await openBenchStore(data)
  const recordAt = createRecords({ bodyBytes: BODY_BYTES })
  const largeAt = createRecords({ bodyBytes: FILL_BODY_BYTES })
  const points: GrowthPoint[] = []
  let from = growth.messages
  await fillStore(store, recordAt, { from: 0, count: growth.messages, perTurn: PER_TURN })
  for (const bytes of growth.retainedBytes) {
    const count = Math.max(0, Math.ceil((bytes - store.positions.written) / FILL_BODY_BYTES))
    await fillStore(store, largeAt, { from: 0, count, perTurn: PER_TURN / 8 })
    await store.checkpoint()
    const at = store.positions.written / MIB
    points.push({ at, cpuUs: await costOf(store, recordAt, { folder, from, size }) })
    from += size.repeats * growth.messages
  }
  await store.close()
  rmSync(data, { recursive: true })
  return points
}

/** A store for each point. Every queue exists before anything is measured. */
async function measureEach(
  folder: string,
  size: StoreSize,
  counts: readonly number[],
  planOf: (count: number) => RecordPlan,
): Promise<GrowthPoint[]> {
  const { messages } = size.growth
  const points: GrowthPoint[] = []
  for (const count of counts) {
    const data = join(folder, `growth-${count}`)
    const store = await openBenchStore(data)
    const recordAt = createRecords(planOf(count))
    await fillStore(store, recordAt, { from: 0, count: messages, perTurn: PER_TURN })
    await store.checkpoint()
    points.push({ at: count, cpuUs: await costOf(store, recordAt, { folder, from: messages, size }) })
    await store.close()
    rmSync(data, { recursive: true })
  }
  return points
}

/** Of one message with its share of a checkpoint: the median of several runs. */
async function costOf(
  store: MessageStore,
  recordAt: (index: number) => NewRecord,
  { folder, from, size }: { readonly folder: string; readonly from: number; readonly size: StoreSize },
): Promise<number> {
  const { messages } = size.growth
  const costs: number[] = []
  for (let run = 0; run < size.repeats; run += 1) {
    touchPageCache(folder, messages * BYTES_WRITTEN)
    const { cpuUs } = await cpuPerMessage(messages, async () => {
      await fillStore(store, recordAt, { from: from + run * messages, count: messages, perTurn: PER_TURN })
      await store.checkpoint()
    })
    costs.push(cpuUs)
  }
  return medianOf(costs)
}
