// Deliveries that outlive the log's files: messages that are in flight or released again while retention takes their
// records. Each is copied into its group's retry topic first, and the copy settles it. Who has such a message keeps it: the
// copy is in flight by the same delivery until the same deadline, because consumers that work for hours are no reason to
// keep a file. Messages that nobody was given yet are not among them: they go with their records, as retention says.
import { MqError, PropertyName, SystemTopic, isRetryTopic, popRetryTopicOf } from '@rocketmq-ts/model'
import { FileError, type Logger, type Scheduler, type Turns } from '@rocketmq-ts/runtime'
import type { Appender, QueueReader, UnitReader } from '@rocketmq-ts/store'
import type { BrokerEvent } from '../events.ts'
import type { HostPort } from '../host-port.ts'
import type { Inflight, PendingDelivery, QueueState } from '../inflight/inflight.ts'
import { findProperty } from '../send/property-text.ts'
import type { SettingsWriter } from '../settings-writer.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import type { Transactions } from '../transaction/transactions.ts'
import { COPY_QUEUE_ID, HIDDEN_PROPERTY, appendCopy, placeOf, toldOffsetOf } from './copies.ts'
import { isDamage } from './damage.ts'
import type { MovedDeliveries } from './moved-deliveries.ts'
import type { Leaving } from './removal-fence.ts'

/** Copies of one Turn, at most: requests go on in between. */
export const SURVIVORS_PER_TURN_MAX = 64
/** Record bytes of one Turn's copies; the first one always fits. */
const BYTES_PER_TURN_MAX = 4 * 1024 * 1024
/** Deliveries change meanwhile: queues are looked through again while there was something to copy, so often at most. */
const PASSES_MAX = 16
/** A record that the disk does not give back keeps its file so many times; then it counts as damaged, and others may go. */
const READ_FAILURES_MAX = 30
/** When the Turns are full, a batch waits this long for its place. */
const TURNS_FULL_RETRY_MS = 100

export interface Survivors {
  /**
   * Copies what is pending of the messages that leave, paced over Turns; resolves when the copies are flushed. Rejects
   * with what keeps a copy from being made (a full disk, a refused topic, 'busy' while others appear faster, 'closed'
   * after `stop`): then the messages must stay.
   */
  copy(leaving: Leaving): Promise<void>
  /** No copy is made after this: whoever stops does not wait for all of them. */
  stop(): void
}

export interface SurvivorsDeps {
  readonly inflight: Pick<Inflight, 'all' | 'oldest' | 'isLive' | 'settle'>
  readonly moved: Pick<MovedDeliveries, 'claim' | 'note'>
  readonly topics: Pick<TopicTable, 'require'>
  readonly store: Appender & QueueReader & UnitReader
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
  readonly storeHost: () => HostPort
  readonly ensureTopic: SettingsWriter['ensureTopic']
  /** Of half messages: the copy of one whose topic was deleted since would look younger than a new topic of that name. */
  readonly settleGone: Transactions['settleGone']
}

interface Read {
  readonly delivery: PendingDelivery
  /** Undefined where the record is damaged. */
  readonly bytes: Uint8Array | undefined
}

function stopError(): MqError {
  return new MqError('closed', 'the broker stops: what is pending is copied by the next one')
}

/** Where the message of a delivery goes on: one that waits for its transaction, where it is. Java: PopReviveService.reviveRetry. */
export function retryTopicFor({ topic, group }: Pick<QueueState, 'topic' | 'group'>): string {
  return isRetryTopic(topic) || topic === SystemTopic.HALF ? topic : popRetryTopicOf(group, topic)
}

