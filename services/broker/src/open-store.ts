// The store of a broker: its folder, its settings, and what only the broker knows of its records.
import type { MetricsRegistry } from '@rocketmq-ts/metrics'
import { type MessageStore, type StoreDeps, UNIT_BYTES, openMessageStore } from '@rocketmq-ts/store'
import type { BrokerSettings } from './config.ts'
import { brokerMemory } from './memory.ts'
import { ownerStamp } from './foreign/owner-stamp.ts'
import { refuseForeignFormats } from './foreign/refused-formats.ts'
import { flushedStampOf, queueEndsOf, topicsEndedBy } from './journal/peek.ts'
import { createStoreObserver } from './metrics/store-metrics.ts'

/** Opens and recovers it; rejects as `openMessageStore` does. */
export async function openStore(
  settings: BrokerSettings,
  deps: StoreDeps & { readonly metrics: MetricsRegistry },
): Promise<MessageStore> {
  const root = settings.storePathRootDir
  await deps.files.makeFolder(root)
  await refuseForeignFormats(deps.files, root)
  const { unitCacheBytes, coldReadBytes } = brokerMemory(settings.memoryBudget)
  return openMessageStore(
    {
      folder: root,
      flushMode: settings.flushDiskType,
      segmentBytes: settings.mappedFileSizeCommitLog,
      // Java: MessageStoreConfig.getMappedFileSizeConsumeQueue.
      unitsPerFile: Math.ceil(settings.mappedFileSizeConsumeQueue / UNIT_BYTES),
      indexSlots: settings.maxHashSlotNum,
      indexEntries: settings.maxIndexNum,
      flushIntervalMs: settings.flushIntervalCommitLog,
      unitCacheBytes,
      coldReadBytes,
      holder: `broker ${settings.brokerName}`,
      flushedStampOf,
      topicsEndedBy,
      queueEndsOf,
      ownerStamp: () => ownerStamp(deps.files, root),
    },
    { ...deps, observer: createStoreObserver(deps.metrics) },
  )
}
