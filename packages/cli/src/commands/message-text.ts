// A received message for people and for programs.
import type { PoppedMessage } from '@rocketmq-ts/cluster-client'
import { PropertyName } from '@rocketmq-ts/model'
import type { Printer } from '../output/printer.ts'
import { printable, timeText } from '../output/text.ts'
import { bodyFields, bodyText } from './message-body.ts'

const systemNames: ReadonlySet<string> = new Set(Object.values(PropertyName))

export interface Received {
  readonly message: PoppedMessage
  readonly brokerName: string
}

/** For programs: the body as text where it is text, else as base64. */
export function messageDocument({ message, brokerName }: Received) {
  const { record, properties } = message
  return {
    messageId: idOf(message),
    topic: record.topic,
    brokerName,
    queueId: record.queueId,
    queueOffset: record.queueOffset,
    deliveryAttempt: message.reconsumeTimes + 1,
    tag: properties.get(PropertyName.TAGS),
    keys: keysOf(properties),
    bornMs: record.bornTimestampMs,
    storedMs: record.storeTimestampMs,
    receiptHandle: message.handleText,
    properties: userPropertiesOf(properties),
    ...bodyFields(record),
  }
}

/** For people: a line of where it is and what it carries, then the body. */
export function printMessage(printer: Printer, { message, brokerName }: Received): void {
  const { record, properties } = message
  const tag = properties.get(PropertyName.TAGS)
  const keys = keysOf(properties)
  const attempt = message.reconsumeTimes + 1
  const facts = [
    `${brokerName}/${record.queueId}@${record.queueOffset}`,
    idOf(message),
    timeText(record.storeTimestampMs),
    ...(tag === undefined ? [] : [`tag=${tag}`]),
    ...(keys.length === 0 ? [] : [`keys=${keys.join(',')}`]),
    ...(attempt > 1 ? [`attempt=${attempt}`] : []),
    ...Object.entries(userPropertiesOf(properties)).map(([name, value]) => `${name}=${value}`),
  ]
  printer.line(printer.styled('dim', printable(facts.join('  '))))
  printer.line(bodyText(record))
}

/** Without those that have a meaning to the system, and those that only brokers of ours write. */
export function userPropertiesOf(properties: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    [...properties].filter(([name]) => !systemNames.has(name) && !name.startsWith(PropertyName.OWN_PREFIX)),
  )
}

function idOf({ properties, record }: PoppedMessage): string {
  return properties.get(PropertyName.UNIQ_KEY) ?? `${record.topic}/${record.queueId}@${record.queueOffset}`
}

export function keysOf(properties: ReadonlyMap<string, string>): string[] {
  return (properties.get(PropertyName.KEYS) ?? '').split(' ').filter((key) => key !== '')
}
