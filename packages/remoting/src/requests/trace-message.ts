// TRACE_MESSAGE, of ours alone: what a broker knows of one message, for each group: where it is now, and what happened to
// it, as its journal of deliveries tells. Apache's brokers answer REQUEST_CODE_NOT_SUPPORTED.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { JsonFields, MqError, parseJavaJson, stringifyJavaJson } from '@rocketmq-ts/model'
import { RequestCode } from '../codec/codes.ts'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../codec/define-request.ts'
import { int32, int64, optional, text } from '../codec/fields.ts'

export const TraceMessage = defineRequest({
  code: RequestCode.TRACE_MESSAGE,
  name: 'TRACE_MESSAGE',
  header: {
    topic: text(),
    queueId: int32(),
    queueOffset: int64(),
    /** When the message was stored: the journal is read from then on. */
    storedMs: int64(),
    /** Where an answer before ended. */
    cursor: optional(int64()),
  },
  answer: {
    /** Ask again with it: the journal goes on there. −1: its end was reached. */
    cursor: int64(),
    /** When what was read last happened; 0 where nothing was read. */
    readToMs: int64(),
    /** Bytes of the journal that were read. */
    readBytes: int64(),
  },
})

export type TraceMessageHeader = RequestHeaderOf<typeof TraceMessage>
export type TraceMessageAnswer = AnswerHeaderOf<typeof TraceMessage>

/** Where a message is for a group that has begun to consume its queue. */
export const DELIVERY_STATES = [
  /** Not delivered yet. */
  'waiting',
  /** With a consumer until `untilMs`. */
  'in-flight',
  /** To be delivered again. */
  'ready',
  /** Nobody gets it from here any more; the events say why. */
  'settled',
] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

export interface GroupState {
  readonly group: string
  readonly state: DeliveryState
  /** Deliveries so far; 0 where they are not known any more. */
  readonly attempts: number
  /** Of the latest delivery, while it counts. */
  readonly deliveredMs?: number
  readonly untilMs?: number
}

/** The group is done with the message. */
export const TRACE_ENDS = [
  'acknowledged',
  /** The group began behind it, or was set behind it. */
  'skipped',
  'filtered',
  'damaged',
  'dead',
  /** A copy goes on in a retry topic, or in its own topic when it was delayed. */
  'scheduled',
  'recalled',
  'rolled-back',
  /** Retention took it. */
  'expired',
  'deleted',
] as const

export const TRACE_EVENTS = [
  /** Given to a consumer until `untilMs`. */
  'delivered',
  /** Given again: the attempt that has it asked once more. */
  'repeated',
  /** Its consumer asked for another time: until `untilMs`. */
  'prolonged',
  /** Given back, or its time was over: ready for the next delivery. */
  'released',
  /** Its copy (a dead letter, a retry) is made later, at `untilMs`. */
  'postponed',
  /** It waits until its turn has come. */
  'parked',
  /** A delivery of an earlier copy goes on here. */
  'taken-over',
  /** The group was set back to it, or in front of it: it gets the message again. */
  'set-back',
  ...TRACE_ENDS,
] as const
export type TraceEventKind = (typeof TRACE_EVENTS)[number]

export interface TraceEvent {
  readonly kind: TraceEventKind
  readonly group: string
  /** Wall milliseconds of the broker. */
  readonly atMs: number
  readonly untilMs?: number
  /** Who got it: a client id, or the address of one that told none. */
  readonly client?: string
}

export interface MessageTrace {
  readonly states: readonly GroupState[]
  readonly events: readonly TraceEvent[]
}

/** Body of the answer. */
export function encodeMessageTrace({ states, events }: MessageTrace): Uint8Array {
  return utf8Encode(stringifyJavaJson({ states, events }))
}

/** MqError 'parameter-invalid' names the member. */
export function decodeMessageTrace(bytes: Uint8Array): MessageTrace {
  const fields = new JsonFields(parseJavaJson(bytes), 'MessageTrace')
  const rows = (name: string): JsonFields[] =>
    fields.items(name).map((item, index) => new JsonFields(item, `MessageTrace.${name}[${index}]`))
  return {
    states: rows('states').map((row) => ({
      group: row.text('group'),
      state: wordOf(row, 'state', DELIVERY_STATES),
      attempts: row.integer('attempts'),
      ...times(row, 'deliveredMs'),
      ...times(row, 'untilMs'),
    })),
    events: rows('events').map((row) => {
      const client = row.optionalText('client')
      return {
        kind: wordOf(row, 'kind', TRACE_EVENTS),
        group: row.text('group'),
        atMs: row.integer('atMs'),
        ...times(row, 'untilMs'),
        ...(client !== undefined && { client }),
      }
    }),
  }
}

function times<const Name extends string>(row: JsonFields, name: Name): { readonly [name in Name]?: number } {
  return row.raw(name) === undefined ? {} : ({ [name]: row.integer(name) } as { readonly [name in Name]: number })
}

function wordOf<Word extends string>(row: JsonFields, name: string, words: readonly Word[]): Word {
  const text = row.text(name)
  const found = words.find((word) => word === text)
  if (found === undefined)
    throw new MqError('parameter-invalid', `${row.path}.${name}: '${text.slice(0, 64)}' is unknown`)
  return found
}
