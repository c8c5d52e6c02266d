// Reads what a pop has claimed: each record straight into its place in the body of the answer, so that nothing is copied
// a second time. Records that can not be read leave no hole.
import { MqError, patchReconsumeTimes } from '@rocketmq-ts/model'
import { isFillerUnit, type QueueReader, type RecordRange, type RecordReader } from '@rocketmq-ts/store'
import type { QueueState } from '../inflight/inflight.ts'
import { locate, type Taken, type TakenMessage } from './take-messages.ts'

export interface ReadDeps {
  readonly reader: QueueReader & RecordReader
  /** A claimed message can not be read: it settles as damaged. */
  readonly onUnreadable: (message: TakenMessage, popTime: number, error: Error) => void
}

export interface ReadMessages {
  /** Records one behind the other, in the order of `offsets`. */
  readonly body: Uint8Array
  readonly count: number
  /** Per queue that has any, the offsets of its records in the body. */
  readonly offsets: readonly { readonly queue: QueueState; readonly readable: readonly number[] }[]
}

interface Place {
  readonly message: TakenMessage
  readonly range: RecordRange
  isReadable: boolean
}

/** Resolves when everything was read that can be; what can not was told to `onUnreadable`. */
export async function readMessages(deps: ReadDeps, { queues, popTime }: Taken): Promise<ReadMessages> {
  const { reader, onUnreadable } = deps
  const places: Place[] = []
  for (const { messages } of queues) {
    for (const message of messages) {
      try {
        const range = rangeOf(message) ?? (await locate(reader, message))
        if (range === undefined) {
          throw new MqError('damaged', `queue offset ${message.queueOffset} has no readable record`)
        }
        places.push({ message, range, isReadable: true })
      } catch (error) {
        onUnreadable(message, popTime, errorOf(error))
      }
    }
  }
  const body = Buffer.allocUnsafe(places.reduce((sum, { range }) => sum + range.size, 0))
  const pending: Promise<void>[] = []
  let next = 0
  for (const place of places) {
    const start = next
    next += place.range.size
    const fail = (error: unknown): void => {
      place.isReadable = false
      onUnreadable(place.message, popTime, errorOf(error))
    }
    try {
      const reading = reader.readInto(place.range, body, start, place.message.queue.group)
      if (reading !== undefined) pending.push(reading.catch(fail))
    } catch (error) {
      fail(error)
    }
  }
  if (pending.length > 0) await Promise.all(pending)
  return assemble(body, places)
}

/** What the queue said when the message was claimed; undefined where it must be asked again. */
function rangeOf({ unit }: TakenMessage): RecordRange | undefined {
  return unit === undefined || isFillerUnit(unit) ? undefined : unit
}

/** Closes the holes of what could not be read, and writes the delivery counts. */
function assemble(body: Buffer, places: readonly Place[]): ReadMessages {
  const offsets: { queue: QueueState; readable: number[] }[] = []
  let count = 0
  let from = 0
  let to = 0
  for (const { message, range, isReadable } of places) {
    const { size } = range
    if (isReadable) {
      if (to !== from) body.copyWithin(to, from, from + size)
      if (message.attempt > 1) patchReconsumeTimes(body, message.attempt - 1, to)
      if (offsets.at(-1)?.queue !== message.queue) offsets.push({ queue: message.queue, readable: [] })
      offsets.at(-1)?.readable.push(message.queueOffset)
      count += 1
      to += size
    }
    from += size
  }
  return { body: body.subarray(0, to), count, offsets }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
