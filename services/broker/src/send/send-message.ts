// SEND_MESSAGE and SEND_MESSAGE_V2: checks, one append, and the answer when the record is as safe as configured.
// Java: SendMessageProcessor, AbstractSendMessageProcessor.
import { utf8Encode } from '@rocketmq-ts/bytes'
import { MqError, PropertyName, SysFlag, offsetMessageId, tagsCodeOf } from '@rocketmq-ts/model'
import {
  type IncomingRequest,
  failureOf,
  ResponseCode,
  type SendMessageAnswer,
  type SendMessageHeader,
} from '@rocketmq-ts/remoting'
import { type Clock, FlushTimeout, type Random, type Turns } from '@rocketmq-ts/runtime'
import type { Appended, Appender } from '@rocketmq-ts/store'
import type { Duplicates } from '../dedup/duplicates.ts'
import type { FirstPlace } from '../dedup/dedup-window.ts'
import type { Delays } from '../delay/delays.ts'
import { createHostPortOf, type HostPort } from '../host-port.ts'
import { PROPERTIES_BYTES_MAX } from '../limits.ts'
import { STOPPING } from '../request-entry.ts'
import type { Topic } from '../topics/topic-table.ts'
import { isHalf } from '../transaction/half-message.ts'
import type { Transactions } from '../transaction/transactions.ts'
import { OWN_PROPERTY_PREFIX, entryOf, findProperty, withEntries, withoutProperties } from './property-text.ts'

/** Region of all brokers. Java: MixAll.DEFAULT_TRACE_REGION_ID. */
const MSG_REGION = 'DefaultRegion'
const REGION_ENTRY = entryOf(PropertyName.MSG_REGION, MSG_REGION)
const TRACE_ENTRY = entryOf(PropertyName.TRACE_ON, 'true')
/** Not stored; and names that only the broker may write. */
const DROPPED_PREFIXES = ['__RMQ.TRANSIENT.', OWN_PROPERTY_PREFIX] as const

type Request = IncomingRequest<SendMessageHeader, SendMessageAnswer>

export interface SendDeps {
  readonly store: Appender
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly clock: Clock
  readonly random: Random
  /** Address that stands in records and offset message ids. */
  readonly storeHost: () => HostPort
  /** Largest body. Java: maxMessageSize. */
  readonly bodyBytesMax: number
  /** The topic, created where that is allowed. Throws MqError 'topic-not-found' or 'no-permission'. */
  readonly topicForSend: (name: string, header: SendMessageHeader) => Topic
  readonly transactions: Pick<Transactions, 'park'>
  /** Messages that are to be had later. */
  readonly delays: Pick<Delays, 'hold' | 'scheduled'>
  readonly duplicates: Pick<Duplicates, 'check'>
  /** Nothing new begins any more. */
  readonly isStopping: () => boolean
  readonly onSent: (topic: string, bytes: number) => void
  readonly onDuplicate: (topic: string) => void
}

/** The handler of both send codes; both declarations share one domain header. */
export function createSendMessage(deps: SendDeps) {
  const bornHostOf = createHostPortOf()

  return sendMessage

  function sendMessage(request: Request): void {
    const { header, body } = request
    if (header.batch === true)
      throw new MqError('not-implemented', 'batch: several messages in one send are not offered yet')
    checkBody(body, deps.bodyBytesMax)
    const text = storedProperties(header.properties ?? '')
    const isTransaction = isHalf(text)
    checkFlag(header.sysFlag, isTransaction)
    const topic = deps.topicForSend(header.topic, header)
    const queueId = chooseQueue(topic, header.queueId, deps.random)
    const held = isTransaction ? undefined : deps.delays.hold(text, { topic: header.topic, queueId })
    const properties = utf8Encode(held?.properties ?? text)
    if (properties.length > PROPERTIES_BYTES_MAX) {
      throw new MqError(
        'properties-too-large',
        `properties take ${properties.length} bytes; at most ${PROPERTIES_BYTES_MAX} fit`,
      )
    }
    const check = isTransaction || held !== undefined ? undefined : deps.duplicates.check(topic, text)
    if (check?.kind === 'wait') return sendLater(request, check.until)
    if (check?.kind === 'again') return answerAgain(request, check.first)
    const parked = isTransaction ? deps.transactions.park(text, header.topic, queueId) : undefined
    const tag = findProperty(text, PropertyName.TAGS)
    const storeHost = deps.storeHost()
    const place = parked ?? held
    const appended = deps.store.append({
      topic: place?.topic ?? header.topic,
      queueId: place?.queueId ?? queueId,
      flag: header.flag,
      sysFlag: header.sysFlag & ~(SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6 | SysFlag.TRANSACTION_MASK),
      bornTimestampMs: header.bornTimestampMs,
      bornHost: bornHostOf(request.peer.remoteAddress),
      storeHost,
      reconsumeTimes: header.reconsumeTimes ?? 0,
      preparedTransactionOffset: 0,
      body,
      properties: parked === undefined ? properties : utf8Encode(parked.properties),
      tagsCode: held?.tagsCode ?? (tag === undefined ? 0 : tagsCodeOf(tag)),
    })
    check?.stored({ ...appended, queueId })
    parked?.appended(appended.queueOffset)
    if (held !== undefined) deps.delays.scheduled(held, appended)
    const { transactionId } = parked ?? {}
    const stored = { ...appended, queueId, storeHost, transactionId, recallHandle: held?.recallHandle }
    deps.turns.release('flushed', (failure) => {
      if (failure === undefined) {
        deps.onSent(parked?.topic ?? header.topic, appended.size)
        request.respond(success(stored, ResponseCode.SUCCESS))
      } else if (failure instanceof FlushTimeout) {
        request.respond(success(stored, ResponseCode.FLUSH_DISK_TIMEOUT, failure.message))
      } else {
        // It stays in front of what comes later: written when there is room, or found by the next start.
        request.respond({
          code: ResponseCode.SERVICE_NOT_AVAILABLE,
          remark: `the message may be stored all the same, and twice if it is sent again: ${failure.message}`,
        })
      }
    })
  }
  /** As safe as the first one, and where that is: whoever sends again has lost its answer. */
  function answerAgain(request: Request, first: FirstPlace): void {
    deps.onDuplicate(request.header.topic)
    const storeHost = deps.storeHost()
    deps.turns.release('flushed', (failure) => {
      const stored = { ...first, storeHost, transactionId: undefined, recallHandle: undefined }
      if (failure === undefined) request.respond(success(stored, ResponseCode.SUCCESS))
      else {
        const code =
          failure instanceof FlushTimeout ? ResponseCode.FLUSH_DISK_TIMEOUT : ResponseCode.SERVICE_NOT_AVAILABLE
        request.respond(
          code === ResponseCode.FLUSH_DISK_TIMEOUT
            ? success(stored, code, failure.message)
            : { code, remark: failure.message },
        )
      }
    })
  }

  /** In a Turn of its own; outside of requests nobody translates an exception: this does what the dispatcher does. */
  function sendLater(request: Request, until: Promise<void>): void {
    function again(): void {
      if (deps.isStopping()) return request.respond(STOPPING)
      try {
        sendMessage(request)
      } catch (error) {
        fail(error)
      }
    }
    function fail(error: unknown): void {
      if (deps.isStopping()) return request.respond(STOPPING)
      request.respond(failureOf(error instanceof MqError ? error : new MqError('internal', String(error))))
    }
    until.then(() => {
      if (!deps.turns.enter(again)) fail(new MqError('busy', 'too many requests wait for the broker'))
    }, fail)
  }
}

