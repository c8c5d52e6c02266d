// Which queue the messages of a message group go to: the one that proxies choose, so that all of a group are in one queue,
// whoever sends them.
import {
  isWritable,
  MessageType,
  queueIndexOf,
  shardedQueues,
  type ShardingQueues,
  type TopicConfig,
  topicMessageType,
  type TopicRouteData,
} from '@rocketmq-ts/model'
import { CliFailure } from '../failures.ts'
import { compareText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'
import { type Queue, writableQueues } from './topic-queues.ts'
import { shardingQueuesOf } from './topics.ts'

/** What another broker may still answer. */
const AWAY: ReadonlySet<CliFailure['code']> = new Set(['unavailable', 'closed', 'timeout'])

export interface GroupQueues {
  /** As the first broker by name has it that answers. */
  readonly config: TopicConfig
  /** The one queue of a message group. Throws CliFailure where its broker is away. */
  of(messageGroup: string): Queue
}

/** Asks how a topic spreads its message groups. Rejects with CliFailure where there is no such topic, or no queue for them. */
export async function groupQueuesFor(session: Session, topic: string): Promise<GroupQueues> {
  const route = await session.route(topic)
  if (route === undefined) {
    await session.requireBrokers()
    const remedy = `Create it with: rmq topic create ${topic} --type FIFO`
    throw new CliFailure('topic-not-found', `topic '${topic}' does not exist`, remedy)
  }
  const queues = writableQueues(route).sort(
    (left, right) => compareText(left.broker.brokerName, right.broker.brokerName) || left.queueId - right.queueId,
  )
  const config = await configAtAny(session, new Set(queues.map(({ broker }) => broker)), topic)
  const places = config === undefined ? [] : placesOf(route, queues, shardingQueuesOf(config))
  if (config === undefined || places.length === 0) {
    const remedy = `Its brokers are drained (rmq cluster status), or it is for reading only (rmq topic describe ${topic}).`
    throw new CliFailure('no-permission', `topic '${topic}' has no queue that may be written`, remedy)
  }
  return {
    config,
    of(messageGroup) {
      const place = places[queueIndexOf(messageGroup, places.length)]!
      const { brokerName, queueId } = place
      const broker = queues.find((queue) => queue.broker.brokerName === brokerName)?.broker
      if (broker === undefined) {
        const text = `broker ${brokerName} has message group '${messageGroup}' of topic '${topic}', and is away`
        throw new CliFailure('unavailable', text, 'Start it: another queue would end the order of the group.')
      }
      return { broker, queueId }
    },
  }
}

/** Brokers are asked one after the other, by name, as long as they are away: those of a topic agree on it. */
async function configAtAny(
  session: Session,
  brokers: Iterable<BrokerAddress>,
  topic: string,
): Promise<TopicConfig | undefined> {
  let away: CliFailure | undefined
  for (const broker of brokers) {
    try {
      return await session.at(broker, (address) => session.brokers.topicConfig(address, topic))
    } catch (error) {
      if (!(error instanceof CliFailure) || !AWAY.has(error.code)) throw error
      away ??= error
    }
  }
  if (away !== undefined) throw away
  return undefined
}

interface Place {
  readonly brokerName: string
  readonly queueId: number
}

/** A broker that is away keeps its groups; one that takes no more messages has none. */
function placesOf(
  { queueDatas }: TopicRouteData,
  queues: readonly Queue[],
  sharding: readonly ShardingQueues[] | undefined,
): readonly Place[] {
  const readOnly = new Set(queueDatas.flatMap(({ brokerName, perm }) => (isWritable(perm) ? [] : [brokerName])))
  if (sharding === undefined) return queues.map(({ broker: { brokerName }, queueId }) => ({ brokerName, queueId }))
  return shardedQueues(sharding, readOnly)
}

/** Throws CliFailure where proxies would refuse a message of a group. */
export function requireOrdered({ topicName, attributes }: TopicConfig): void {
  const type = topicMessageType({ attributes })
  if (type === MessageType.FIFO || type === MessageType.MIXED) return
  throw new CliFailure(
    'parameter-invalid',
    `topic '${topicName}' takes messages of type ${type}; one of a message group is FIFO`,
    `Use a FIFO topic, or change it with: rmq topic create ${topicName} --type FIFO --update`,
  )
}
