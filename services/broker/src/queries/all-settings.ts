// GET_ALL_TOPIC_CONFIG and GET_ALL_SUBSCRIPTIONGROUP_CONFIG: for tools and slaves. Java: AdminBrokerProcessor.
import {
  type GetAllSubscriptionGroupConfigAnswer,
  type GetAllSubscriptionGroupConfigHeader,
  type GetAllTopicConfigAnswer,
  type GetAllTopicConfigHeader,
  type IncomingRequest,
  ResponseCode,
  encodeSubscriptionGroups,
  encodeTopicConfigs,
} from '@rocketmq-ts/remoting'
import type { GroupTable } from '../groups/group-table.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import { pageOf } from './pages.ts'

export interface AllSettingsDeps {
  readonly topics: Pick<TopicTable, 'all' | 'dataVersion'>
  readonly groups: Pick<GroupTable, 'all' | 'dataVersion'>
}

export function createAllSettings({ topics, groups }: AllSettingsDeps) {
  return {
    getAllTopicConfig(request: IncomingRequest<GetAllTopicConfigHeader, GetAllTopicConfigAnswer>): void {
      const { topicSeq: first, maxTopicNum: entriesMax, dataVersion } = request.header
      const current = topics.dataVersion
      const { entries, total } = pageOf(topics.all(), current, { first, entriesMax, dataVersion })
      request.respond({
        code: ResponseCode.SUCCESS,
        header: { totalTopicNum: total },
        body: encodeTopicConfigs({ dataVersion: current, topics: entries.map(({ config }) => config) }),
      })
    },

    getAllSubscriptionGroupConfig(
      request: IncomingRequest<GetAllSubscriptionGroupConfigHeader, GetAllSubscriptionGroupConfigAnswer>,
    ): void {
      const { groupSeq: first, maxGroupNum: entriesMax, dataVersion } = request.header
      const current = groups.dataVersion
      const { entries, total } = pageOf(groups.all(), current, { first, entriesMax, dataVersion })
      request.respond({
        code: ResponseCode.SUCCESS,
        header: { totalGroupNum: total },
        body: encodeSubscriptionGroups({ dataVersion: current, groups: entries }),
      })
    },
  }
}
