// Which messages a pop gets: released ones first, then what lies behind the cursor. Claims them; reads no body.
import { ALL_TAGS, type MessageFilter } from '@rocketmq-ts/filter'
import { MqError, queueOffset } from '@rocketmq-ts/model'
import { type Accept, type QueueReader, type Unit, type UnitReader, isFillerUnit } from '@rocketmq-ts/store'
import type { FullReason, Inflight, OffsetRange, QueueState, ReadyPop, VisitedMessage } from '../inflight/inflight.ts'
import { POP_BYTES_MAX, POP_UNITS_SCANNED_MAX } from '../limits.ts'
import type { Topic } from '../topics/topic-table.ts'
import type { OpenedLines } from './line-opener.ts'
import { createGroupHash, NO_GROUP } from './message-group-hash.ts'
import type { MovedDeliveries } from './moved-deliveries.ts'
import { createRecordFilter, type RecordFilter, type Verdicts } from './record-filter.ts'
import { createRecordLook } from './record-look.ts'
import type { RemovalFence } from './removal-fence.ts'
import { isOpen } from './retry-topics.ts'

export interface PopRequest {
  readonly topic: Topic
  readonly group: string
  /** −1: any readable queue. */
  readonly queueId: number
  /** Messages wanted, 1 … POP_MESSAGES_MAX. */
  readonly max: number
  readonly invisibleMs: number
  readonly filter: MessageFilter
  /** What is known of records by an earlier attempt. */
  readonly verdicts: Verdicts
  /** Where a group without a state starts. */
  readonly startAt: 'min' | 'max'
  /** Taken from as well, all queues, whatever the filter says. */
  readonly retries: readonly Topic[]
  /** Before the topic itself, not behind it. */
  readonly retriesFirst: boolean
  /** The group consumes in order, and this is the name of its attempt ('' without one); undefined: in any order. */
  readonly attemptId: string | undefined
  /** What has an order are message groups, not queues. */
  readonly byMessageGroup: ByMessageGroup | undefined
}

export interface ByMessageGroup {
  readonly openLines: (queue: QueueState) => OpenedLines
  /** Hashes of message groups that an earlier attempt has found, by commit log offset. */
  readonly known: Map<number, number>
}

/** One topic that a pop takes from. */
type Source = Pick<PopRequest, 'topic' | 'queueId' | 'filter' | 'startAt'>

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
  /** Brings units and records into memory that were in the way. Wait for it when nothing was taken. */
  readonly load: (() => Promise<void>) | undefined
  /** Nothing was found yet, and not all was looked at: ask again in a later Turn. */
  readonly more: boolean
  /** Messages were left behind because the bound was reached. */
  readonly full: FullReason | undefined
}

export interface TakeDeps {
  readonly inflight: Inflight
  readonly reader: QueueReader & UnitReader
  readonly fence: Pick<RemovalFence, 'stops' | 'met'>
  readonly moved: Pick<MovedDeliveries, 'awaitsCopies'>
}

/** The unit of one offset: undefined when there is none (any more), or how to bring it into memory. */
export function unitAt(
  reader: QueueReader,
  { topic, queueId }: { readonly topic: string; readonly queueId: number },
  offset: number,
): Unit | undefined | ((group?: string) => Promise<void>) {
  let found: Unit | undefined
  const result = reader.scan(
    { topic, queueId },
    queueOffset(offset),
    (unit) => {
      // A walk begins at the first unit that is left.
      if (unit.queueOffset === offset) found = unit
      return 'take'
    },
    { unitsMax: 1 },
  )
  return result.kind === 'cold' ? result.load : found
}

type Load = (() => Promise<void>) | undefined