/** What makes a message a half one is its property; the flags of a decision are the broker's. Java: HookUtils, SendMessageProcessor. */
function checkFlag(sysFlag: number, isTransaction: boolean): void {
  const flag = sysFlag & SysFlag.TRANSACTION_MASK
  if (flag === 0 || (isTransaction && flag === SysFlag.TRANSACTION_PREPARED)) return
  throw new MqError('message-illegal', `sysFlag is ${sysFlag}: a half message has the property TRAN_MSG and the flag 4`)
}

/** A message in its place, and what the client is told of it. */
interface Stored extends Pick<Appended, 'queueOffset' | 'commitLogOffset'> {
  readonly queueId: number
  readonly storeHost: HostPort
  readonly transactionId: string | undefined
  readonly recallHandle: string | undefined
}

function checkBody(body: Uint8Array, bytesMax: number): void {
  if (body.length === 0) throw new MqError('message-illegal', 'the body is empty; a message needs at least one byte')
  if (body.length > bytesMax) {
    throw new MqError('message-too-large', `the body has ${body.length} bytes; maxMessageSize is ${bytesMax}`)
  }
}

function isDropped(name: string): boolean {
  return name === PropertyName.POP_CK || DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix))
}

/** What the broker adds and drops. Java: AbstractSendMessageProcessor.preSend, MessageExtBrokerInner. */
function storedProperties(sent: string): string {
  let text = sent
  if (text.includes(PropertyName.POP_CK) || DROPPED_PREFIXES.some((prefix) => text.includes(prefix))) {
    text = withoutProperties(text, isDropped)
  }
  const region = findProperty(text, PropertyName.MSG_REGION) === undefined ? REGION_ENTRY : ''
  const trace = findProperty(text, PropertyName.TRACE_ON) === undefined ? TRACE_ENTRY : ''
  return withEntries(text, region + trace)
}

/** The queue asked for, or any writable one for a negative id. Java: randomQueueId, checks of msgCheck. */
function chooseQueue(topic: Topic, asked: number, random: Random): number {
  const { topicName, readQueueNums, writeQueueNums } = topic.config
  if (asked < 0) {
    if (writeQueueNums === 0) throw new MqError('no-permission', `topic '${topicName}' has no writable queue`)
    return random.integer(writeQueueNums)
  }
  const queues = Math.max(readQueueNums, writeQueueNums)
  if (asked >= queues) {
    throw new MqError('parameter-invalid', `queueId is ${asked}; topic '${topicName}' has queues 0 to ${queues - 1}`)
  }
  return asked
}

/** The message is stored; the code says whether it is known to be as safe as configured. Java: handlePutMessageResult. */
function success(
  { queueId, queueOffset, commitLogOffset, storeHost, transactionId, recallHandle }: Stored,
  code: number,
  remark?: string,
) {
  return {
    code,
    ...(remark === undefined ? {} : { remark }),
    header: {
      msgId: offsetMessageId(storeHost.host, storeHost.port, commitLogOffset),
      queueId,
      queueOffset,
      ...(transactionId !== undefined && { transactionId }),
      msgRegion: MSG_REGION,
      traceOn: true,
      ...(recallHandle !== undefined && { recallHandle }),
    },
  }
}
