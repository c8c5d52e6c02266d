// Formats of Apache's broker that hold what must not be lost, and that we can not read: a start on them would be a silent
// loss of messages, settings or deliveries.
import { MqError } from '@rocketmq-ts/model'
import type { Files } from '@rocketmq-ts/runtime'

interface Refused {
  readonly folder: string
  readonly holds: string
  readonly setting: string
}

const ROCKSDB: readonly Refused[] = [
  { folder: 'kvStore', holds: 'popped messages', setting: 'popConsumerKVServiceEnable=false' },
  { folder: 'consumequeue', holds: 'the consume queues', setting: 'storeType=default' },
  {
    folder: 'config/rdb',
    holds: 'topics, groups and offsets',
    setting: 'configManagerVersion=v1 and storeType=default',
  },
  { folder: 'config/topics', holds: 'topics', setting: 'storeType=default' },
  { folder: 'config/subscriptionGroups', holds: 'groups', setting: 'storeType=default' },
  { folder: 'config/consumerOffsets', holds: 'offsets', setting: 'storeType=default' },
  { folder: 'RocksDBMessageStore', holds: 'timers or transactions', setting: 'timerRocksDBEnable=false' },
]

/** Every RocksDB database has this file from its first moment on. */
const ROCKSDB_MARK = 'CURRENT'

/** Rejects with MqError 'parameter-invalid' that names the database and what to do. */
export async function refuseForeignFormats(files: Pick<Files, 'list'>, root: string): Promise<void> {
  for (const { folder, holds, setting } of ROCKSDB) {
    const entries = await files.list(`${root}/${folder}`)
    if (!entries.some(({ name }) => name === ROCKSDB_MARK)) continue
    throw new MqError(
      'parameter-invalid',
      `${root}/${folder} is a RocksDB of Apache's broker: it holds ${holds}, which this broker can not read. Run Apache's ` +
        `broker with ${setting} until it has moved them, then remove that folder`,
    )
  }
}
