// Types of messages, and what a topic accepts of them.
import { PropertyName } from './message-properties.ts'

/** Values of the topic attribute `message.type`. Java: TopicMessageType. */
export const MessageType = {
  UNSPECIFIED: 'UNSPECIFIED',
  NORMAL: 'NORMAL',
  FIFO: 'FIFO',
  DELAY: 'DELAY',
  TRANSACTION: 'TRANSACTION',
  MIXED: 'MIXED',
  PRIORITY: 'PRIORITY',
  LITE: 'LITE',
} as const
export type MessageType = (typeof MessageType)[keyof typeof MessageType]

export const MESSAGE_TYPE_ATTRIBUTE = 'message.type'

export function isMessageType(text: string): text is MessageType {
  return Object.hasOwn(MessageType, text)
}

/** The type that the properties tell, first match wins. Java: TopicMessageType.parseFromMessageProperty. */
export function messageTypeOf(properties: ReadonlyMap<string, string>): MessageType {
  if (properties.get(PropertyName.TRAN_MSG) === 'true') return MessageType.TRANSACTION
  if (
    properties.has(PropertyName.DELAY) ||
    properties.has(PropertyName.TIMER_DELIVER_MS) ||
    properties.has(PropertyName.TIMER_DELAY_SEC) ||
    properties.has(PropertyName.TIMER_DELAY_MS)
  ) {
    return MessageType.DELAY
  }
  if (properties.has(PropertyName.SHARDING_KEY)) return MessageType.FIFO
  if (properties.has(PropertyName.PRIORITY)) return MessageType.PRIORITY
  if (properties.has(PropertyName.LITE_TOPIC)) return MessageType.LITE
  return MessageType.NORMAL
}
