// The command line, run as a user runs it, against one cluster.
import { join } from 'node:path'
import { runProcess } from '../processes.ts'

const RMQ_MS_MAX = 60_000

export type TopicType = 'NORMAL' | 'FIFO' | 'DELAY' | 'TRANSACTION'

export interface Rmq {
  /** With so many queues on each broker. */
  createTopic(topic: string, queues: number, type: TopicType): Promise<void>
  /** It stores a message with a key once. */
  createDedupTopic(topic: string): Promise<void>
  createGroup(group: string, maxAttempts: number): Promise<void>
  /** It consumes in order. */
  createOrderedGroup(group: string, by?: 'queue' | 'message-group'): Promise<void>
  /** No consumer of it gets messages. */
  createDisabledGroup(group: string): Promise<void>
  /** It gets everything again. */
  resetGroup(group: string): Promise<void>
  /** From now on it consumes in order. */
  orderGroup(group: string): Promise<void>
  /** Message ids that came for this group within the wait. */
  receive(topic: string, group: string, wait: string): Promise<string[]>
  /** The ids of the clients of a group. */
  clientsOf(group: string): Promise<string[]>
  /** The stacks of its threads; rejects with what was said of a failure. */
  stackOf(clientId: string): Promise<string>
  /** The client consumes the message on the spot; rejects with what was said of a failure. */
  verify(clientId: string, topic: string, messageId: string): Promise<void>
  /** Ids of the messages of the topic, or of those with the key. */
  messagesOf(topic: string, key?: string): Promise<string[]>
  /** What happened to it, in the order in which it did. */
  traceOf(topic: string, messageId: string): Promise<readonly TraceLine[]>
}

export interface TraceLine {
  /** E.g. stored. */
  readonly event: string
  readonly group?: string
  /** Who sent it, or got it. */
  readonly client?: string
}

/** `services`: folder of the bundles; `nameservers`: `host:port`, joined by ';'. */
export function createRmq(services: string, nameservers: string): Rmq {
  async function rmq(...args: string[]): Promise<string> {
    const command = [join(services, 'rmq.mjs'), '--nameserver', nameservers, '--json', ...args]
    return (await runProcess(process.execPath, command, { deadlineMs: RMQ_MS_MAX })).stdout
  }
  return {
    async createTopic(topic, queues, type) {
      await rmq('topic', 'create', topic, '--queues', `${queues}`, '--type', type)
    },
    async createDedupTopic(topic) {
      await rmq('topic', 'create', topic, '--queues', '1', '--dedup', 'key')
    },
    async createGroup(group, maxAttempts) {
      await rmq('group', 'create', group, '--max-attempts', `${maxAttempts}`)
    },
    async createOrderedGroup(group, by = 'queue') {
      await rmq('group', 'create', group, '--order', '--order-by', by)
    },
    async createDisabledGroup(group) {
      await rmq('group', 'create', group, '--consume-enable', 'false')
    },
    async orderGroup(group) {
      await rmq('group', 'update', group, '--order')
    },
    async resetGroup(group) {
      await rmq('group', 'reset', group, '--min', '--yes')
    },
    async receive(topic, group, wait) {
      const text = await rmq('receive', topic, '--group', group, '--wait', wait)
      return (JSON.parse(text) as { messages: { messageId: string }[] }).messages.map(({ messageId }) => messageId)
    },
    async clientsOf(group) {
      const text = await rmq('client', 'list', '--group', group)
      return (JSON.parse(text) as { clients: { clientId: string }[] }).clients.map(({ clientId }) => clientId)
    },
    async stackOf(clientId) {
      return (JSON.parse(await rmq('client', 'stack', clientId)) as { stack: string }).stack
    },
    async verify(clientId, topic, messageId) {
      await rmq('client', 'verify', clientId, messageId, '--topic', topic)
    },
    async messagesOf(topic, key) {
      const which = key === undefined ? ['--from', '1h'] : ['--key', key]
      const text = await rmq('message', 'query', '--topic', topic, ...which)
      return (JSON.parse(text) as { messages: { messageId: string }[] }).messages.map(({ messageId }) => messageId)
    },
    async traceOf(topic, messageId) {
      const text = await rmq('message', 'trace', messageId, '--topic', topic)
      return (JSON.parse(text) as { events: TraceLine[] }).events
    },
  }
}
