// Reads what a pop has claimed: each record straight into its place in the body of the answer, so that nothing is copied
// a second time. Records that can not be read leave no hole.
import { MqError, addReconsumeTimes } from '@rocketmq-ts/model'
import { isFillerUnit, type QueueReader, type Unit, type UnitReader } from '@rocketmq-ts/store'
import type { QueueState } from '../inflight/inflight.ts'
import { isDamage } from './damage.ts'
import { HANDLE_PROPERTY_BYTES_MAX } from './retry-delivery.ts'
import { locate, type Taken, type TakenMessage } from './take-messages.ts'

export interface ReadDeps {
  readonly reader: QueueReader & UnitReader
  /**
   * The group consumes in order: what a later try may read holds back the rest of its queue, which stays in flight with it.
   * Damage holds nothing back: it is settled.
   */
  readonly inOrder: boolean
  /** A claimed message can not be read: it settles as damaged. */
  readonly onUnreadable: (message: TakenMessage, popTime: number, error: Error) => void
  /**
   * For a queue whose records are not delivered as they are stored: makes the delivered one, at most
   * HANDLE_PROPERTY_BYTES_MAX bytes longer; undefined where the message is not delivered.
   */
  readonly rewriteOf?: RewriteOf | undefined
  /**
   * For a queue whose messages must match: whether the record at `at` does. Exact, where tags codes were not. Asked for
   * first deliveries: what was delivered once comes again, whatever the group asks for by then.
   */
  readonly matcherOf?: MatcherOf | undefined
  /** A claimed message does not match: it settles as filtered. */
  readonly onFiltered?: ((message: TakenMessage, popTime: number) => void) | undefined
}

export type MatcherOf = (queue: QueueState) => ((bytes: Buffer, at: number) => boolean) | undefined

export type RewriteOf = (
  queue: QueueState,
) => ((bytes: Uint8Array, message: TakenMessage, startOffset: number) => Uint8Array | undefined) | undefined

export interface ReadMessages {
  /** Records one behind the other, in the order of `offsets`. */
  readonly body: Uint8Array
  readonly count: number
  /** Per queue that has any, the offsets of its records in the body. */
  readonly offsets: readonly { readonly queue: QueueState; readonly readable: readonly number[] }[]
}

interface Place {
  readonly message: TakenMessage
  readonly unit: Unit
  /** Bytes it may take in the body. */
  readonly room: number
  readonly rewrite: ((bytes: Uint8Array) => Uint8Array | undefined) | undefined
  readonly matches: ReturnType<MatcherOf>
  isReadable: boolean
}

/** Resolves when everything was read that can be; what can not was told to `onUnreadable`. */
export async function readMessages(deps: ReadDeps, { queues, popTime }: Taken): Promise<ReadMessages> {
  const { reader, inOrder } = deps
  const places: Place[] = []
  /** First offset of each queue that holds back the rest. */
  const heldFrom = new Map<QueueState, number>()
  function onUnreadable(message: TakenMessage, thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    deps.onUnreadable(message, popTime, error)
    if (!inOrder || isDamage(error)) return
    const { queue, queueOffset } = message
    heldFrom.set(queue, Math.min(queueOffset, heldFrom.get(queue) ?? Infinity))
  }
  for (const { queue, messages } of queues) {
    const rewriteRecord = deps.rewriteOf?.(queue)
    const matches = deps.matcherOf?.(queue)
    const startOffset = messages[0]?.queueOffset ?? 0
    for (const message of messages) {
      const rewrite = rewriteRecord && ((bytes: Uint8Array) => rewriteRecord(bytes, message, startOffset))
      try {
        const unit = unitOf(message) ?? (await locate(reader, message))
        if (unit === undefined) {
          throw new MqError('damaged', `queue offset ${message.queueOffset} has no readable record`)
        }
        const room = unit.size + (rewrite === undefined ? 0 : HANDLE_PROPERTY_BYTES_MAX)
        places.push({ message, unit, room, rewrite, matches, isReadable: true })
      } catch (error) {
        onUnreadable(message, error)
      }
    }
  }
  const body = Buffer.allocUnsafe(places.reduce((sum, { room }) => sum + room, 0))
  const pending: Promise<void>[] = []
  let next = 0
  for (const place of places) {
    const start = next
    next += place.room
    const fail = (error: unknown): void => {
      place.isReadable = false
      onUnreadable(place.message, error)
    }
    try {
      const { queue } = place.message
      const reading = reader.readUnitInto(queue, place.unit, { into: body, start, group: queue.group })
      if (reading !== undefined) pending.push(reading.catch(fail))
    } catch (error) {
      fail(error)
    }
  }
  if (pending.length > 0) await Promise.all(pending)
  return assemble(body, places, {
    isHeld: ({ queue, queueOffset }) => queueOffset > (heldFrom.get(queue) ?? Infinity),
    onUnreadable,
    onFiltered: (message) => deps.onFiltered?.(message, popTime),
  })
}

/** What the queue said when the message was claimed; undefined where it must be asked again. */
function unitOf({ unit }: TakenMessage): Unit | undefined {
  return unit === undefined || isFillerUnit(unit) ? undefined : unit
}

interface Sorting {
  readonly isHeld: (message: TakenMessage) => boolean
  readonly onUnreadable: (message: TakenMessage, error: Error) => void
  readonly onFiltered: (message: TakenMessage) => void
}

/** Closes the holes of what is not delivered, and writes the delivery counts. */
function assemble(body: Buffer, places: readonly Place[], { isHeld, onUnreadable, onFiltered }: Sorting): ReadMessages {
  const offsets: { queue: QueueState; readable: number[] }[] = []
  let count = 0
  let from = 0
  let to = 0
  function put({ message, unit: { size }, rewrite, matches }: Place): number {
    if (matches !== undefined && message.attempt === 1 && !matches(body, from)) {
      onFiltered(message)
      return 0
    }
    if (rewrite !== undefined) {
      const bytes = rewrite(body.subarray(from, from + size))
      if (bytes !== undefined) body.set(bytes, to)
      return bytes?.length ?? 0
    }
    if (to !== from) body.copyWithin(to, from, from + size)
    if (message.attempt > 1) addReconsumeTimes(body, message.attempt - 1, to)
    return size
  }

  for (const place of places) {
    const { message, room, isReadable } = place
    let length = 0
    try {
      if (isReadable && !isHeld(message)) length = put(place)
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      onUnreadable(message, error)
    }
    if (length > 0) {
      if (offsets.at(-1)?.queue !== message.queue) offsets.push({ queue: message.queue, readable: [] })
      offsets.at(-1)?.readable.push(message.queueOffset)
      count += 1
      to += length
    }
    from += room
  }
  return { body: body.subarray(0, to), count, offsets }
}
