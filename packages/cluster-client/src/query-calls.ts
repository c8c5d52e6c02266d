// The calls that find messages otherwise than by consuming them: by key, by place in the log, by time.
import {
  decodeRecord,
  decodeRecords,
  type MessageRecord,
  PropertyName,
  recordProperties,
  SystemGroup,
} from '@rocketmq-ts/model'
import {
  QUERY_CUT_REMARK,
  QueryMessage,
  ResponseCode,
  SearchOffsetByTimestamp,
  TraceMessage,
  ViewMessageById,
  decodeMessageTrace,
  type MessageTrace,
  PullFlag,
  PullMessage,
  type TraceMessageAnswer,
  type TraceMessageHeader,
  type SearchOffsetByTimestampHeader,
} from '@rocketmq-ts/remoting'
import { bodyOf, checkSuccess, failure, headerOf, type CallOptions } from './call.ts'
import type { CallBroker } from './pop-calls.ts'

export interface KeyQuestion {
  readonly topic: string
  /** A unique key of messages, or one of their KEYS. */
  readonly key: string
  /** The key is a unique one: every copy is answered, 32 at most, whatever `max` says. */
  readonly isUniqueKey: boolean
  /** Store times in milliseconds, both included. */
  readonly fromMs: number
  readonly toMs: number
  readonly max: number
}

export interface KeyAnswer {
  /** The newest ones, in the order of the log. Each has the key: what only shares its hash is left out. */
  readonly records: readonly MessageRecord[]
  /** The broker says that it stopped at a bound of its own. */
  readonly isCut: boolean
}

/** What a broker of ours tells of one message; ask again with the cursor until it is −1. */
export type TraceAnswer = MessageTrace & TraceMessageAnswer

/** What a queue holds from an offset on. */
export interface QueuePart {
  /** None where all that was looked at is damaged, and at the end of the queue. */
  readonly records: readonly MessageRecord[]
  /** Where to go on. */
  readonly next: number
  readonly minOffset: number
  readonly maxOffset: number
}

export interface QueuePlace {
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
}

export interface QueryCalls {
  /** Reads without consuming, `max` messages at most; a place outside of the queue is moved into it. */
  readQueue(address: string, place: QueuePlace, max: number, options?: CallOptions): Promise<QueuePart>

  queryMessages(address: string, question: KeyQuestion, options?: CallOptions): Promise<KeyAnswer>
  /** The message at a place of the broker's log, as an offset message id names it; undefined without one. */
  viewMessage(address: string, commitLogOffset: number, options?: CallOptions): Promise<MessageRecord | undefined>
  /** Queue offset of the first message stored at a time or later (LOWER), or of the last one at it or before (UPPER). */
  searchOffset(address: string, header: SearchOffsetByTimestampHeader, options?: CallOptions): Promise<number>
  /** Undefined of a broker that keeps no journal of deliveries: Apache's. */
  traceMessage(address: string, header: TraceMessageHeader, options?: CallOptions): Promise<TraceAnswer | undefined>
}

const PULL_CODES: ReadonlySet<number> = new Set<number>([
  ResponseCode.SUCCESS,
  ResponseCode.PULL_NOT_FOUND,
  ResponseCode.PULL_RETRY_IMMEDIATELY,
  ResponseCode.PULL_OFFSET_MOVED,
])

/** The calls that look at messages, made by `call`. */
export function createQueryCalls(call: CallBroker): QueryCalls {
  return {
    async readQueue(address, place, max, options) {
      const header = {
        ...place,
        consumerGroup: SystemGroup.TOOLS,
        maxMsgNums: max,
        sysFlag: PullFlag.SUBSCRIPTION,
        commitOffset: 0,
        suspendTimeoutMs: 0,
        subscription: '*',
        subVersion: 0,
        expressionType: 'TAG',
      }
      const answer = await call(address, PullMessage, { header }, options)
      if (!PULL_CODES.has(answer.code)) throw failure(answer, PullMessage, address)
      const { nextBeginOffset: next, minOffset, maxOffset } = headerOf(answer)
      const records = answer.code === ResponseCode.SUCCESS ? decodeRecords(bodyOf(answer)) : []
      return { records, next, minOffset, maxOffset }
    },
    async queryMessages(address, question, options) {
      const { topic, key, isUniqueKey, fromMs, toMs, max } = question
      const header = { topic, key, maxNum: max, beginTimestampMs: fromMs, endTimestampMs: toMs, isUniqueKey }
      const answer = await call(address, QueryMessage, { header }, options)
      const isCut = answer.remark === QUERY_CUT_REMARK
      if (answer.code === ResponseCode.QUERY_NOT_FOUND) return { records: [], isCut }
      checkSuccess(answer, QueryMessage, address)
      return { records: decodeRecords(bodyOf(answer)).filter((record) => isAsked(record, question)), isCut }
    },
    async viewMessage(address, commitLogOffset, options) {
      const answer = await call(address, ViewMessageById, { header: { commitLogOffset } }, options)
      // Java: a place without a message is a SYSTEM_ERROR.
      if (answer.code === ResponseCode.SYSTEM_ERROR) return undefined
      if (answer.code !== ResponseCode.SUCCESS) throw failure(answer, ViewMessageById, address)
      return decodeRecord(bodyOf(answer))
    },
    async searchOffset(address, header, options) {
      const answer = await call(address, SearchOffsetByTimestamp, { header }, options)
      checkSuccess(answer, SearchOffsetByTimestamp, address)
      return headerOf(answer).queueOffset
    },
    async traceMessage(address, header, options) {
      const answer = await call(address, TraceMessage, { header }, options)
      if (answer.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return undefined
      checkSuccess(answer, TraceMessage, address)
      return { ...headerOf(answer), ...decodeMessageTrace(bodyOf(answer)) }
    },
  }
}

/** Apache's broker answers whatever shares the hash. */
function isAsked(record: MessageRecord, { topic, key, isUniqueKey }: KeyQuestion): boolean {
  if (record.topic !== topic) return false
  const properties = recordProperties(record)
  if (properties.get(PropertyName.UNIQ_KEY) === key) return true
  return !isUniqueKey && (properties.get(PropertyName.KEYS) ?? '').split(' ').includes(key)
}
