// What is written in an exchange, and the memory of it: each message tells by its body who it is.
import type { RemotingClient } from './remoting-client.ts'
import { createGroup, createTopic, type Outgoing, send, type SentMessage } from './requests.ts'
import type { StoredMessage } from './record.ts'

export const TOPICS = Array.from({ length: 20 }, (_, index) => `exchange-${String(index + 1).padStart(2, '0')}`)
export const QUEUES = 4
const SENDS_IN_FLIGHT = 128
/** Bodies of 100 to 1,123 bytes: most of a commit log is bodies, as in life. */
const BODY_BYTES_MIN = 100
const BODY_BYTES_SPREAD = 1024
const FILLER = Buffer.alloc(BODY_BYTES_MIN + BODY_BYTES_SPREAD, 'the quick brown fox jumps over the lazy dog ')
const LARGE_TOPIC = 'exchange-large'
const LARGE_BYTES = 1024 * 1024
/** So many messages share a key. */
const SHARED_KEY_MESSAGES = 20

/** One message that a broker acknowledged. */
export interface Written extends SentMessage {
  readonly number: number
  readonly topic: string
}

/** All that brokers acknowledged, by number. */
export class Book {
  readonly #messages: Written[] = []

  /** The number of the next message. */
  get next(): number {
    return this.#messages.length
  }

  get all(): readonly Written[] {
    return this.#messages
  }

  add(message: Written): void {
    this.#messages[message.number] = message
  }

  of(topic: string): readonly Written[] {
    return this.#messages.filter((message) => message.topic === topic)
  }
}

export async function createTopicsAndGroups(client: RemotingClient, groups: readonly string[]): Promise<void> {
  for (const topic of TOPICS) await createTopic(client, topic, QUEUES)
  for (const group of groups) await createGroup(client, group)
}

/** Sends so many, over all topics and queues; resolves when all are acknowledged. */
export async function fill(client: RemotingClient, book: Book, count: number): Promise<void> {
  const end = book.next + count
  let next = book.next
  async function sendSome(): Promise<void> {
    while (next < end) {
      const number = next
      next += 1
      const message = messageOf(number)
      book.add({ ...(await send(client, message)), number, topic: message.topic })
    }
  }
  await Promise.all(Array.from({ length: SENDS_IN_FLIGHT }, sendSome))
}

/** Large messages, which are in no book, until the log has gone on by so many bytes. */
export async function passBytes(client: RemotingClient, bytes: number): Promise<void> {
  await createTopic(client, LARGE_TOPIC, 1)
  const body = Buffer.alloc(LARGE_BYTES, FILLER)
  for (let sent = 0; sent < bytes; sent += LARGE_BYTES) {
    await send(client, { topic: LARGE_TOPIC, queueId: 0, body, properties: {} })
  }
}

function messageOf(number: number): Outgoing {
  return {
    topic: TOPICS[number % TOPICS.length] ?? '',
    queueId: Math.floor(number / TOPICS.length) % QUEUES,
    body: bodyOf(number),
    properties: { UNIQ_KEY: uniqueKeyOf(number), TAGS: `tag-${number % 3}`, KEYS: keysOf(number).join(' ') },
  }
}

/** Messages of one topic share the second key. */
export function keysOf(number: number): readonly [own: string, shared: string] {
  const round = Math.floor(number / (TOPICS.length * SHARED_KEY_MESSAGES))
  return [`key-${number}`, `shared-${round}`]
}

/** As clients make them: 32 hexadecimal digits, no two alike. */
export function uniqueKeyOf(number: number): string {
  return `7F000001${number.toString(16).toUpperCase().padStart(24, '0')}`
}

export function bodyOf(number: number): Buffer {
  const head = `${number}|`
  const body = Buffer.from(FILLER.subarray(0, BODY_BYTES_MIN + ((number * 7919) % BODY_BYTES_SPREAD)))
  body.write(head)
  return body
}

/** The number of a message; throws where its body is not, byte for byte, what was sent. */
export function numberOf({ body, topic, queueId, queueOffset }: StoredMessage): number {
  const number = Number(body.toString('latin1', 0, body.indexOf('|')))
  if (!Number.isSafeInteger(number) || !bodyOf(number).equals(body)) {
    throw new Error(`the body of ${topic} ${queueId}/${queueOffset} is not what was sent`)
  }
  return number
}
