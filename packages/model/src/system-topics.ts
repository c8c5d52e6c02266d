// Topics and groups that belong to the system. Users neither create, send to nor consume from them by accident.

/** Java: TopicValidator. */
export const SystemTopic = {
  AUTO_CREATE: 'TBW102',
  SCHEDULE: 'SCHEDULE_TOPIC_XXXX',
  BENCHMARK: 'BenchmarkTest',
  HALF: 'RMQ_SYS_TRANS_HALF_TOPIC',
  HALF_OP: 'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  TRACE: 'RMQ_SYS_TRACE_TOPIC',
  CHECK_MAX_TIME: 'TRANS_CHECK_MAX_TIME_TOPIC',
  SELF_TEST: 'SELF_TEST_TOPIC',
  OFFSET_MOVED: 'OFFSET_MOVED_EVENT',
  CHECKPOINT: 'CHECKPOINT_TOPIC',
  TIMER: 'rmq_sys_wheel_timer',
  /** Our journal of topics, groups and deliveries. */
  INFLIGHT_LOG: 'rmq_sys_INFLIGHT_LOG',
} as const

export const SYSTEM_TOPIC_PREFIX = 'rmq_sys_'
export const SYSTEM_GROUP_PREFIX = 'CID_RMQ_SYS_'
/** Java: PopAckConstants. The name of the cluster follows. */
export const REVIVE_TOPIC_PREFIX = 'rmq_sys_REVIVE_LOG_'
/** Its offsets are those of the last record passed, not of the next one. */
export const REVIVE_GROUP = 'CID_RMQ_SYS_REVIVE_GROUP'

/** Java: MixAll. These exist without being created. */
export const SystemGroup = {
  TOOLS: 'TOOLS_CONSUMER',
  FILTER_SERVER: 'FILTERSRV_CONSUMER',
  SELF_TEST: 'SELF_TEST_C_GROUP',
  HTTP_PROXY: 'CID_ONS-HTTP-PROXY',
  API_PULL: 'CID_ONSAPI_PULL',
  API_PERMISSION: 'CID_ONSAPI_PERMISSION',
  API_OWNER: 'CID_ONSAPI_OWNER',
  TRANSACTION: 'CID_RMQ_SYS_TRANS',
} as const

const systemTopics: ReadonlySet<string> = new Set(Object.values(SystemTopic))
const systemGroups: ReadonlySet<string> = new Set([
  ...Object.values(SystemGroup),
  'DEFAULT_CONSUMER',
  'DEFAULT_PRODUCER',
  'SCHEDULE_CONSUMER',
  '__MONITOR_CONSUMER',
  'CLIENT_INNER_PRODUCER',
  'SELF_TEST_P_GROUP',
])
const forbiddenToSend: ReadonlySet<string> = new Set([
  SystemTopic.SCHEDULE,
  SystemTopic.HALF,
  SystemTopic.HALF_OP,
  SystemTopic.CHECK_MAX_TIME,
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED,
])

/** Java: TopicValidator.isSystemTopic. Topics named after the cluster or the broker are known to the broker only. */
export function isSystemTopic(topic: string): boolean {
  return systemTopics.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX)
}

/** True for reserved names and for the prefix of system groups. */
export function isSystemGroup(group: string): boolean {
  return systemGroups.has(group) || group.startsWith(SYSTEM_GROUP_PREFIX)
}

/** True where clients may not send. Java: TopicValidator.isNotAllowedSendTopic; and what the broker alone writes. */
export function isForbiddenToSend(topic: string): boolean {
  return forbiddenToSend.has(topic) || topic === SystemTopic.INFLIGHT_LOG || topic === SystemTopic.TIMER
}
