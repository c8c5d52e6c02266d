// Names of messages: to the broker by their unique keys, and in what is reported.
import type { Message } from './model.ts'

const UNIQUE_KEY_CHARS = 32

export function uniqueKeyOf(id: number): string {
  return id.toString(16).toUpperCase().padStart(UNIQUE_KEY_CHARS, '0')
}

/** Of the text that ends with a unique key. */
export function idOfUniqueKey(text: string): number {
  return Number.parseInt(text.slice(-UNIQUE_KEY_CHARS), 16)
}

export function nameOf(message: Message): string {
  return `message ${message.id} of ${message.topic} (${message.outcome}, at ${message.position ?? 'nowhere'})`
}
