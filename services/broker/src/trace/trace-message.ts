// TRACE_MESSAGE: where one message is for each group, from the table of deliveries, and what happened to it, from the
// journal in the log. Nothing is written for it while messages flow: the journal has it all, for as long as the log is kept.
import { decodeRecord, MqError, queueOffset, SystemTopic } from '@rocketmq-ts/model'
import {
  encodeMessageTrace,
  type GroupState,
  type IncomingRequest,
  ResponseCode,
  type TraceEvent,
  type TraceMessageAnswer,
  type TraceMessageHeader,
} from '@rocketmq-ts/remoting'
import type { Clock, Scheduler } from '@rocketmq-ts/runtime'
import {
  isFillerUnit,
  type MessageQueries,
  type MessageStore,
  type QueueReader,
  type Unit,
  type UnitReader,
} from '@rocketmq-ts/store'
import type { Inflight } from '../inflight/inflight.ts'
import { decodeJournal } from '../inflight/journal/decode.ts'
import { TRACE_READ_BYTES_MAX, TRACE_READ_MS_MAX, TRACES_IN_WORK_MAX, TRACES_WAITING_MAX } from '../limits.ts'
import { isDamage } from '../pop/damage.ts'
import { createWorkLine } from '../queries/work-line.ts'
import { MessageSink, type TracedMessage } from './message-sink.ts'

type TraceStore = QueueReader &
  UnitReader &
  Pick<MessageQueries, 'searchOffset'> &
  Pick<MessageStore, 'flushBeforeRelease' | 'whenFlushed' | 'positions'>

export interface TraceDeps {
  readonly inflight: Pick<Inflight, 'groupsIn' | 'queue' | 'pendingAt'>
  readonly store: TraceStore
  readonly scheduler: Pick<Scheduler, 'soon'>
  readonly clock: Pick<Clock, 'monotonicMs'>
}

const JOURNAL = { topic: SystemTopic.INFLIGHT_LOG, queueId: 0 } as const
/** Groups whose state is told, and events of one answer, at most. */
const STATES_MAX = 1000
const EVENTS_MAX = 1000
/** Journal records of one look, and bytes that are read between two pauses, in which other work runs. */
const LOOK_UNITS = 256
const BYTES_PER_PAUSE = 256 * 1024

interface Journey {
  /** Queue offset in the journal that was not read yet; −1 at its end. */
  readonly cursor: number
  readonly readToMs: number
  readonly readBytes: number
}

/** The handler. */
export function createTraceMessage({ inflight, store, scheduler, clock }: TraceDeps) {
  const inLine = createWorkLine({ inWorkMax: TRACES_IN_WORK_MAX, waitingMax: TRACES_WAITING_MAX, name: 'traces' })
  const pause = (): Promise<void> => new Promise((resolve) => scheduler.soon(resolve))

  function statesOf({ topic, queueId, queueOffset: offset }: TracedMessage): GroupState[] {
    const states: GroupState[] = []
    for (const group of inflight.groupsIn(topic)) {
      const queue = inflight.queue(topic, group, queueId)
      if (queue === undefined || states.length >= STATES_MAX) continue
      if (offset >= queue.cursor) {
        states.push({ group, state: 'waiting', attempts: 0 })
        continue
      }
      const pending = inflight.pendingAt(queue, offset)
      if (pending === undefined) states.push({ group, state: 'settled', attempts: 0 })
      else {
        const { attempts, popTime, deadlineMs } = pending
        // What waits in its line was visited, and not delivered.
        const delivered = attempts > 0 && { deliveredMs: popTime }
        const until = deadlineMs !== undefined && { untilMs: deadlineMs }
        states.push({
          group,
          state: deadlineMs === undefined ? 'ready' : 'in-flight',
          attempts,
          ...delivered,
          ...until,
        })
      }
    }
    return states
  }

  /** Units of the journal from an offset on. */
  async function unitsFrom(from: number): Promise<{ readonly units: readonly Unit[]; readonly next: number }> {
    for (;;) {
      const units: Unit[] = []
      const result = store.scan(
        JOURNAL,
        queueOffset(from),
        (unit) => {
          if (!isFillerUnit(unit)) units.push(unit)
          return 'take'
        },
        { unitsMax: LOOK_UNITS },
      )
      if (result.kind === 'scanned') return { units, next: result.next }
      await result.load()
    }
  }

  async function recordAt(unit: Unit): Promise<Uint8Array | undefined> {
    try {
      return await store.readUnit(JOURNAL, unit)
    } catch (error) {
      if (isDamage(error)) return undefined
      throw error
    }
  }

  async function read(message: TracedMessage, from: number, events: TraceEvent[]): Promise<Journey> {
    const sink = new MessageSink(message, events)
    const name = Buffer.from(message.topic)
    const endMs = clock.monotonicMs() + TRACE_READ_MS_MAX
    let readBytes = 0
    let readToMs = 0
    let unpaused = 0
    let at = from
    for (;;) {
      const { units, next } = await unitsFrom(at)
      if (units.length === 0 && next === at) return { cursor: -1, readToMs, readBytes }
      for (const unit of units) {
        const isLong = readBytes > 0 && clock.monotonicMs() >= endMs
        if (isLong || readBytes >= TRACE_READ_BYTES_MAX || events.length >= EVENTS_MAX) {
          return { cursor: unit.queueOffset, readToMs, readBytes }
        }
        const bytes = await recordAt(unit)
        readBytes += unit.size
        unpaused += unit.size
        if (bytes === undefined) continue
        const { body, storeTimestampMs } = decodeRecord(bytes)
        readToMs = storeTimestampMs
        // Each record spells the names of its queues: most say nothing of the topic, and need no closer look.
        if (Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(name))
          tell(body, storeTimestampMs, sink)
        if (unpaused >= BYTES_PER_PAUSE) {
          unpaused = 0
          await pause()
        }
      }
      at = next
    }
  }

  /** With synchronous flush only what is flushed can be read; deliveries and acknowledgements flush nothing themselves. */
  async function journalShown(): Promise<void> {
    if (!store.flushBeforeRelease) return
    try {
      await store.whenFlushed(store.positions.written)
    } catch (error) {
      // A log that failed: what was readable before still is.
      if (!(error instanceof MqError)) throw error
    }
  }

  async function start({ storedMs, cursor }: TraceMessageHeader): Promise<number> {
    const { min, max } = store.bounds(JOURNAL.topic, JOURNAL.queueId)
    if (cursor !== undefined && cursor >= 0) return Math.max(min, cursor)
    return min === max ? max : store.searchOffset(JOURNAL, storedMs, 'LOWER')
  }

  return async (request: IncomingRequest<TraceMessageHeader, TraceMessageAnswer>): Promise<void> => {
    const { topic, queueId, queueOffset: offset } = request.header
    for (const [field, value] of [['queueId', queueId] as const, ['queueOffset', offset] as const]) {
      if (value < 0) throw new MqError('parameter-invalid', `${field} is ${value}; allowed is 0 and more`)
    }
    const message = { topic, queueId, queueOffset: offset }
    const events: TraceEvent[] = []
    await journalShown()
    const journey = await inLine(async () => read(message, await start(request.header), events))
    const body = encodeMessageTrace({ states: statesOf(message), events })
    request.respond({ code: ResponseCode.SUCCESS, header: journey, body })
  }
}

/** A record that can not be read is told by the start that needs it; a trace goes on behind it. */
function tell(body: Uint8Array, recordMs: number, sink: MessageSink): void {
  sink.begin(recordMs)
  try {
    decodeJournal(body, sink)
  } catch (error) {
    if (!isDamage(error)) throw error
  }
}
