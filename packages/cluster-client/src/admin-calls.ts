// The calls of operators' tools to a broker: everything it holds, how far it is consumed, and what goes.
import {
  MqError,
  stringifyJavaJson,
  type DataVersion,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocketmq-ts/model'
import {
  decodeConsumeStats,
  decodeSubscriptionGroups,
  decodeTopicConfigs,
  decodeTopicStats,
  DeleteSubscriptionGroup,
  GetAllSubscriptionGroupConfig,
  GetAllTopicConfig,
  GetConsumeStats,
  GetTopicStatsInfo,
  InvokeBrokerToResetOffset,
  ResponseCode,
  type QueueConsumeStats,
  type QueueStats,
} from '@rocketmq-ts/remoting'
import { bodyOf, checkSuccess, type CallOptions } from './call.ts'
import type { CallBroker } from './pop-calls.ts'

export interface AdminCalls {
  /** Settings of all topics of the broker, those of the system too. */
  topicConfigs(address: string, options?: CallOptions): Promise<TopicConfig[]>
  subscriptionGroups(address: string, options?: CallOptions): Promise<SubscriptionGroupConfig[]>
  /** Also a success for a group that the broker does not have. */
  deleteSubscriptionGroup(address: string, group: string, options?: CallOptions): Promise<void>
  /** Bounds of each queue; undefined for a topic that the broker does not have. */
  topicStats(address: string, topic: string, options?: CallOptions): Promise<QueueStats[] | undefined>
  /** The queues that the group consumes, of one topic where it is given; none for a group that consumes nothing. */
  consumeStats(address: string, group: string, topic?: string, options?: CallOptions): Promise<QueueConsumeStats[]>
  /** The group goes on at the offset of a queue. Rejects where the queue does not reach so far, or not so far back. */
  resetOffset(address: string, position: GroupPosition, options?: CallOptions): Promise<void>
}

export interface GroupPosition {
  readonly group: string
  readonly topic: string
  readonly queueId: number
  readonly offset: number
}

/** Entries asked for at once. */
const PAGE_ENTRIES = 500
/** Pages of one table, those read twice included: 100 000 entries that change now and then. */
const PAGES_MAX = 1000

interface Page<Entry> {
  readonly entries: readonly Entry[]
  readonly dataVersion: DataVersion
  /** Entries of the table; undefined when all of them are here. */
  readonly total: number | undefined
}

/** All pages of a table. When it changes meanwhile, the broker answers its first page again, and this begins anew. */
async function allPages<Entry>(ask: (first: number, version: string) => Promise<Page<Entry>>): Promise<Entry[]> {
  let entries: Entry[] = []
  let version = ''
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await ask(entries.length, version)
    const pageVersion = stringifyJavaJson(page.dataVersion)
    if (pageVersion !== version) entries = []
    version = pageVersion
    entries.push(...page.entries)
    if (page.total === undefined || page.entries.length === 0 || entries.length >= page.total) return entries
  }
  throw new MqError('busy', `the table changed too often while ${PAGES_MAX} pages of it were read; try again`)
}

/** The calls of tools, made by `call`. */
export function createAdminCalls(call: CallBroker): AdminCalls {
  return {
    topicConfigs(address, options) {
      return allPages(async (topicSeq, dataVersion) => {
        const header = { topicSeq, maxTopicNum: PAGE_ENTRIES, dataVersion }
        const answer = await call(address, GetAllTopicConfig, { header }, options)
        checkSuccess(answer, GetAllTopicConfig, address)
        const { topics, dataVersion: version } = decodeTopicConfigs(bodyOf(answer))
        return { entries: topics, dataVersion: version, total: answer.header?.totalTopicNum }
      })
    },
    subscriptionGroups(address, options) {
      return allPages(async (groupSeq, dataVersion) => {
        const header = { groupSeq, maxGroupNum: PAGE_ENTRIES, dataVersion }
        const answer = await call(address, GetAllSubscriptionGroupConfig, { header }, options)
        checkSuccess(answer, GetAllSubscriptionGroupConfig, address)
        const { groups, dataVersion: version } = decodeSubscriptionGroups(bodyOf(answer))
        return { entries: groups, dataVersion: version, total: answer.header?.totalGroupNum }
      })
    },
    async deleteSubscriptionGroup(address, group, options) {
      const header = { groupName: group, cleanOffset: true }
      checkSuccess(await call(address, DeleteSubscriptionGroup, { header }, options), DeleteSubscriptionGroup, address)
    },
    async topicStats(address, topic, options) {
      const answer = await call(address, GetTopicStatsInfo, { header: { topic } }, options)
      if (answer.code === ResponseCode.TOPIC_NOT_EXIST) return undefined
      checkSuccess(answer, GetTopicStatsInfo, address)
      return decodeTopicStats(bodyOf(answer))
    },
    async consumeStats(address, group, topic, options) {
      const header = { consumerGroup: group, ...(topic !== undefined && { topic }) }
      const answer = await call(address, GetConsumeStats, { header }, options)
      checkSuccess(answer, GetConsumeStats, address)
      return decodeConsumeStats(bodyOf(answer))
    },
    async resetOffset(address, position, options) {
      const header = { ...position, timestampMs: 0, isForce: true }
      const answer = await call(address, InvokeBrokerToResetOffset, { header }, options)
      checkSuccess(answer, InvokeBrokerToResetOffset, address)
    },
  }
}
