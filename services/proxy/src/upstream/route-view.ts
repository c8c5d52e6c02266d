// A nameserver's route in the words of use cases: queues of masters, ascending by name, and where these are.
import { isReadable, isWritable, MASTER_ID, type TopicRouteData } from '@rocketmq-ts/model'
import type { BrokerQueues, TopicRoute } from './upstream.ts'

/** A route as use cases see it, and where its masters are. */
export interface RouteView {
  readonly route: TopicRoute
  /** Addresses by name, ascending: who asks any of them asks the same one as every other proxy, while it is there. */
  readonly masters: ReadonlyMap<string, string>
}

/** Brokers without a master are left out. */
export function readRoute(topic: string, { queueDatas, brokerDatas }: TopicRouteData): RouteView {
  const masters = new Map<string, string>()
  for (const { brokerName, brokerAddrs } of brokerDatas.toSorted(byName)) {
    const address = brokerAddrs.get(MASTER_ID)
    if (address !== undefined) masters.set(brokerName, address)
  }
  const brokers = queueDatas
    .filter(({ brokerName }) => masters.has(brokerName))
    .map(({ brokerName, readQueueNums, writeQueueNums, perm }): BrokerQueues => ({
      brokerName,
      readQueues: readQueueNums,
      writeQueues: writeQueueNums,
      readable: isReadable(perm),
      writable: isWritable(perm),
    }))
    .toSorted(byName)
  return { route: { topic, brokers }, masters }
}

function byName(left: { readonly brokerName: string }, right: { readonly brokerName: string }): number {
  return left.brokerName < right.brokerName ? -1 : 1
}