function both(one: Load, other: Load): Load {
  if (one === undefined || other === undefined) return one ?? other
  return async () => void (await Promise.all([one(), other()]))
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
  const { inflight, reader, fence } = deps
  const { attemptId } = request
  const inOrder = attemptId !== undefined
  let popTime = inflight.nextPopTime(nowMs)
  const queues: { queue: QueueState; messages: TakenMessage[] }[] = []
  const { filter, verdicts } = request
  const records = filter.readsRecords ? createRecordFilter(reader, filter, verdicts) : undefined
  const byGroup = inOrder ? request.byMessageGroup : undefined
  const groups = byGroup && createRecordLook(reader, { known: byGroup.known, of: createGroupHash(), damaged: NO_GROUP })
  let started = false
  let load: (() => Promise<void>) | undefined
  let full: FullReason | undefined
  let left = request.max
  let bytesLeft = POP_BYTES_MAX
  let unitsLeft = POP_UNITS_SCANNED_MAX

  if (inOrder) takeInOrder(attemptId)
  else {
    if (request.retriesFirst) takeRetries()
    takeFrom(request)
    if (!request.retriesFirst) takeRetries()
  }
  const isUnfinished = unitsLeft <= 0 || records?.isExhausted === true || groups?.isExhausted === true
  const more = queues.length === 0 && isUnfinished
  return { popTime, queues, started, load: load ?? both(records?.load, groups?.load), more, full }

  function takeRetries(): void {
    for (const topic of request.retries) takeFrom({ topic, queueId: -1, filter: ALL_TAGS, startAt: 'min' })
  }

  /** Copies in retry topics are what retention would have taken: older than all that waits in the topic, which waits. */
  function takeInOrder(attempt: string): void {
    if (attempt !== '') takeAgain(attempt)
    if (queues.length > 0) return
    takeRetries()
    if (!request.retries.some((each) => isOpen(deps, request.group, each))) takeFrom(request)
    for (const { queue } of queues) if (queue.lines === undefined) inflight.noteAttempt(queue, attempt)
  }

  /** The answer to this attempt was lost: it gets the same messages, and no others. */
  function takeAgain(attempt: string): void {
    const again: QueueState[] = []
    for (const topic of [...request.retries, request.topic]) {
      for (const queue of inflight.queuesOf(topic.config.topicName, request.group)) {
        const isTaken = byGroup !== undefined ? inflight.hasBatch(queue, attempt) : queue.attemptId === attempt
        if (isTaken && queue.inFlight > 0) again.push(queue)
      }
    }
    if (again.length > 0) popTime = inflight.nextPopTimeOfAll(nowMs)
    for (const queue of again) {
      const times = { popTime, invisibleMs: request.invisibleMs }
      const pop =
        byGroup !== undefined ? inflight.popBatchAgain(queue, attempt, times) : inflight.popAgain(queue, times)
      const messages = takenOf(queue, pop)
      if (messages.length > 0) queues.push({ queue, messages })
    }
  }

  function takeFrom(source: Source): void {
    const { topicName, readQueueNums } = source.topic.config
    const count = source.queueId >= 0 ? 1 : readQueueNums
    for (let step = 0; step < count && left > 0 && bytesLeft > 0 && unitsLeft > 0; step += 1) {
      const queueId = source.queueId >= 0 ? source.queueId : (first + step) % readQueueNums
      let queue = inflight.queue(topicName, request.group, queueId)
      if (queue === undefined) {
        const ref = { topic: topicName, incarnation: source.topic.incarnation, group: request.group, queueId }
        queue = inflight.start(ref, startOffset(reader.bounds(topicName, queueId), source.startAt))
        started = true
      }
      const { min } = reader.bounds(topicName, queueId)
      if (inflight.lowMark(queue) < min) inflight.retain(queue, min)
      const messages = takeOf(queue, source.filter)
      if (messages.length > 0) queues.push({ queue, messages: messages.sort((a, b) => a.queueOffset - b.queueOffset) })
    }
  }

  function takeOf(queue: QueueState, filter: MessageFilter): TakenMessage[] {
    const opened = byGroup?.openLines(queue) ?? 'too-many'
    if (typeof opened === 'function') {
      load ??= opened
      return []
    }
    if (opened === 'open') return takeLines(queue, filter)
    if (inOrder && !inflight.isFree(queue)) return []
    const messages = takeReady(queue)
    // What could not be taken again yet is in front of what waits.
    if (!inOrder || queue.ready === 0) messages.push(...takeNext(queue, filter))
    return messages
  }

  function isFenced(queue: QueueState, unit: Unit): boolean {
    if (!fence.stops(queue, unit)) return false
    fence.met(queue)
    return true
  }

  function takenOf(queue: QueueState, pop: ReadyPop, units?: ReadonlyMap<number, Unit | undefined>): TakenMessage[] {
    return pop.offsets.map((offset, index) => {
      return { queue, queueOffset: offset, attempt: pop.attempts[index] ?? 1, unit: units?.get(offset) }
    })
  }

  /** Takes released messages as `pop` chooses them. */
  function takeFitting(queue: QueueState, pop: (fits: (offset: number) => boolean) => ReadyPop): TakenMessage[] {
    const units = new Map<number, Unit | undefined>()
    // A copy is in flight, and may be released, before anybody can read it: a full disk makes it wait.
    const { max } = reader.bounds(queue.topic, queue.queueId)
    function fits(offset: number): boolean {
      if (bytesLeft <= 0 || offset >= max) return false
      const unit = unitAt(reader, queue, offset)
      if (typeof unit === 'function') {
        load ??= () => unit(queue.group)
        return false
      }
      if (unit !== undefined && isFenced(queue, unit)) return false
      units.set(offset, unit)
      bytesLeft -= unit?.size ?? 0
      return true
    }
    const popped = pop(fits)
    left -= popped.offsets.length
    return takenOf(queue, popped, units)
  }

  function takeReady(queue: QueueState): TakenMessage[] {
    if (queue.ready === 0) return []
    const { invisibleMs } = request
    return takeFitting(queue, (fits) => inflight.popReady(queue, { popTime, invisibleMs, max: left, inOrder, fits }))
  }

  /** What is behind the cursor waits in its line first; then lines give. */
  function takeLines(queue: QueueState, filter: MessageFilter): TakenMessage[] {
    lookAhead(queue, filter)
    const { invisibleMs } = request
    return takeFitting(queue, (fits) =>
      inflight.popLines(queue, { popTime, invisibleMs, max: left, attemptId: attemptId ?? '', fits }),
    )
  }

  /** Until enough may be given, or the bounds are reached: then the queue is held up as a whole. */
  function lookAhead(queue: QueueState, filter: MessageFilter): void {
    const { lines } = queue
    const { max } = reader.bounds(queue.topic, queue.queueId)
    if (lines === undefined || lines.givable >= left || queue.cursor >= max) return
    const room = { ...lines.room }
    room.messages = Math.min(room.messages, inflight.room(queue))
    const waiting: VisitedMessage[] = []
    let { givable } = lines
    let bytes = 0
    let isHeldUp = false
    const visited = walk(queue, filter, {
      isEnough: () => givable >= left || bytes >= bytesLeft,
      take(unit) {
        isHeldUp = room.messages <= 0 || room.bytes <= 0
        const group = isHeldUp ? undefined : groups?.at(queue, unit)
        if (group === undefined) return 'stop'
        waiting.push({ offset: unit.queueOffset, group, size: unit.size })
        room.messages -= 1
        room.bytes -= unit.size
        if (!lines.gives(group)) return 'take'
        givable += 1
        bytes += unit.size
        return 'take'
      },
    })
    if (visited === undefined) return
    inflight.park(queue, { ...visited, waiting })
    if (!isHeldUp) return
    lines.noteHeldUp()
    if (lines.givable === 0) full ??= inflight.fullReason(queue) ?? 'look-ahead'
  }

  /** Offers what the filter lets through from the cursor on. Undefined where units must be brought into memory first. */
  function walk(
    queue: QueueState,
    filter: MessageFilter,
    { isEnough, take }: { readonly isEnough: () => boolean; readonly take: (unit: Unit) => Accept },
  ): { readonly to: number; readonly damaged: readonly OffsetRange[] } | undefined {
    const damaged: OffsetRange[] = []
    const judge = filter.readsRecords ? records : undefined
    const result = reader.scan(
      queue,
      queueOffset(queue.cursor),
      (unit) => {
        if (isFillerUnit(unit)) {
          damaged.push({ from: unit.queueOffset, to: unit.queueOffset + 1 })
          return 'skip'
        }
        if (!filter.matchesCode(unit.tagsCode)) return 'skip'
        if (isFenced(queue, unit) || isEnough()) return 'stop'
        const accept = judgementOf(queue, unit, judge)
        return accept === 'take' ? take(unit) : accept
      },
      { unitsMax: unitsLeft },
    )
    if (result.kind === 'cold') {
      load ??= () => result.load(queue.group)
      return undefined
    }
    unitsLeft -= result.next - queue.cursor
    return { to: result.next, damaged }
  }

  /** Asks about the record only when nothing else speaks against it, and there is room for it. */
  function judgementOf(queue: QueueState, unit: Unit, judge: RecordFilter | undefined): Accept {
    const judgement = judge?.judge(queue, unit) ?? 'match'
    // Found out together: a pop without time waits once, and what it found is forgotten with it.
    if (judgement === 'unknown') groups?.at(queue, unit)
    return judgement === 'match' ? 'take' : judgement === 'other' ? 'skip' : 'stop'
  }

  function takeNext(queue: QueueState, filter: MessageFilter): TakenMessage[] {
    const bounds = reader.bounds(queue.topic, queue.queueId)
    if (left <= 0 || queue.cursor >= bounds.max) return []
    const room = Math.min(left, inflight.room(queue))
    if (room <= 0) {
      full ??= inflight.fullReason(queue)
      return []
    }
    const taken: Unit[] = []
    let bytes = 0
    const visited = walk(queue, filter, {
      isEnough: () => taken.length >= room || bytes >= bytesLeft,
      take(unit) {
        taken.push(unit)
        bytes += unit.size
        return 'take'
      },
    })
    if (visited === undefined) return []
    if (visited.to > queue.cursor) {
      const offsets = taken.map((unit) => unit.queueOffset)
      inflight.popNext(queue, { popTime, invisibleMs: request.invisibleMs, ...visited, taken: offsets })
    }
    left -= taken.length
    bytesLeft -= bytes
    return taken.map((unit) => ({ queue, queueOffset: unit.queueOffset, attempt: 1, unit }))
  }
}

/** Where to read a claimed message; looks the unit up again when it was not in memory. */
export async function locate(reader: QueueReader, message: TakenMessage): Promise<Unit | undefined> {
  const { queue } = message
  let unit = message.unit ?? unitAt(reader, queue, message.queueOffset)
  if (typeof unit === 'function') {
    await unit(queue.group)
    unit = unitAt(reader, queue, message.queueOffset)
  }
  // Gone from memory again already: that is no damage.
  if (typeof unit === 'function')
    throw new MqError('busy', `the unit of queue offset ${message.queueOffset} is not in memory`)
  return unit === undefined || isFillerUnit(unit) ? undefined : unit
}
