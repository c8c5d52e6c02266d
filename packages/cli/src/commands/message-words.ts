// States and events of a message in words. Half messages are deliveries of a group of the system, so theirs differ.
import { type DeliveryState, type GroupState, type TraceEvent, type TraceEventKind } from '@rocketmq-ts/remoting'
import { timeText } from '../output/text.ts'
import type { CopyKind, FoundCopy } from './message-copies.ts'
import { placeText } from './message-copies.ts'
import { endOf, type Journey } from './message-journey.ts'

const EVENT_WORDS: Readonly<Record<TraceEventKind, string>> = {
  delivered: 'delivered',
  repeated: 'given again: the same attempt asked once more',
  acknowledged: 'acknowledged',
  prolonged: 'invisible time changed',
  released: 'ready again',
  postponed: 'its copy is made later',
  parked: 'waits behind its message group',
  'taken-over': 'goes on here',
  skipped: 'skipped: the group is set behind it',
  'set-back': 'the group was set back: it gets it again',
  filtered: 'filtered: the group does not want it',
  damaged: 'damaged: it can not be read',
  dead: 'dead: attempts used up, or given up',
  scheduled: 'goes on as a copy',
  recalled: 'recalled',
  'rolled-back': 'rolled back',
  expired: 'expired: retention took it',
  deleted: 'deleted with its topic or group',
}

const HALF_WORDS: Readonly<Partial<Record<TraceEventKind, string>>> = {
  delivered: 'waits for the decision of its producer',
  'taken-over': 'waits for the decision of its producer',
  released: 'its producer is to be asked',
  acknowledged: 'committed',
  dead: 'given up: nobody decided it',
}

const STATE_WORDS: Readonly<Record<DeliveryState, string>> = {
  waiting: 'pending',
  'in-flight': 'in flight',
  ready: 'to be delivered again',
  settled: 'settled',
}

const STORED_WORDS: Readonly<Record<CopyKind, string>> = {
  message: 'stored',
  half: 'stored as a half message',
  undecided: 'kept as undecided',
  delayed: 'stored until it is due',
  recall: 'recall stored',
  retry: 'copied into the retry topic',
  dead: 'copied into the dead-letter topic',
}

/** `before` are the events of the same group and copy that came first. */
export function eventWords(event: TraceEvent, kind: CopyKind, before: readonly TraceEvent[]): string {
  const half = kind === 'half' ? HALF_WORDS[event.kind] : undefined
  if (half !== undefined) return half
  if (event.kind === 'released') {
    const untilMs = before.findLast(({ untilMs: until }) => until !== undefined)?.untilMs ?? Infinity
    return event.atMs >= untilMs ? 'invisible time over' : 'given back'
  }
  if (event.kind !== 'delivered') return EVENT_WORDS[event.kind]
  return `delivered, attempt ${before.filter((each) => each.kind === 'delivered').length + 1}`
}

export function storedWords(copy: FoundCopy): string {
  return `${STORED_WORDS[copy.kind]}: ${placeText(copy)}`
}

/** `billing: in flight until 2026-01-01 00:00:30Z, attempt 2` */
export function stateWords(state: GroupState, { copy, events }: Journey): string {
  const { group, attempts, untilMs } = state
  const end = state.state === 'settled' ? endOf(events, group) : undefined
  const until = untilMs === undefined ? '' : ` until ${timeText(untilMs)}`
  const attempt = attempts > 0 && copy.kind !== 'half' ? `, attempt ${attempts}` : ''
  if (copy.kind === 'half') {
    if (end !== undefined) return eventWords(end, copy.kind, [])
    return state.state === 'settled' ? 'decided' : `undecided${until}`
  }
  if (end === undefined) return `${group}: ${STATE_WORDS[state.state]}${until}${attempt}`
  return `${group}: ${EVENT_WORDS[end.kind]} ${timeText(end.atMs)}`
}
