// Tells brokers that producers of transactions are here: the group of a producer is its topic. Java: TransactionService of a
// proxy, which registers each topic with the brokers that have it.
import type { BrokerClient } from '@rocketmq-ts/cluster-client'
import type { ProducerAnnouncer } from './upstream.ts'

/** Groups of one heartbeat: a broker reads no more. */
const GROUPS_PER_HEARTBEAT = 4096
/** Brokers tell clients apart by their connections. */
const CLIENT_ID = 'rocketmq-ts-proxy'

/** @param mastersOf addresses of the brokers that have the topic */
export function createAnnouncer(
  brokers: Pick<BrokerClient, 'heartbeat'>,
  mastersOf: (topic: string) => Promise<Iterable<string>>,
): ProducerAnnouncer['announceProducers'] {
  async function tell(address: string, topics: readonly string[]): Promise<void> {
    for (let from = 0; from < topics.length; from += GROUPS_PER_HEARTBEAT) {
      await brokers.heartbeat(address, {
        clientID: CLIENT_ID,
        producerDataSet: topics.slice(from, from + GROUPS_PER_HEARTBEAT).map((groupName) => ({ groupName })),
        consumerDataSet: [],
        heartbeatFingerprint: 0,
        withoutSub: false,
      })
    }
  }

  return async (topics) => {
    const byAddress = new Map<string, string[]>()
    for (const topic of topics) {
      for (const address of await mastersOf(topic)) {
        const known = byAddress.get(address)
        if (known === undefined) byAddress.set(address, [topic])
        else known.push(topic)
      }
    }
    const told = await Promise.allSettled(Array.from(byAddress, ([address, groups]) => tell(address, groups)))
    const failed = told.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
}
