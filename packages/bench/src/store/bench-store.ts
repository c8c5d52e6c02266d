// A store in this process, on the real disk, and the records that the parts of the store's table put into it.
import { setImmediate as nextTick } from 'node:timers/promises'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createNodeEffects } from '@rocketmq-ts/runtime/node'
import {
  type MessageStore,
  type NewRecord,
  openMessageStore,
  type StoreObserver,
  type StoreOptions,
} from '@rocketmq-ts/store'

/** Distinct texts of properties: keys differ from message to message, as those of users do. */
const TEXTS = 4096
const HOST = { host: '127.0.0.1', port: 10_911 }

/** Opens with the defaults of a broker. */
export function openBenchStore(
  folder: string,
  options: Partial<StoreOptions> = {},
  observer?: StoreObserver,
): Promise<MessageStore> {
  const all: StoreOptions = { folder, flushMode: 'ASYNC_FLUSH', holder: 'benchmark', ...options }
  const deps = { ...createNodeEffects(), logger: silentLogger }
  return openMessageStore(all, observer === undefined ? deps : { ...deps, observer })
}

export interface RecordPlan {
  readonly bodyBytes: number
  /** Messages take turns over all queues of all topics. */
  readonly topics?: number
  readonly queuesPerTopic?: number
}

/** Record number `index` of a plan. Made before anything is measured, where that fits into memory. */
export function createRecords({ bodyBytes, topics = 1, queuesPerTopic = 8 }: RecordPlan): (index: number) => NewRecord {
  const body = Buffer.alloc(bodyBytes, 0x78)
  const properties = Array.from({ length: TEXTS }, (_, at) =>
    Buffer.from(
      `UNIQ_KEY\u00017F000001A1B218B4AAC2${at.toString(16).padStart(12, '0')}\u0002KEYS\u0001order-${at}\u0002`,
    ),
  )
  const names = Array.from({ length: topics }, (_, at) => `bench-${at}`)
  return (index) => ({
    topic: names[index % topics] ?? '',
    queueId: Math.floor(index / topics) % queuesPerTopic,
    flag: 0,
    sysFlag: 0,
    bornTimestampMs: 1_700_000_000_000,
    bornHost: HOST,
    storeHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body,
    properties: properties[index % TEXTS] ?? body,
    tagsCode: 0,
  })
}

export interface Fill {
  readonly from: number
  readonly count: number
  /** Messages of one Turn. */
  readonly perTurn: number
}

/** Appends in Turns, as a broker does: all, one write, then whatever else waits. Sends that are refused as busy wait. */
export async function fillStore(
  store: MessageStore,
  recordAt: (index: number) => NewRecord,
  fill: Fill,
): Promise<void> {
  const end = fill.from + fill.count
  for (let index = fill.from; index < end;) {
    const turnEnd = Math.min(end, index + fill.perTurn)
    for (; index < turnEnd; index += 1) store.append(recordAt(index))
    await store.submit()
    if (isBehind(store)) await store.whenFlushed(store.positions.written)
    await nextTick()
  }
}

const UNFLUSHED_BYTES_MAX = 96 * 1024 * 1024

function isBehind({ positions: { appended, flushed } }: MessageStore): boolean {
  return appended - flushed > UNFLUSHED_BYTES_MAX
}
