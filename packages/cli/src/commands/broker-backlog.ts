// What groups have not settled of a broker's messages. A look at all groups asks one question for each; in between only
// those are asked about that had something left.
import type { QueueConsumeStats } from '@rocketmq-ts/remoting'
import { compareText, countText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'

/** Groups asked about at once. */
const GROUPS_AT_ONCE = 16
/** Named in one line; the others are counted. */
const SHOWN_MAX = 8

export interface Backlog {
  readonly group: string
  readonly topic: string
  readonly messages: number
}

/** Of all groups of the broker, most first; the interruption ends it with what was seen until then. */
export async function backlogOfAll(session: Session, broker: BrokerAddress, signal: AbortSignal): Promise<Backlog[]> {
  const groups = await session.at(broker, (address) => session.brokers.subscriptionGroups(address))
  const names = groups.map(({ groupName }) => groupName)
  return backlogOf(session, broker, names, signal)
}

/** Of these groups, most first. */
export async function backlogOf(
  session: Session,
  broker: BrokerAddress,
  groups: readonly string[],
  signal: AbortSignal,
): Promise<Backlog[]> {
  const backlog: Backlog[] = []
  for (let at = 0; at < groups.length && !signal.aborted; at += GROUPS_AT_ONCE) {
    const names = groups.slice(at, at + GROUPS_AT_ONCE)
    const found = await Promise.all(names.map((group) => backlogOfGroup(session, broker, group)))
    backlog.push(...found.flat())
  }
  return backlog.sort((left, right) => right.messages - left.messages || compareText(left.group, right.group))
}

async function backlogOfGroup(session: Session, broker: BrokerAddress, group: string): Promise<Backlog[]> {
  const queues = await session.at(broker, (address) => session.brokers.consumeStats(address, group))
  const byTopic = new Map<string, number>()
  for (const queue of queues) {
    const { topic } = queue
    const messages = lagOf(queue)
    if (messages > 0) byTopic.set(topic, messages + (byTopic.get(topic) ?? 0))
  }
  return Array.from(byTopic, ([topic, messages]) => ({ group, topic, messages }))
}

/** Of Apache's broker it is what it says of the first message that is not settled. */
export function lagOf({ lag, brokerOffset, consumerOffset }: QueueConsumeStats): number {
  return lag ?? Math.max(0, brokerOffset - consumerOffset)
}

export function messagesOf(backlog: readonly Backlog[]): number {
  return backlog.reduce((sum, { messages }) => sum + messages, 0)
}

/** One line for people. */
export function backlogText(backlog: readonly Backlog[]): string {
  const parts = backlog.slice(0, SHOWN_MAX).map(({ group, topic, messages }) => `${messages} of ${topic} for ${group}`)
  const more = backlog.length - parts.length
  if (more > 0) parts.push(`and ${more} more`)
  return `${countText(messagesOf(backlog), 'message')} left: ${parts.join(', ')}.`
}
