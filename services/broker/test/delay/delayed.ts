// Delayed messages in tests of the broker.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { PropertyName, encodeProperties } from '@rocketmq-ts/model'
import { SendMessageV2 } from '@rocketmq-ts/remoting'
import type { BrokerHarness } from '../broker-harness.ts'

export type Properties = readonly (readonly [string, string])[]

/** Sends without the tally of the harness, which counts messages where they are sent. */
export async function sendDelayed(broker: BrokerHarness, body: string, properties: Properties, topic = 'T') {
  const header = {
    producerGroup: 'p',
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 1,
    sysFlag: 0,
    bornTimestampMs: 1,
    flag: 0,
    properties: encodeProperties([[PropertyName.UNIQ_KEY, `key-${body.slice(0, 20)}`], ...properties]),
  }
  return broker.ask(SendMessageV2, header, utf8Encode(body))
}

export async function received(broker: BrokerHarness, topic = 'T'): Promise<string[]> {
  const popped = await broker.pop(topic, 'G')
  for (const each of popped) await broker.ack(topic, 'G', each)
  return popped.map(({ record }) => Buffer.from(record.body).toString())
}

/** Due so many milliseconds from now. */
export const inMs = (broker: BrokerHarness, ms: number): Properties => [
  [PropertyName.TIMER_DELIVER_MS, String(broker.machine.nowMs + ms)],
]
