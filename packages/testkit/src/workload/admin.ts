// What an operator does before the clients come: topics and consumer groups on every broker, over remoting.
import { createBrokerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { subscriptionGroupConfig, topicConfig } from '@rocketmq-ts/model'
import { connectPeer } from '@rocketmq-ts/remoting'
import type { Effects } from '@rocketmq-ts/runtime'

export interface AdminPlan {
  readonly brokerAddresses: readonly string[]
  readonly topics: readonly { readonly name: string; readonly queues: number }[]
  readonly groups: readonly { readonly name: string; readonly retryMaxTimes: number }[]
}

/** Main of the operator's process; resolves when everything is there. */
export async function prepare({ network, clock, scheduler }: Effects, plan: AdminPlan): Promise<void> {
  const peers = createPeerSource({ connect: (address) => connectPeer(network, address, { clock, scheduler }), clock })
  const brokers = createBrokerClient({ peers })
  for (const address of plan.brokerAddresses) {
    for (const { name, queues } of plan.topics) {
      await brokers.createTopic(address, topicConfig(name, { readQueueNums: queues, writeQueueNums: queues }))
    }
    for (const { name, retryMaxTimes } of plan.groups) {
      await brokers.createSubscriptionGroup(address, subscriptionGroupConfig(name, { retryMaxTimes }))
    }
  }
  peers.close()
}
