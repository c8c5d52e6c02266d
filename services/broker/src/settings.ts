// The broker's settings as it uses them, and its named limits. Property names are Apache's (BrokerConfig.java,
// MessageStoreConfig.java) where one exists.

export const SECOND_MS = 1000
export const MiB = 1024 * 1024

/** Largest message body accepted. Java: maxMessageSize. */
export const MESSAGE_BODY_BYTES_MAX = 4 * MiB
/** Largest encoded properties. The record holds their length in 16 bits. */
export const PROPERTIES_BYTES_MAX = 32_767
/** Messages of one pop, at most. Java: PopMessageProcessor. */
export const POP_MESSAGES_MAX = 32
/** Message bytes of one pop, at most; a first message always fits. */
export const POP_BYTES_MAX = 8 * MiB
/** Units that one pop looks at, at most: a narrow filter must not hold a Turn. */
export const POP_UNITS_SCANNED_MAX = 4096
/** Longest invisible time. Java: ProxyConfig maxInvisibleTimeMills. */
export const INVISIBLE_TIME_MS_MAX = 12 * 3600 * SECOND_MS
/** Longest wait of a long poll. */
export const POLL_TIME_MS_MAX = 60 * SECOND_MS
/** Requests waiting for a Turn, at most; beyond, SYSTEM_BUSY. */
export const TURN_JOBS_MAX = 100_000
/** Entries that expire in one Turn, at most. */
export const EXPIRED_PER_TURN_MAX = 4096
/** Dead letters whose copy is under way, at most. */
export const DEAD_LETTERS_IN_WORK_MAX = 256
/** Full states written per Turn after a segment roll. */
export const STATES_PER_TURN_MAX = 64
/** A send that is written but not flushed is answered FLUSH_DISK_TIMEOUT after this. Java: syncFlushTimeout. */
export const SYNC_FLUSH_TIMEOUT_MS = 5 * SECOND_MS
/** Topics and groups of a broker, at most. */
export const TOPICS_MAX = 100_000
export const GROUPS_MAX = 100_000
/** Queues of a topic, at most. */
export const QUEUES_PER_TOPIC_MAX = 1024
/** Time-out of a call to a nameserver. Java: registerBrokerTimeoutMills. */
export const REGISTER_TIMEOUT_MS = 24 * SECOND_MS
/** Requests of one batch ack, at most. */
export const BATCH_ACK_ENTRIES_MAX = 4096

export interface BrokerSettings {
  readonly brokerClusterName: string
  readonly brokerName: string
  /** 0 is the master. */
  readonly brokerId: number
  readonly listenHost: string
  /** 0 takes a free port. */
  readonly listenPort: number
  /** Address that routes name. Undefined: the one this broker listens on. */
  readonly brokerIP1: string | undefined
  /** Addresses of all nameservers, 'host:port'. */
  readonly namesrvAddr: readonly string[]
  readonly storePathRootDir: string
  readonly flushDiskType: 'SYNC_FLUSH' | 'ASYNC_FLUSH'
  readonly mappedFileSizeCommitLog: number
  readonly autoCreateTopicEnable: boolean
  readonly autoCreateSubscriptionGroup: boolean
  /** Queues of the seed topic TBW102, and so of automatically created ones at most. */
  readonly defaultTopicQueueNums: number
  readonly registerNameServerPeriodMs: number
  /** How often the start-up cache and the mirrors are renewed while something changes. */
  readonly flushConsumerOffsetIntervalMs: number
}

/** Apache's defaults, for one broker on one machine. */
export const DEFAULT_BROKER_SETTINGS = {
  brokerClusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  brokerId: 0,
  listenHost: '127.0.0.1',
  listenPort: 10911,
  brokerIP1: undefined,
  namesrvAddr: ['127.0.0.1:9876'],
  storePathRootDir: './data/broker',
  flushDiskType: 'ASYNC_FLUSH',
  mappedFileSizeCommitLog: 1024 * MiB,
  autoCreateTopicEnable: true,
  autoCreateSubscriptionGroup: true,
  defaultTopicQueueNums: 8,
  registerNameServerPeriodMs: 30 * SECOND_MS,
  flushConsumerOffsetIntervalMs: 5 * SECOND_MS,
} as const satisfies BrokerSettings
