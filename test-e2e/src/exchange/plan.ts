// Which questions are asked about a folder: all queues, times around what is stored, and a sample of keys and records.
import { type Book, keysOf, QUEUES, TOPICS, uniqueKeyOf } from './load.ts'
import type { Question } from './questions.ts'
import type { QueueName } from './requests.ts'

/** Of the messages, one in so many is asked for by key and by position. */
const SAMPLES = 200
/** Before and after all that is stored, whatever the clock did meanwhile. */
const AROUND_MS = 3_600_000
const TIMES_BETWEEN = 6

export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** All queues of the load. */
export function loadQueues(): QueueName[] {
  return TOPICS.flatMap((topic) => Array.from({ length: QUEUES }, (_, queueId) => ({ topic, queueId })))
}

/** Bounds and times of these queues. */
export function questionsOfQueues(queues: readonly QueueName[], { fromMs, toMs }: Span): Question[] {
  const step = Math.max(1, Math.floor((toMs - fromMs) / TIMES_BETWEEN))
  const between = Array.from({ length: TIMES_BETWEEN }, (_, index) => fromMs + index * step)
  const times = [fromMs - AROUND_MS, ...between, toMs, toMs + AROUND_MS]
  return queues.flatMap(({ topic, queueId }): Question[] => [
    { kind: 'max', topic, queueId },
    { kind: 'min', topic, queueId },
    { kind: 'earliest', topic, queueId },
    ...times.map((atMs): Question => ({ kind: 'time', topic, queueId, boundary: 'LOWER', atMs })),
    ...times.map((atMs): Question => ({ kind: 'time', topic, queueId, boundary: 'UPPER', atMs })),
  ])
}

/** Keys, unique keys and positions of a sample of the messages, and keys that nobody has. */
export function questionsOfMessages(book: Book, { fromMs, toMs }: Span): Question[] {
  const every = Math.max(1, Math.floor(book.all.length / SAMPLES))
  const beginMs = fromMs - AROUND_MS
  const endMs = toMs + AROUND_MS
  const sample = book.all.filter(({ number }) => number % every === 0)
  return [
    ...sample.flatMap(({ number, topic, offsetMessageId }): Question[] => {
      const [own, shared] = keysOf(number)
      return [
        { kind: 'key', topic, key: own, isUnique: false, beginMs, endMs },
        { kind: 'key', topic, key: shared, isUnique: false, beginMs, endMs },
        { kind: 'key', topic, key: uniqueKeyOf(number), isUnique: true, beginMs, endMs },
        { kind: 'view', topic, commitLogOffset: positionIn(offsetMessageId) },
      ]
    }),
    { kind: 'key', topic: TOPICS[0] ?? '', key: 'of-nobody', isUnique: false, beginMs, endMs },
    {
      kind: 'key',
      topic: TOPICS[0] ?? '',
      key: keysOf(0)[0],
      isUnique: false,
      beginMs: beginMs - AROUND_MS,
      endMs: beginMs,
    },
  ]
}

/** The position of the log in an offset message id: its last 16 digits. */
export function positionIn(offsetMessageId: string): number {
  return Number.parseInt(offsetMessageId.slice(-16), 16)
}
