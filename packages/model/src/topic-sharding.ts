// Over which queues message groups are spread: an attribute of ours, in the words of Apache's orderTopicConf. A topic that
// has it keeps its groups where they are while a broker is away; their sends fail until it is back. Without it groups move
// to the brokers that are left, and what comes from there may overtake what waits on the other one.
import { MqError } from './mq-error.ts'
import type { TopicConfig } from './topic-config.ts'

/** `broker-a:4;broker-b:4`: names of brokers, and how many of their queues are written. */
export const SHARDING_QUEUES_ATTRIBUTE = 'sharding.queues'

/** Brokers that the attribute can name. */
export const SHARDING_BROKERS_MAX = 1024

export interface ShardingQueues {
  readonly brokerName: string
  /** Queues 0 to this, without it. */
  readonly queues: number
}

/**
 * Reads the attribute, sorted by the brokers' names; undefined where the topic has none. MqError 'parameter-invalid' where
 * it is not what `shardingQueuesText` writes.
 */
export function topicShardingQueues({
  attributes,
}: Pick<TopicConfig, 'attributes'>): readonly ShardingQueues[] | undefined {
  const text = attributes.get(SHARDING_QUEUES_ATTRIBUTE)
  if (text === undefined) return undefined
  const parts = text.split(';', SHARDING_BROKERS_MAX + 1)
  const found = parts.flatMap((part): ShardingQueues[] => {
    const [, brokerName, queues] = /^([^:;]{1,255}):([1-9]\d{0,4})$/.exec(part) ?? []
    return brokerName === undefined ? [] : [{ brokerName, queues: Number(queues) }]
  })
  const isWhole = found.length === parts.length && found.length <= SHARDING_BROKERS_MAX
  if (!isWhole || new Set(found.map(({ brokerName }) => brokerName)).size < found.length) {
    throw new MqError(
      'parameter-invalid',
      `attributes: ${SHARDING_QUEUES_ATTRIBUTE} is '${text.slice(0, 80)}'; brokers and their queues, each once, as in 'broker-a:4;broker-b:4'`,
    )
  }
  return found.sort(byBroker)
}

/** The attribute's value. */
export function shardingQueuesText(places: readonly ShardingQueues[]): string {
  return places
    .toSorted(byBroker)
    .map(({ brokerName, queues }) => `${brokerName}:${queues}`)
    .join(';')
}

/** The queues of the list one after the other, without those of brokers that take no more messages. */
export function shardedQueues(
  places: readonly ShardingQueues[],
  readOnly: ReadonlySet<string>,
): { readonly brokerName: string; readonly queueId: number }[] {
  return places.flatMap(({ brokerName, queues }) =>
    readOnly.has(brokerName) ? [] : Array.from({ length: queues }, (_, queueId) => ({ brokerName, queueId })),
  )
}

/** As routes are sorted: the places of queues in the list decide where message groups go. */
function byBroker(left: ShardingQueues, right: ShardingQueues): number {
  return left.brokerName < right.brokerName ? -1 : 1
}
