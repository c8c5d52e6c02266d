// Which messages a pop gets: released ones first, then what lies behind the cursor. Claims them; reads no body.
import type { TagFilter } from '@rocketmq-ts/filter'
import { type CommitLogOffset, queueOffset } from '@rocketmq-ts/model'
import { type QueueReader, type Unit, isFillerUnit } from '@rocketmq-ts/store'
import type { Inflight, OffsetRange, QueueState } from '../inflight/inflight.ts'
import { POP_BYTES_MAX, POP_UNITS_SCANNED_MAX } from '../limits.ts'
import type { Topic } from '../topics/topic-table.ts'

export interface PopRequest {
  readonly topic: Topic
  readonly group: string
  /** −1: any readable queue. */
  readonly queueId: number
  /** Messages wanted, 1 … POP_MESSAGES_MAX. */
  readonly max: number
  readonly invisibleMs: number
  readonly filter: TagFilter
  /** Where a group without a state starts. */
  readonly startAt: 'min' | 'max'
}

/** Where a claimed message lies. */
export interface TakenMessage {
  readonly queue: QueueState
  readonly queueOffset: number
  /** 1 for the first delivery. */
  readonly attempt: number
  /** Undefined while the unit is not in memory: it is looked up when the message is read. */
  readonly unit: Unit | undefined
}

export interface Taken {
  readonly popTime: number
  /** Per queue, ascending by queue offset. */
  readonly queues: readonly { readonly queue: QueueState; readonly messages: readonly TakenMessage[] }[]
  /** The group began to consume at least one queue: the answer waits for the flush. */
  readonly started: boolean
  /** Units to be loaded before more can be found; present only when nothing was taken. */
  readonly load: (() => Promise<void>) | undefined
}

export interface TakeDeps {
  readonly inflight: Inflight
  readonly reader: QueueReader
}

/** The unit of one offset, undefined when it is not in memory. */
export function unitAt(reader: QueueReader, topic: string, queueId: number, offset: number): Unit | undefined {
  let found: Unit | undefined
  reader.scan(
    { topic, queueId },
    queueOffset(offset),
    (unit) => {
      found = unit
      return 'take'
    },
    { unitsMax: 1 },
  )
  return found
}

/** First offset of a group that has no state. Java: PopMessageProcessor.getInitOffset, initPopOffsetByCheckMsgInMem. */
function startOffset(bounds: { min: number; max: number }, startAt: 'min' | 'max'): number {
  if (startAt === 'min' || bounds.min === 0) return bounds.min
  return Math.max(bounds.min, bounds.max - 1)
}

/**
 * Claims messages for one pop.
 * @param first queue id at which the search begins, so that queues take turns
 */
export function takeMessages(deps: TakeDeps, request: PopRequest, nowMs: number, first: number): Taken {
  const { inflight, reader } = deps
  const { topicName, readQueueNums } = request.topic.config
  const popTime = inflight.nextPopTime(nowMs)
  const queues: { queue: QueueState; messages: TakenMessage[] }[] = []
  const count = request.queueId >= 0 ? 1 : readQueueNums
  let started = false
  let load: (() => Promise<void>) | undefined
  let left = request.max
  let bytesLeft = POP_BYTES_MAX

  for (let step = 0; step < count && left > 0 && bytesLeft > 0; step += 1) {
    const queueId = request.queueId >= 0 ? request.queueId : (first + step) % readQueueNums
    let queue = inflight.queue(topicName, request.group, queueId)
    if (queue === undefined) {
      const ref = { topic: topicName, incarnation: request.topic.incarnation, group: request.group, queueId }
      queue = inflight.start(ref, startOffset(reader.bounds(topicName, queueId), request.startAt))
      started = true
    }
    const { min } = reader.bounds(topicName, queueId)
    if (inflight.lowMark(queue) < min) inflight.retain(queue, min)
    const messages = [...takeReady(queue, left), ...takeNext(queue)]
    if (messages.length > 0) queues.push({ queue, messages: messages.sort((a, b) => a.queueOffset - b.queueOffset) })
  }
  return { popTime, queues, started, load: queues.length === 0 ? load : undefined }

  function takeReady(queue: QueueState, max: number): TakenMessage[] {
    if (queue.ready === 0) return []
    const { offsets, attempts } = inflight.popReady(queue, { popTime, invisibleMs: request.invisibleMs, max })
    return offsets.map((offset, index) => {
      const unit = unitAt(reader, topicName, queue.queueId, offset)
      left -= 1
      bytesLeft -= unit?.size ?? 0
      return { queue, queueOffset: offset, attempt: attempts[index] ?? 1, unit }
    })
  }

  function takeNext(queue: QueueState): TakenMessage[] {
    const bounds = reader.bounds(topicName, queue.queueId)
    const room = Math.min(left, inflight.room(queue))
    if (room <= 0 || queue.cursor >= bounds.max) return []
    const taken: Unit[] = []
    const damaged: OffsetRange[] = []
    const result = reader.scan(
      { topic: topicName, queueId: queue.queueId },
      queueOffset(queue.cursor),
      (unit) => {
        if (isFillerUnit(unit)) {
          damaged.push({ from: unit.queueOffset, to: unit.queueOffset + 1 })
          return 'skip'
        }
        if (!request.filter.matchesCode(unit.tagsCode)) return 'skip'
        if (taken.length >= room || bytesLeft <= 0) return 'stop'
        taken.push(unit)
        bytesLeft -= unit.size
        return 'take'
      },
      { unitsMax: POP_UNITS_SCANNED_MAX },
    )
    if (result.kind === 'cold') {
      load ??= result.load
      return []
    }
    if (result.next > queue.cursor) {
      const offsets = taken.map((unit) => unit.queueOffset)
      inflight.popNext(queue, { popTime, invisibleMs: request.invisibleMs, to: result.next, taken: offsets, damaged })
    }
    left -= taken.length
    return taken.map((unit) => ({ queue, queueOffset: unit.queueOffset, attempt: 1, unit }))
  }
}

/** Where to read a claimed message; looks the unit up again when it was not in memory. */
export async function locate(
  reader: QueueReader,
  message: TakenMessage,
): Promise<{ at: CommitLogOffset; size: number } | undefined> {
  const { topic, queueId } = message.queue
  let unit = message.unit ?? unitAt(reader, topic, queueId, message.queueOffset)
  if (unit === undefined) {
    const cold = reader.scan({ topic, queueId }, queueOffset(message.queueOffset), () => 'stop', { unitsMax: 1 })
    if (cold.kind === 'cold') await cold.load()
    unit = unitAt(reader, topic, queueId, message.queueOffset)
  }
  return unit === undefined || isFillerUnit(unit) ? undefined : { at: unit.commitLogOffset, size: unit.size }
}
