// RECALL_MESSAGE: a delayed message is not delivered. The mark of it lies where Apache's broker looks for it, and names the
// record that it ends. Java: RecallMessageProcessor, which answers success whatever is found; here only what was pending is
// recalled, and anything else is refused.
import {
  MqError,
  PropertyName,
  type RecallHandle,
  decodeRecord,
  encodeProperties,
  parseRecallHandle,
} from '@rocketmq-ts/model'
import {
  type IncomingRequest,
  type RecallMessageAnswer,
  type RecallMessageHeader,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import type { Clock } from '@rocketmq-ts/runtime'
import type { Appender, MessageStore, TimerEntry, TimerIndex } from '@rocketmq-ts/store'
import type { HostPort } from '../host-port.ts'
import { RECALLS_IN_WORK_MAX } from '../limits.ts'
import { ownRecord } from '../own-record.ts'
import { propertiesTextOf } from '../pop/copies.ts'
import { findProperty } from '../send/property-text.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import { TIMER_MARK, TIMER_ORIGIN_PROPERTY, deleteKeyOf, formatTimerOrigin, keyHashOf } from './timer-records.ts'
import type { Timers } from './timers.ts'

/** Java: RecallMessageProcessor.RECALL_MESSAGE_TAG. */
const RECALL_TAG = '_RECALL_TAG_'

export interface RecallDeps {
  /** Java: recallMessageEnable. */
  readonly isOn: boolean
  readonly brokerName: string
  readonly index: TimerIndex
  readonly timers: Pick<Timers, 'builds' | 'inTurn' | 'read'>
  readonly store: Appender & Pick<MessageStore, 'positions'>
  readonly topics: Pick<TopicTable, 'require'>
  readonly clock: Clock
  readonly storeHost: () => HostPort
}

/** The handler. Where the answer comes later, the mark is as durable as a send. */
export function createRecallMessage(deps: RecallDeps) {
  const { index, timers, store } = deps
  let inWork = 0

  function markAll(handle: RecallHandle, entries: readonly TimerEntry[]): number {
    const { topic, dueMs, uniqueKey } = handle
    let marked = 0
    for (const entry of entries) {
      if (!index.isPending(entry)) continue
      const text = encodeProperties([
        [PropertyName.TAGS, RECALL_TAG],
        // Found with the message that it takes back.
        [PropertyName.UNIQ_KEY, uniqueKey],
        [PropertyName.TIMER_DEL_UNIQKEY, deleteKeyOf(topic, uniqueKey)],
        [PropertyName.TIMER_OUT_MS, String(dueMs)],
        [PropertyName.REAL_TOPIC, topic],
        [PropertyName.REAL_QID, '0'],
        [TIMER_ORIGIN_PROPERTY, formatTimerOrigin({ ...entry, level: 0, queueOffset: 0 })],
      ])
      const mark = { ...TIMER_MARK, properties: Buffer.from(text) }
      store.append(ownRecord({ ...mark, nowMs: deps.clock.nowMs(), storeHost: deps.storeHost() }))
      index.remove(entry, 'recalled')
      marked += 1
    }
    return marked
  }

  async function recall(handle: RecallHandle): Promise<boolean> {
    const { topic, dueMs, uniqueKey } = handle
    const likely = await index.find(dueMs, keyHashOf(topic, uniqueKey))
    const { written } = store.positions
    if (likely.some(({ position, size }) => position + size > written)) {
      throw new MqError('busy', 'the record of the message waits to be written: recall it again')
    }
    const reads = await timers.read(likely)
    const own = reads.filter(({ bytes }) => {
      const text = bytes === undefined ? '' : propertiesTextOf(decodeRecord(bytes))
      return (
        findProperty(text, PropertyName.UNIQ_KEY) === uniqueKey && findProperty(text, PropertyName.REAL_TOPIC) === topic
      )
    })
    if (own.length === 0) return false
    return (
      (await timers.inTurn(
        () =>
          markAll(
            handle,
            own.map(({ entry }) => entry),
          ),
        'flushed',
      )) > 0
    )
  }

  return function recallMessage(request: IncomingRequest<RecallMessageHeader, RecallMessageAnswer>): void {
    const { topic, recallHandle } = request.header
    const refuse = (remark: string, code: number = ResponseCode.ILLEGAL_OPERATION) => request.respond({ code, remark })
    if (!deps.isOn) return refuse('recalling is turned off by recallMessageEnable=false', ResponseCode.NO_PERMISSION)
    deps.topics.require(topic)
    let handle: RecallHandle
    try {
      handle = parseRecallHandle(recallHandle)
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      return refuse(error.message)
    }
    if (handle.topic !== topic) return refuse(`recall handle: it is of topic '${handle.topic}', not of '${topic}'`)
    if (handle.brokerName !== deps.brokerName) return refuse(`recall handle: it is of broker '${handle.brokerName}'`)
    const isOver = `no delayed message is pending under this handle: it was delivered or recalled`
    if (handle.dueMs <= deps.clock.nowMs()) return refuse(isOver)
    if (inWork >= RECALLS_IN_WORK_MAX || index.isFullOfRemoved || timers.builds % 2 === 1) {
      return refuse('[OVERLOAD] too many recalls are under way; try again', ResponseCode.SYSTEM_BUSY)
    }
    inWork += 1
    recall(handle)
      .then(
        (isRecalled) => {
          if (!isRecalled) refuse(isOver)
          else request.respond({ code: ResponseCode.SUCCESS, header: { msgId: handle.uniqueKey } })
        },
        (error: unknown) => {
          if (error instanceof MqError && error.code === 'busy') return refuse(error.message, ResponseCode.SYSTEM_BUSY)
          const remark = error instanceof Error ? error.message : String(error)
          refuse(`the message may be delivered all the same: ${remark}`, ResponseCode.SERVICE_NOT_AVAILABLE)
        },
      )
      .finally(() => {
        inWork -= 1
      })
  }
}
