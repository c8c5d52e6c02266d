// What a topic holds from one time to another, read queue by queue without consuming anything.
import type { MessageRecord } from '@rocketmq-ts/model'
import type { BrokerAddress, Session } from '../session.ts'
import type { TimeWindow } from './time-window.ts'

/** A queue of one broker, and the offsets [from, to) of the window in it. */
export interface QueueWindow {
  readonly broker: BrokerAddress
  readonly topic: string
  readonly queueId: number
  readonly from: number
  readonly to: number
}

/** Messages of one question. */
const READ_MESSAGES = 32

/** The queues of a topic at one broker; undefined where the broker does not have the topic. */
export async function windowsOf(
  session: Session,
  broker: BrokerAddress,
  topic: string,
  { fromMs, toMs }: TimeWindow,
): Promise<readonly QueueWindow[] | undefined> {
  const { brokers } = session
  const { address } = broker
  const queues = await brokers.topicStats(address, topic)
  if (queues === undefined) return undefined
  const nowMs = session.effects.clock.nowMs()
  const offsetAt = (queueId: number, timestampMs: number): Promise<number> =>
    brokers.searchOffset(address, { topic, queueId, timestampMs })
  return Promise.all(
    queues
      .filter(({ minOffset, maxOffset }) => maxOffset > minOffset)
      .map(async ({ queueId, minOffset, maxOffset }) => ({
        broker,
        topic,
        queueId,
        from: fromMs <= 0 ? minOffset : await offsetAt(queueId, fromMs),
        to: toMs >= nowMs ? maxOffset : await offsetAt(queueId, toMs + 1),
      })),
  )
}

export function messagesIn(windows: readonly QueueWindow[]): number {
  return windows.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0)
}

/** Only the newest `max` of each queue. */
export function newestOf(windows: readonly QueueWindow[], max: number): QueueWindow[] {
  return windows.map((window) => ({ ...window, from: Math.max(window.from, window.to - max) }))
}

/** The messages of the windows, one queue after the other, in parts as brokers answer them. Damaged ones are left out. */
export async function* readWindows(
  session: Session,
  windows: readonly QueueWindow[],
): AsyncGenerator<{ readonly broker: BrokerAddress; readonly records: readonly MessageRecord[] }> {
  for (const { broker, topic, queueId, from, to } of windows) {
    for (let at = from; at < to;) {
      const place = { topic, queueId, queueOffset: at }
      const max = Math.min(READ_MESSAGES, to - at)
      const { records, next } = await session.at(broker, (address) => session.brokers.readQueue(address, place, max))
      const inside = records.filter(({ queueOffset }) => queueOffset < to)
      if (inside.length > 0) yield { broker, records: inside }
      if (next <= at) break
      at = next
    }
  }
}