/** Creates the copier of a broker. */
export function createSurvivors(deps: SurvivorsDeps): Survivors {
  const { inflight, moved, store, turns, logger } = deps
  /** Since something was copied whole. */
  let readFailures = 0
  let stopped = false

  function checkStopped(): void {
    if (stopped) throw stopError()
  }

  /** Counts a failed read: one bad sector must not keep the whole log, but a disk may be well again soon. */
  function isGivenUp(error: unknown): boolean {
    if (!(error instanceof FileError)) return false
    readFailures += 1
    return readFailures > READ_FAILURES_MAX
  }

  /** The next pending messages of the queue that leave, with their records. */
  async function readSome(queue: QueueState, { below, minOf }: Leaving): Promise<Read[]> {
    const min = minOf(queue)
    // What nobody can read yet lies behind all that leaves: it is not flushed, or waits for room on the disk.
    const { max } = store.bounds(queue.topic, queue.queueId)
    const found: Read[] = []
    let bytesLeft = BYTES_PER_TURN_MAX
    for (const delivery of inflight.oldest(queue, SURVIVORS_PER_TURN_MAX)) {
      const isBelowMin = delivery.offset < min
      if (bytesLeft <= 0 || delivery.offset >= max || (below === 0 && !isBelowMin)) break
      checkStopped()
      const place = await placeOf(store, delivery)
      if (place !== undefined && place.commitLogOffset >= below && !isBelowMin) break
      let bytes: Uint8Array | undefined
      try {
        bytes = place === undefined ? undefined : await store.readUnit(queue, place)
      } catch (error) {
        if (!isDamage(error) && !isGivenUp(error)) throw error
      }
      bytesLeft -= bytes?.length ?? 0
      found.push({ delivery, bytes })
    }
    return found
  }

  function copyOne({ delivery, bytes }: Read): boolean {
    const { queue, offset, popTime, attempts, deadlineMs } = delivery
    if (!inflight.isLive(delivery)) return false
    if (bytes === undefined) {
      const { topic, group, queueId } = queue
      inflight.settle(queue, offset, popTime, 'damaged')
      const message = 'it has no readable record'
      logger.error({ event: 'message.damaged', topic, group, queueId, queueOffset: offset, message })
      return false
    }
    const topic = retryTopicFor(queue)
    const isHalf = topic === SystemTopic.HALF
    if (isHalf && deps.settleGone(delivery, bytes)) return false
    deps.ensureTopic(topic)
    let told = offset
    const copy = appendCopy(store, deps.storeHost(), {
      delivery,
      bytes,
      topic,
      reconsumeTimes: (stored) => stored + attempts,
      properties(_original, text) {
        told = toldOffsetOf(text) ?? offset
        return [
          [PropertyName.FIRST_POP_TIME, findProperty(text, PropertyName.FIRST_POP_TIME) ?? String(popTime)],
          ...(deadlineMs === undefined ? [] : [[HIDDEN_PROPERTY, String(deadlineMs)] as const]),
          ...(isHalf ? [[PropertyName.TRAN_PREPARED_QUEUE_OFFSET, String(told)] as const] : []),
        ]
      },
    })
    inflight.settle(queue, offset, popTime, 'scheduled')
    const { group } = queue
    const place = { topic, group, queueId: COPY_QUEUE_ID, offset: copy.queueOffset }
    moved.claim({ ...place, incarnation: deps.topics.require(topic).incarnation, popTime, deadlineMs })
    const { queueId } = queue
    if (deadlineMs !== undefined || isHalf) moved.note({ topic: queue.topic, group, queueId, offset }, place)
    if (told !== offset) moved.note({ topic: queue.topic, group, queueId, offset: told }, place)
    return true
  }

  /** One Turn; resolves with the number of copies when they are flushed. */
  function copyInTurn(reads: readonly Read[]): Promise<number> {
    return new Promise((resolve, reject) => {
      function job(): void {
        let copies = 0
        try {
          for (const read of reads) if (copyOne(read)) copies += 1
        } catch (error) {
          if (!(error instanceof MqError)) throw error
          reject(error)
        }
        turns.release('flushed', (failure) => {
          if (failure === undefined) resolve(copies)
          else reject(failure)
        })
      }
      function enter(): void {
        if (stopped) reject(stopError())
        else if (!turns.enter(job)) deps.scheduler.after(TURNS_FULL_RETRY_MS, enter)
      }
      enter()
    })
  }

  async function copyQueue(queue: QueueState, leaving: Leaving): Promise<number> {
    let copies = 0
    while (!queue.dropped && queue.entries > 0) {
      const reads = await readSome(queue, leaving)
      if (reads.length === 0) break
      copies += await copyInTurn(reads)
    }
    if (copies > 0) {
      const { topic, group, queueId } = queue
      logger.info({ event: 'survivors.copied', topic, group, queueId, messages: copies })
    }
    return copies
  }

  return {
    async copy(leaving) {
      for (let pass = 0; pass < PASSES_MAX; pass += 1) {
        let copies = 0
        for (const queue of Array.from(inflight.all())) copies += await copyQueue(queue, leaving)
        if (copies > 0) continue
        readFailures = 0
        return
      }
      throw new MqError('busy', 'messages that leave become pending faster than they are copied')
    },
    stop() {
      stopped = true
    },
  }
}
