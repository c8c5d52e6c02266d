// rmq dlq show: one dead letter, as rmq message show has it.
import { deadLetterTopicOf } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { deadLetterQueues } from './dead-letters.ts'
import { messageShow, type MessageShowOptions } from './message-show.ts'

export type DlqShowOptions = Omit<MessageShowOptions, 'topic'>

export async function dlqShow(context: Context, options: DlqShowOptions, group: string, id: string): Promise<number> {
  await deadLetterQueues(context, options, group)
  return messageShow(context, { ...options, topic: deadLetterTopicOf(group) }, id)
}
