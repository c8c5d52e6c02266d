// What the store and its disk show: how long writes and flushes take, what is not safe yet, how much room is left.
import { type HistogramSeries, MetricName, type MetricsRegistry } from '@rocketmq-ts/metrics'
import type { Files } from '@rocketmq-ts/runtime'
import type { MessageStore, StoreObserver } from '@rocketmq-ts/store'

const LOCAL_DISK = { storage_type: 'local', storage_medium: 'disk' } as const

export interface StoreMetricsDeps {
  readonly store: Pick<
    MessageStore,
    | 'positions'
    | 'failure'
    | 'diskFull'
    | 'diskOverMark'
    | 'min'
    | 'segments'
    | 'storedMs'
    | 'holds'
    | 'flushBeforeRelease'
  >
  readonly files: Pick<Files, 'space'>
  readonly folder: string
  readonly nowMs: () => number
}

/** For `openMessageStore`. Nothing is shown of a store that could not be opened. */
export function createStoreObserver(registry: MetricsRegistry): StoreObserver {
  let write: HistogramSeries | undefined
  let flush: HistogramSeries | undefined
  return {
    wrote(tookMs) {
      write ??= registry.histogram(MetricName.storeWrite).with({})
      write.record(tookMs)
    },
    flushed(tookMs) {
      flush ??= registry.histogram(MetricName.storeFlush).with({})
      flush.record(tookMs)
    },
    segmentRemoved(reason) {
      registry.counter(MetricName.storeRemovedSegments).add({ reason })
    },
  }
}

/** Registers the gauges of an open store. */
export function registerStoreGauges(
  registry: MetricsRegistry,
  { store, files, folder, nowMs }: StoreMetricsDeps,
): void {
  registry.histogram(MetricName.storeWrite)
  registry.histogram(MetricName.storeFlush)
  registry.counter(MetricName.storeRemovedSegments)
  const used = registry.gauge(MetricName.storageSize)
  const free = registry.gauge(MetricName.diskFree)
  const diskFull = registry.gauge(MetricName.diskFull)
  const flushBehind = registry.gauge(MetricName.storageFlushBehind)
  const dispatchBehind = registry.gauge(MetricName.storageDispatchBehind)
  const oldest = registry.gauge(MetricName.storageMessageReserveTime)
  const segments = registry.gauge(MetricName.storeSegments)
  const holds = registry.gauge(MetricName.storeHolds)
  const refuses = registry.gauge(MetricName.storeRefuses)
  /** Store time of the first record, and where that is. */
  let first = { at: -1, storedMs: 0 }

  async function measureDisk(): Promise<void> {
    try {
      const { usedBytes, freeBytes } = await files.space(folder)
      used.set(LOCAL_DISK, usedBytes)
      free.set({}, freeBytes)
    } catch {
      // The last figures stay; a disk that does not answer shows in writes and flushes.
    }
  }

  async function findFirst(): Promise<void> {
    const at = store.min
    try {
      const storedMs = await store.storedMs(at)
      if (storedMs !== undefined) first = { at, storedMs }
    } catch {
      // Damage at the start of the log was told at the start of the broker.
    }
  }

  registry.collect(function* () {
    yield measureDisk()
    if (first.at !== store.min) yield findFirst()
    oldest.set(LOCAL_DISK, first.at === store.min ? Math.max(0, nowMs() - first.storedMs) : 0)
    const { appended, written, flushed } = store.positions
    flushBehind.set(LOCAL_DISK, written - flushed)
    dispatchBehind.set(LOCAL_DISK, appended - (store.flushBeforeRelease ? flushed : written))
    segments.set({}, store.segments)
    holds.set({}, store.holds)
    diskFull.set({}, store.diskFull || store.diskOverMark ? 1 : 0)
    refuses.set({}, store.failure === undefined ? 0 : 1)
  })
}
