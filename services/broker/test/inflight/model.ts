// The reference: one plain object per message of one queue, no batches, no lists. Slow and obvious.
import type { Bucket } from '../../src/inflight/inflight.ts'

export type ModelMessage =
  | { state: 'waiting' }
  | { state: 'settled'; bucket: Bucket }
  | { state: 'ready'; attempts: number; popTime: number }
  | { state: 'inFlight'; attempts: number; popTime: number; deadline: number; fresh: boolean; pending: boolean }

export interface Model {
  messages: ModelMessage[]
  cursor: number
}

export function createModel(start: number): Model {
  const messages = Array.from({ length: start }, (): ModelMessage => ({ state: 'settled', bucket: 'beforeStart' }))
  return { messages, cursor: start }
}

/** What a restart makes of it: nobody prepares copies any more, everything of the past is in the log. */
export function copyOf(model: Model): Model {
  const messages = model.messages.map((message): ModelMessage => {
    return message.state === 'inFlight' ? { ...message, fresh: false, pending: false } : { ...message }
  })
  return { messages, cursor: model.cursor }
}

export function lowMark(model: Model): number {
  const first = model.messages.findIndex(({ state }) => state !== 'settled')
  return first < 0 || first > model.cursor ? model.cursor : first
}

export function offsetsIn(model: Model, state: ModelMessage['state']): number[] {
  return model.messages.flatMap((message, offset) => (message.state === state ? [offset] : []))
}

export function nextDeadline(model: Model): number | undefined {
  const deadlines = model.messages.flatMap((message) => {
    return message.state === 'inFlight' && !message.pending ? [message.deadline] : []
  })
  return deadlines.length === 0 ? undefined : Math.min(...deadlines)
}

export function bucketCounts(model: Model): Partial<Record<Bucket, number>> {
  const counts: Partial<Record<Bucket, number>> = {}
  for (const message of model.messages) {
    const bucket = message.state === 'settled' ? message.bucket : message.state
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  return counts
}
