// What the broker of a copy tells of it: where it is for each group, and what happened to it. The broker reads its journal
// in pieces; here they are put together, up to a bound.
import { type GroupState, TRACE_ENDS, type TraceEvent } from '@rocketmq-ts/remoting'
import type { Context } from '../context.ts'
import { CliFailure } from '../failures.ts'
import { createProgress } from '../output/progress.ts'
import type { Session } from '../session.ts'
import { type FoundCopy, placeText } from './message-copies.ts'

export interface Journey {
  readonly copy: FoundCopy
  /** Undefined of a broker that keeps no journal of deliveries (Apache's), and of one that does not answer. */
  readonly states: readonly GroupState[] | undefined
  readonly events: readonly TraceEvent[]
  /** Not all of the journal was read: up to then. */
  readonly readToMs: number | undefined
}

export interface Journeys {
  readonly journeys: readonly Journey[]
  /** Some broker did not answer any more. */
  readonly failed: boolean
}

interface JourneyOptions {
  /** Bytes of the journal that are read, about. */
  readonly bytesMax: number
  readonly interrupted: AbortSignal
  readonly onRead: (readToMs: number) => void
}

const ENDS: ReadonlySet<TraceEvent['kind']> = new Set(TRACE_ENDS)

/** The event with which a group was done with the message; undefined while it is not. */
export function endOf(events: readonly TraceEvent[], group: string): TraceEvent | undefined {
  const last = events.findLast((event) => event.group === group)
  return last !== undefined && ENDS.has(last.kind) ? last : undefined
}

/** Those of all copies. A broker that does not answer any more is named on standard error. */
export async function journeysOf(context: Context, copies: readonly FoundCopy[], bytesMax: number): Promise<Journeys> {
  const { printer, host } = context
  const session = await context.session()
  const { clock } = session.effects
  const journeys: Journey[] = []
  let failed = false
  for (const copy of copies) {
    const progress = createProgress(host.err, clock, placeText(copy))
    const storedMs = copy.record.storeTimestampMs
    try {
      const onRead = (readToMs: number): void => progress.at(readToMs - storedMs, clock.nowMs() - storedMs)
      const journey = await journeyOf(session, copy, { bytesMax, interrupted: host.interrupted, onRead })
      journeys.push(journey)
      if (journey.states === undefined) {
        printer.warning(`broker ${copy.broker.brokerName} keeps no journal of deliveries: only what it stored is known`)
      }
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error
      printer.warning(error.message)
      failed = true
      journeys.push({ copy, states: undefined, events: [], readToMs: undefined })
    } finally {
      progress.end()
    }
  }
  return { journeys, failed }
}

/** What the copy's broker knows. Reads no further than the last thing that can have happened. */
async function journeyOf(session: Session, copy: FoundCopy, options: JourneyOptions): Promise<Journey> {
  const { broker, record } = copy
  const { topic, queueId, queueOffset, storeTimestampMs: storedMs } = record
  const place = { topic, queueId, queueOffset, storedMs }
  const events: TraceEvent[] = []
  let cursor: number | undefined
  let bytes = 0
  for (;;) {
    const header = cursor === undefined ? place : { ...place, cursor }
    const answer = await session.at(broker, (address) => session.brokers.traceMessage(address, header))
    if (answer === undefined) return { copy, states: undefined, events: [], readToMs: undefined }
    const { states } = answer
    events.push(...answer.events)
    bytes += answer.readBytes
    cursor = answer.cursor
    if (cursor < 0 || isOver(states, events)) return { copy, states, events, readToMs: undefined }
    options.onRead(answer.readToMs)
    if (bytes >= options.bytesMax || options.interrupted.aborted)
      return { copy, states, events, readToMs: answer.readToMs }
  }
}

/** Every group is done with the message, and it is known how. */
function isOver(states: readonly GroupState[], events: readonly TraceEvent[]): boolean {
  return states.every(({ group, state }) => state === 'waiting' || endOf(events, group) !== undefined)
}
