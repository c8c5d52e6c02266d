// Names and positions that must not be mixed up. Each is made only through its checked constructor.
import assert from 'node:assert'

declare const brand: unique symbol
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }

/** Index of a message within one queue. */
export type QueueOffset = Brand<number, 'QueueOffset'>
/** Byte position in the commit log. Java: physical offset. */
export type CommitLogOffset = Brand<number, 'CommitLogOffset'>

/** A queue of a topic on one broker. */
export interface QueueId {
  readonly topic: string
  readonly queueId: number
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** @param index 0 … 2^53−1 */
export function queueOffset(index: number): QueueOffset {
  if (!isPosition(index)) assert.fail(`not a queue offset: ${index}`)
  return index as QueueOffset
}

/** @param bytes 0 … 2^53−1 */
export function commitLogOffset(bytes: number): CommitLogOffset {
  if (!isPosition(bytes)) assert.fail(`not a commit log offset: ${bytes}`)
  return bytes as CommitLogOffset
}

/** Key of a queue in maps. Topic names hold no '\0'. */
export function queueKey(topic: string, queueId: number): string {
  return `${topic}\0${queueId}`
}
