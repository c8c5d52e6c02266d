// What a message costs while something else grows: bytes retained, queues, topics. Flat is what it should be. Each point
// takes turns with a young store of one queue: on a machine that is slow for a minute, both are.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { MessageStore } from '@rocketmq-ts/store'
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
  const { retainedBytes, messages } = size.growth
  const grown = await openPriced(join(folder, 'growth-retained'), { bodyBytes: BODY_BYTES }, { folder, messages })
  const { store } = grown
  const largeAt = createRecords({ bodyBytes: FILL_BODY_BYTES })
  const points: GrowthPoint[] = []
  for (const bytes of retainedBytes) {
    const count = Math.max(0, Math.ceil((bytes - store.positions.written) / FILL_BODY_BYTES))
    await fillStore(store, largeAt, { from: 0, count, perTurn: PER_TURN / 8 })
    await store.checkpoint()
    points.push({
      at: store.positions.written / MIB,
      ...(await besideYoung(grown, size.repeats, { folder, messages })),
    })
  }
  await grown.end()
  return points
}

/** A store for each point. */
async function measureEach(
  folder: string,
  size: StoreSize,
  counts: readonly number[],
  planOf: (count: number) => RecordPlan,
): Promise<GrowthPoint[]> {
  const { messages } = size.growth
  const points: GrowthPoint[] = []
  for (const at of counts) {
    const priced = await openPriced(join(folder, `growth-${at}`), planOf(at), { folder, messages })
    points.push({ at, ...(await besideYoung(priced, size.repeats, { folder, messages })) })
    await priced.end()
  }
  return points
}

/** Costs of a store, and of a young one in turns with it. */
async function besideYoung(
  priced: Priced,
  repeats: number,
  place: { readonly folder: string; readonly messages: number },
): Promise<Pick<GrowthPoint, 'cpuUs' | 'youngUs'>> {
  const young = await openPriced(
    join(place.folder, 'growth-young'),
    { bodyBytes: BODY_BYTES, queuesPerTopic: 1 },
    place,
  )
  let cpuUs = 0
  let youngUs = 0
  for (let run = 0; run < repeats; run += 1) {
    youngUs += await young.cost()
    cpuUs += await priced.cost()
  }
  await young.end()
  return { cpuUs: cpuUs / repeats, youngUs: youngUs / repeats }
}

/** A store whose messages have a price. */
interface Priced {
  readonly store: MessageStore
  /**
   * CPU of one message of a run, with its share of all that follows: a checkpoint is the end of each, and files of
   * thousands of queues are written in one of several. So the mean of runs counts, neither the median nor the cheapest.
   */
  cost(): Promise<number>
  end(): Promise<void>
}

/** Every queue of the plan exists before anything is measured. */
async function openPriced(
  data: string,
  plan: RecordPlan,
  { folder, messages }: { readonly folder: string; readonly messages: number },
): Promise<Priced> {
  const store = await openBenchStore(data)
  const recordAt = createRecords(plan)
  let from = 0

  async function fill(): Promise<void> {
    await fillStore(store, recordAt, { from, count: messages, perTurn: PER_TURN })
    await store.checkpoint()
    from += messages
  }

  await fill()
  return {
    store,
    async cost() {
      touchPageCache(folder, messages * BYTES_WRITTEN)
      const { cpuUs } = await cpuPerMessage(messages, fill)
      return cpuUs
    },
    async end() {
      await store.close()
      rmSync(data, { recursive: true })
    },
  }
}
