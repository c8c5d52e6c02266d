// What a message costs while something else grows: bytes retained, queues, topics. Flat is what it should be.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createRecords, fillStore, openBenchStore, type RecordPlan } from '../bench-store.ts'
import { cpuPerMessage } from '../cpu.ts'
import type { GrowthCurve, GrowthPoint } from '../figures.ts'
import type { StoreSize } from '../store-size.ts'
import { measureAppend, PER_TURN } from './append.ts'

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
async function measureRetained(folder: string, { growth }: StoreSize): Promise<GrowthPoint[]> {
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
    const { cpuUs } = await cpuPerMessage(growth.messages, async () => {
      await fillStore(store, recordAt, { from, count: growth.messages, perTurn: PER_TURN })
    })
    points.push({ at: bytes / MIB, cpuUs })
    from += growth.messages
  }
  await store.close()
  rmSync(data, { recursive: true })
  return points
}

/** A store for each point. Every queue exists before anything is measured; a checkpoint is part of what is. */
async function measureEach(
  folder: string,
  { growth: { messages } }: StoreSize,
  counts: readonly number[],
  planOf: (count: number) => RecordPlan,
): Promise<GrowthPoint[]> {
  const points: GrowthPoint[] = []
  for (const count of counts) {
    const data = join(folder, `growth-${count}`)
    const store = await openBenchStore(data)
    const recordAt = createRecords(planOf(count))
    await fillStore(store, recordAt, { from: 0, count: messages, perTurn: PER_TURN })
    await store.checkpoint()
    const { cpuUs } = await cpuPerMessage(messages, async () => {
      await fillStore(store, recordAt, { from: messages, count: messages, perTurn: PER_TURN })
    })
    points.push({ at: count, cpuUs })
    await store.close()
    rmSync(data, { recursive: true })
  }
  return points
}
