// `rmq` as it is in the image, run in one of the containers that are up: what the cluster says of itself.
import type { Cluster } from './cluster.ts'
import { expectThat } from '../steps.ts'

export interface BrokerPart {
  readonly queues: number
  /** Messages that were ever appended to them. */
  readonly messages: number
}

export interface Rmq {
  /** By brokerName. */
  describeTopic(topic: string): Promise<Map<string, BrokerPart>>
  /** Messages that a group has not acknowledged, on all brokers. */
  lagOf(group: string): Promise<number>
  /** The brokerName of the broker in a container with this address. */
  brokerAt(address: string): Promise<string>
  /** Resolves with what it says when nothing waits on the broker any more. */
  drain(brokerName: string): Promise<string>
}

interface TopicDocument {
  readonly queueList: readonly { readonly brokerName: string; readonly maxOffset: number }[]
}

interface StatusDocument {
  readonly brokers: readonly { readonly brokerName: string; readonly address: string }[]
}

export function createRmq(cluster: Cluster): Rmq {
  async function run(...args: readonly string[]): Promise<string> {
    const [container] = await cluster.running()
    expectThat(container !== undefined, 'no container is up')
    return container.exec(['rocketmq-ts', 'rmq', ...args])
  }

  return {
    async describeTopic(topic) {
      const document = JSON.parse(await run('topic', 'describe', topic, '--json')) as TopicDocument
      const parts = new Map<string, BrokerPart>()
      for (const { brokerName, maxOffset } of document.queueList) {
        const { queues, messages } = parts.get(brokerName) ?? { queues: 0, messages: 0 }
        parts.set(brokerName, { queues: queues + 1, messages: messages + maxOffset })
      }
      return parts
    },
    async lagOf(group) {
      const { lag } = JSON.parse(await run('group', 'describe', group, '--json')) as { readonly lag: number }
      return lag
    },
    async brokerAt(address) {
      const { brokers } = JSON.parse(await run('cluster', 'status', '--json')) as StatusDocument
      const found = brokers.find((broker) => broker.address.startsWith(`${address}:`))
      expectThat(found !== undefined, `no broker is registered at ${address}`)
      return found.brokerName
    },
    drain: (brokerName) => run('broker', 'drain', brokerName),
  }
}
