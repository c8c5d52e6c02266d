// Topics that exist on every broker without being created. Java: TopicConfigManager.init.
import { Perm, SystemTopic, type TopicConfig, topicConfig } from '@rocketmq-ts/model'
import type { BrokerSettings } from './config.ts'

function oneQueue(name: string, perm: number = Perm.READ_WRITE): TopicConfig {
  return topicConfig(name, { readQueueNums: 1, writeQueueNums: 1, perm })
}

/**
 * The seed of automatic creation (when that is on), and the topics after cluster and broker, whose routes clients and
 * proxies ask for. At least two, as a nameserver refuses a first registration with a single one.
 */
export function builtInTopics(settings: BrokerSettings): TopicConfig[] {
  const queues = settings.defaultTopicQueueNums
  const inherit = Perm.READ_WRITE | Perm.INHERIT
  const topics = [
    oneQueue(SystemTopic.SELF_TEST),
    topicConfig(settings.brokerClusterName, { perm: inherit }),
    oneQueue(settings.brokerName, inherit),
  ]
  if (settings.autoCreateTopicEnable) {
    topics.push(topicConfig(SystemTopic.AUTO_CREATE, { readQueueNums: queues, writeQueueNums: queues, perm: inherit }))
  }
  return topics
}
