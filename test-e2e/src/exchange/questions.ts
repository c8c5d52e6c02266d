// What a broker is asked before and after it changes hands. A question is data, its answer a text: two brokers that say
// the same have equal maps, and recorded folders keep them as JSON.
import { createHash } from 'node:crypto'
import type { RemotingClient } from './remoting-client.ts'
import {
  type Boundary,
  consumerOffset,
  earliestStoredMs,
  maxOffset,
  messageAt,
  messagesOfKey,
  minOffset,
  offsetAtTime,
  type QueueName,
} from './requests.ts'
import type { StoredMessage } from './record.ts'

const QUESTIONS_AT_ONCE = 8
const HASH_CHARS = 16

export type Question =
  | ({ readonly kind: 'max' | 'min' | 'earliest' } & QueueName)
  | ({ readonly kind: 'time'; readonly boundary: Boundary; readonly atMs: number } & QueueName)
  | {
      readonly kind: 'key'
      readonly topic: string
      readonly key: string
      readonly isUnique: boolean
      readonly beginMs: number
      readonly endMs: number
    }
  | { readonly kind: 'view'; readonly topic: string; readonly commitLogOffset: number }
  | ({ readonly kind: 'offset'; readonly group: string } & QueueName)

/** By the text of the question. */
export type Answers = ReadonlyMap<string, string>

/** E.g. `time exchange-01 2 LOWER 1700000000000`. */
export function textOf(question: Question): string {
  return Object.values(question).join(' ')
}

/** Asks them all. A question that fails has the failure as its answer. */
export async function askAll(client: RemotingClient, questions: readonly Question[]): Promise<Answers> {
  const answers = new Map<string, string>()
  for (let from = 0; from < questions.length; from += QUESTIONS_AT_ONCE) {
    const some = questions.slice(from, from + QUESTIONS_AT_ONCE)
    const texts = await Promise.all(
      some.map((question) => answerTo(client, question).catch((error: unknown) => `failed: ${String(error)}`)),
    )
    some.forEach((question, index) => answers.set(textOf(question), texts[index] ?? ''))
  }
  return answers
}

async function answerTo(client: RemotingClient, question: Question): Promise<string> {
  switch (question.kind) {
    case 'max':
      return String(await maxOffset(client, queueOf(question)))
    case 'min':
      return String(await minOffset(client, queueOf(question)))
    case 'earliest':
      return String(await earliestStoredMs(client, queueOf(question)))
    case 'time':
      return String(await offsetAtTime(client, queueOf(question), question.atMs, question.boundary))
    case 'key':
      return (await messagesOfKey(client, question)).map(describe).toSorted().join(', ')
    case 'view': {
      const message = await messageAt(client, question.commitLogOffset, question.topic)
      return message === undefined ? 'none' : describe(message)
    }
    case 'offset':
      return String(await consumerOffset(client, question.group, queueOf(question)))
  }
}

function queueOf({ topic, queueId }: QueueName): QueueName {
  return { topic, queueId }
}

/** Where a message is, and every byte of its record as a hash. */
function describe({ queueId, queueOffset, commitLogOffset, bytes }: StoredMessage): string {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, HASH_CHARS)
  return `${queueId}/${queueOffset} at ${commitLogOffset} ${hash}`
}

/** Questions that are answered otherwise, each with both answers. */
export function differencesOf(expected: Answers, actual: Answers): string[] {
  return [...expected]
    .filter(([question, answer]) => actual.get(question) !== answer)
    .map(([question, answer]) => `${question}: ${answer || 'nothing'} became ${actual.get(question) || 'nothing'}`)
}
