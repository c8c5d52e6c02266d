// Asks producers about half messages that nobody decided: those that the expiry releases, some at a time. A delivery here
// is a question; one that brought no decision is asked again after the interval. Java: TransactionalMessageServiceImpl.check,
// AbstractTransactionalMessageCheckListener, which ask whether there is a producer or not.
import { type MessageRecord, decodeRecord, encodeRecord, offsetMessageId, recordSize } from '@rocketmq-ts/model'
import { CheckTransactionState } from '@rocketmq-ts/remoting'
import type { Clock, Turns } from '@rocketmq-ts/runtime'
import type { QueueReader, UnitReader } from '@rocketmq-ts/store'
import type { Producers } from '../clients/producers.ts'
import type { Inflight, QueueState } from '../inflight/inflight.ts'
import { CHECKS_IN_WORK_MAX } from '../limits.ts'
import { originOf, recordOf } from '../pop/copies.ts'
import type { DeadLetters } from '../pop/dead-letter.ts'
import { type HalfMessage, halfMessageOf, immunityMsOf } from './half-message.ts'

export interface CheckBackDeps {
  readonly inflight: Inflight
  readonly store: QueueReader & UnitReader
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly clock: Clock
  readonly producers: Pick<Producers, 'pick'>
  readonly deadLetters: Pick<DeadLetters, 'exhausted' | 'unreadable'>
  readonly brokerName: string
  /** Java: transactionTimeOut. */
  readonly immunityMs: number
  /** Java: transactionCheckInterval. */
  readonly intervalMs: number
  /** Java: transactionCheckMax. */
  readonly checksMax: number
  /** 'unanswerable': there is no producer to be asked. */
  readonly onChecked: (topic: string, result: 'asked' | 'unanswerable') => void
}

export interface CheckBack {
  /** In a job: half messages were released. */
  due(queue: QueueState): void
}

/** The half message as its producer sent it: in its own topic and queue. */
function sentRecord({ record, realTopic, realQueueId }: HalfMessage): Uint8Array {
  const sent: MessageRecord = { ...record, topic: realTopic, queueId: realQueueId }
  const bytes = Buffer.alloc(recordSize(sent))
  encodeRecord(sent, sent, bytes, 0)
  return bytes
}

/** Creates it. */
export function createCheckBack(deps: CheckBackDeps): CheckBack {
  const { inflight, turns, clock } = deps
  let isAsking = false

  function due(queue: QueueState): void {
    if (isAsking || queue.ready === 0) return
    isAsking = true
    const popTime = inflight.nextPopTime(clock.nowMs())
    const pop = { popTime, invisibleMs: deps.intervalMs, max: CHECKS_IN_WORK_MAX }
    const { offsets, attempts } = inflight.popReady(queue, pop)
    // A question must not be heard of before it is counted.
    turns.release('written', () => {
      const questions = offsets.map((offset, index) => ask(queue, offset, popTime, attempts[index] ?? 1))
      void Promise.all(questions).then(() => {
        isAsking = false
        // Turned away by a busy broker, the next release goes on.
        if (queue.ready > 0) turns.enter(() => due(queue))
      })
    })
  }

  async function ask(queue: QueueState, offset: number, popTime: number, attempt: number): Promise<void> {
    let bytes: Uint8Array
    try {
      bytes = await recordOf(deps.store, { queue, offset, popTime, attempts: attempt })
    } catch (error) {
      deps.deadLetters.unreadable(queue, offset, popTime, error as Error)
      return
    }
    const half = halfMessageOf(decodeRecord(bytes))
    // The first delivery is none of the questions; those of a record that this one continues are in it.
    const number = (half?.record.reconsumeTimes ?? 0) + attempt - 1
    if (half === undefined || number > deps.checksMax) {
      deps.deadLetters.exhausted(queue, offset, popTime, attempt)
      return
    }
    // Copies of others were claimed behind it before it was visible: this delivery is the first one, and late.
    const isFirst = number === 0
    // A copy was in flight as long as its origin: that it was stored later gives no more time, and costs no question.
    const ownMs = isFirst || originOf(half.text) === undefined ? immunityMsOf(half.text) : undefined
    const dueMs = half.record.storeTimestampMs + (ownMs ?? (isFirst ? deps.immunityMs : 0))
    if (isFirst || dueMs > clock.nowMs()) {
      turns.enter(() => void inflight.postpone(queue, offset, popTime, Math.max(popTime + 1, dueMs)))
    } else send(half)
  }

  function send(half: HalfMessage): void {
    const { record, realTopic, producerGroup, uniqueKey } = half
    const { host, port } = record.storeHost
    const isAsked = deps.producers.pick(producerGroup)?.oneway(
      CheckTransactionState,
      {
        topic: realTopic,
        tranStateTableOffset: record.queueOffset,
        commitLogOffset: record.commitLogOffset,
        offsetMsgId: offsetMessageId(host, port, record.commitLogOffset),
        brokerName: deps.brokerName,
        ...(uniqueKey !== undefined && { msgId: uniqueKey, transactionId: uniqueKey }),
      },
      sentRecord(half),
    )
    deps.onChecked(realTopic, isAsked === true ? 'asked' : 'unanswerable')
  }

  return { due }
}
