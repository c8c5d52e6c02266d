// Named limits of a broker that nobody needs to set.

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
/** Records that one pop reads to filter them, and bytes of these, at most: it takes a few milliseconds of a Turn. */
export const POP_RECORDS_JUDGED_MAX = 512
export const POP_BYTES_JUDGED_MAX = 4 * MiB
/** Messages that a query by key answers, at most. Java: maxMsgsNumBatch. */
export const QUERIED_MESSAGES_MAX = 64
/** … and where the key is a unique one, however many were asked for. Java: defaultQueryMaxNum. */
export const UNIQUE_KEY_MESSAGES_MAX = 32
/** Messages that a broker remembers, so that none is stored twice, over all topics: 40 MiB. Beyond, SYSTEM_BUSY. */
export const DEDUP_KEYS_MAX = 500_000
/** Of these, a send forgets so many that are too old, at most. */
export const DEDUP_FORGOTTEN_PER_SEND = 8
/** Messages that are read at once to be remembered. */
export const DEDUP_LOADED_AT_ONCE = 64
/** Sends that wait until those of a topic were read, at most. */
export const DEDUP_WAITING_MAX = 1000
/** Queries for messages by key, time or place that are worked on at a time; the others wait. */
export const MESSAGE_QUERIES_IN_WORK_MAX = 16
/** Of these, those that wait, at most: consumers that start from a time ask for every queue at once. Beyond, SYSTEM_BUSY. */
export const MESSAGE_QUERIES_WAITING_MAX = 10_000
/** Resets of positions by time that are worked on at a time, each with a search per queue; and that wait, at most. */
export const RESETS_IN_WORK_MAX = 4
export const RESETS_WAITING_MAX = 1000
/** Messages and bytes that one pull is answered. */
export const PULL_MESSAGES_MAX = 32
export const PULL_BYTES_MAX = MiB
/** Pulls that are worked on at a time, and those that wait, at most. Beyond, SYSTEM_BUSY. */
export const PULLS_IN_WORK_MAX = 8
export const PULLS_WAITING_MAX = 1000
/** Traces of messages that are worked on at a time, and those that wait, at most. Beyond, SYSTEM_BUSY. */
export const TRACES_IN_WORK_MAX = 2
export const TRACES_WAITING_MAX = 64
/** Bytes of the journal that one answer to a trace has read: who asks goes on from there. */
export const TRACE_READ_BYTES_MAX = 4 * MiB
/** … and how long it reads: on a cold disk each record is a read of its own. */
export const TRACE_READ_MS_MAX = 1000
/** Longest invisible time. Java: ProxyConfig maxInvisibleTimeMills. */
export const INVISIBLE_TIME_MS_MAX = 12 * 3600 * SECOND_MS
/** Furthest time that a message may be delayed to. Java: timerMaxDelaySec, three days. */
export const DELAY_SEC_MAX = 40 * 24 * 3600
/** Longest wait of a long poll. */
export const POLL_TIME_MS_MAX = 60 * SECOND_MS
/** Requests waiting for a Turn, at most; beyond, SYSTEM_BUSY. */
export const TURN_JOBS_MAX = 100_000
/** Entries that expire in one Turn, at most. */
export const EXPIRED_PER_TURN_MAX = 4096
/**
 * Delayed messages that are given to their topics in one Turn, at most; and bytes of them, though one always fits. Sends wait
 * for half a millisecond of them then, and as few as these share what a Turn costs by itself.
 */
export const TIMERS_PER_TURN_MAX = 32
export const TIMERS_PER_TURN_BYTES_MAX = 4 * MiB
/** Recalls that are under way, at most; beyond, SYSTEM_BUSY. */
export const RECALLS_IN_WORK_MAX = 256
/** Queues of groups that are moved to the min of their queue in one Turn, at most. */
export const RETAINED_PER_TURN_MAX = 1024
/** Dead letters whose copy is under way, at most. */
export const DEAD_LETTERS_IN_WORK_MAX = 256
/** Half messages that nobody has decided, at most; beyond, further ones are answered 'busy'. */
export const UNDECIDED_MAX = 100_000
/** Units of half messages that are looked at at once, at most. */
export const UNITS_CLAIMED_MAX = 4096
/** Questions about transactions that are under way, at most. */
export const CHECKS_IN_WORK_MAX = 64
/** Clients that proxies tell of, at most, and bytes of them in memory; those beyond are not known here. */
export const CLIENTS_MAX = 100_000
export const CLIENTS_BYTES_MAX = 64 * MiB
/** Proxies that tell, at most. */
export const PROXIES_MAX = 1024
/** A proxy that tells nothing for so long is gone, with its clients. It tells every 10 seconds. */
export const PROXY_SILENT_MS_MAX = 60 * SECOND_MS
/** Commands to clients that are under way, at most; each may hold a message. Beyond, SYSTEM_BUSY. */
export const CLIENT_COMMANDS_IN_WORK_MAX = 16
/** A proxy waits five seconds for its client; so long is waited for the proxy. */
export const CLIENT_COMMAND_WAIT_MS = 7 * SECOND_MS
/** Clients of one answer, at most: it says how many there are. */
export const CLIENTS_LISTED_MAX = 4096
/** Topics and groups of a broker, at most. */
export const TOPICS_MAX = 65_536
export const GROUPS_MAX = 100_000
/**
 * Settings of all topics as JSON, at most. A registration carries all of them in one frame (16 MiB), so does the answer to
 * a slave that asks for all. It is reached before TOPICS_MAX where names or attributes are long. Java splits registrations
 * instead, where it is told to (enableSplitRegistration).
 */
export const TOPICS_BYTES_MAX = 15 * MiB
/** Queues of a topic, at most. */
export const QUEUES_PER_TOPIC_MAX = 1024
/** Time-out of a call to a nameserver. Java: registerBrokerTimeoutMills. */
export const REGISTER_TIMEOUT_MS = 24 * SECOND_MS
/** A stopping broker waits this long for nameservers to forget it … */
export const UNREGISTER_WAIT_MS = SECOND_MS / 2
/** … then so long for answers under way, and once more for clients to take them: others share the deadline. */
export const DRAIN_MS = SECOND_MS / 2
/** Settings of one topic or group as JSON, at most: 256 of them are in one journal record at a segment roll. */
export const SETTING_BYTES_MAX = 16 * 1024
/** A file of topics, groups or offsets that Apache's broker wrote, at most. */
export const SETTINGS_FILE_BYTES_MAX = 64 * MiB
