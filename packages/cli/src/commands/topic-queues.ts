// The queues of a topic that may be written, where no message group says which one.
import { isWritable, MASTER_ID, SystemTopic, type TopicRouteData } from '@rocketmq-ts/model'
import { CliFailure } from '../failures.ts'
import { compareText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'

/** Queues of a topic that a send creates. */
export const NEW_TOPIC_QUEUES = 4

export interface Queue {
  readonly broker: BrokerAddress
  readonly queueId: number
}

/** The queues that may be written, those of different brokers in turn; of the template where the topic is new. */
export async function queuesFor(session: Session, topic: string): Promise<{ queues: Queue[]; defaultTopic: string }> {
  const defaultTopic = SystemTopic.AUTO_CREATE
  const known = await session.route(topic)
  const route = known ?? (await session.route(defaultTopic))
  if (route === undefined) {
    await session.requireBrokers()
    throw new CliFailure(
      'topic-not-found',
      `topic '${topic}' does not exist, and no broker creates topics by itself`,
      `Create it with: rmq topic create ${topic}`,
    )
  }
  const queues = writableQueues(route, known === undefined ? NEW_TOPIC_QUEUES : undefined)
  if (queues.length === 0) {
    throw new CliFailure(
      'no-permission',
      `topic '${topic}' has no queue that may be written`,
      'Its brokers are drained (rmq cluster status), or it is for reading only (rmq topic describe).',
    )
  }
  return { queues, defaultTopic }
}

/** In turn over brokers; `queuesMax` of each. */
export function writableQueues(
  { queueDatas, brokerDatas }: TopicRouteData,
  queuesMax = Number.MAX_SAFE_INTEGER,
): Queue[] {
  const queues: Queue[] = []
  for (const { brokerName, perm, writeQueueNums } of queueDatas) {
    const data = brokerDatas.find((each) => each.brokerName === brokerName)
    const address = data?.brokerAddrs.get(MASTER_ID)
    if (!isWritable(perm) || data === undefined || address === undefined) continue
    const broker = { cluster: data.cluster, brokerName, brokerId: MASTER_ID, address }
    for (let queueId = 0; queueId < Math.min(writeQueueNums, queuesMax); queueId += 1) queues.push({ broker, queueId })
  }
  return queues.sort(
    (left, right) => left.queueId - right.queueId || compareText(left.broker.brokerName, right.broker.brokerName),
  )
}
