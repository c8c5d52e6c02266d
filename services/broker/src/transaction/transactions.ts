// Transactions: half messages wait in a topic of the system until their producer decides. They are deliveries of one group
// there, in the table of all deliveries: in flight while nobody asks, released when their producer is to be asked, settled
// by the decision. So the journal, restarts, retention and the ledger know them already. A commit is the message in its
// own topic; the journal of the same Turn settles the half one, and a start looks for commits that a crash cut off from it.
// Invariant: what is settled stays so, so a decision that comes again changes nothing.
import { type MessageRecord, MqError, PropertyName, decodeRecord, queueOffset } from '@rocketmq-ts/model'
import {
  type EndTransactionHeader,
  type IncomingRequest,
  ResponseCode,
  TransactionDecision,
  failureOf,
} from '@rocketmq-ts/remoting'
import type { Clock, Turns } from '@rocketmq-ts/runtime'
import { type Appender, type MessageStore, type QueueReader, type UnitReader, isFillerUnit } from '@rocketmq-ts/store'
import type { HostPort } from '../host-port.ts'
import type { Inflight, OffsetRange, PendingDelivery, QueueState, SettledBucket } from '../inflight/inflight.ts'
import { UNDECIDED_MAX, UNITS_CLAIMED_MAX } from '../limits.ts'
import { originOf, placeOf, propertiesTextOf, toldOffsetOf } from '../pop/copies.ts'
import type { MovedDeliveries } from '../pop/moved-deliveries.ts'
import type { Restored } from '../restore.ts'
import { findProperty } from '../send/property-text.ts'
import type { SettingsWriter } from '../settings-writer.ts'
import type { Topic, TopicTable } from '../topics/topic-table.ts'
import type { DecidedOffsets } from './decided-offsets.ts'
import {
  HALF_QUEUE,
  type HalfMessage,
  committedRecord,
  halfMessageOf,
  immunityMsOf,
  parkedProperties,
} from './half-message.ts'
import { createHalfReads } from './half-reads.ts'

export interface TransactionSettings {
  /** Java: transactionTimeOut. */
  readonly immunityMs: number
  /** Java: rejectTransactionMessage. */
  readonly isRefused: boolean
}

export interface TransactionDeps {
  readonly inflight: Inflight
  readonly moved: Pick<MovedDeliveries, 'act' | 'note'>
  readonly store: Appender & QueueReader & UnitReader & Pick<MessageStore, 'recovery'>
  readonly turns: Pick<Turns, 'enter' | 'release'>
  readonly clock: Clock
  readonly topics: Pick<TopicTable, 'get'>
  readonly storeHost: () => HostPort
  readonly ensureTopic: SettingsWriter['ensureTopic']
  readonly decided: Pick<DecidedOffsets, 'note'>
  readonly settings: TransactionSettings
  /** A half message was decided, so long after it was stored. `bytes` of the record that a commit stored. */
  readonly onDecided: (topic: string, decision: 'commit' | 'rollback', afterMs: number, bytes: number) => void
}

/** Where a half message goes instead of its topic. */
export interface Parked {
  readonly topic: string
  readonly queueId: number
  readonly properties: string
  /** The unique key of the message, as Apache names transactions to its clients. */
  readonly transactionId: string | undefined
  /** Once it is appended. */
  appended(offset: number): void
}

export interface Transactions {
  /** In a job: the place for a half message. Throws MqError 'no-permission', or 'busy' while too many are undecided. */
  park(sent: string, topic: string, queueId: number): Parked
  /** In a job: half messages that became visible wait for their decision from now on. */
  claim(): void
  /** Handler of END_TRANSACTION. */
  endTransaction(request: IncomingRequest<EndTransactionHeader>): void
  /** In a job: ends one whose topic was deleted since, as its commit would. False where that is the one it was sent to. */
  settleGone(pending: PendingDelivery, bytes: Uint8Array): boolean
  /** Before anything arrives: what a crash has left half done is done. */
  recover(restored: Pick<Restored, 'isFromLogAlone'>): Promise<void>
  /** Half messages that nobody has decided. */
  readonly undecided: number
  /** The queue of half messages, once there was one. */
  queue(): QueueState | undefined
}

type Decision = 'commit' | 'rollback'
type Request = IncomingRequest<EndTransactionHeader>

const decisions: ReadonlyMap<number, Decision> = new Map([
  [TransactionDecision.commit, 'commit'],
  [TransactionDecision.rollback, 'rollback'],
])

/** Creates them, with nothing undecided but what the tables hold. */
export function createTransactions(deps: TransactionDeps): Transactions {
  const { inflight, store, turns, clock, topics, settings } = deps
  const reads = createHalfReads(store)
  /** Of parked messages that say themselves how long their producers have; by offset, until they are claimed. */
  const immunities = new Map<number, number>()
  /** One past the last that was parked: it is in the log, and visible later, when it is flushed. */
  let parkedEnd = 0

  function queue(): QueueState | undefined {
    return inflight.queue(HALF_QUEUE.topic, HALF_QUEUE.group, HALF_QUEUE.queueId)
  }

  function boundsOf() {
    return store.bounds(HALF_QUEUE.topic, HALF_QUEUE.queueId)
  }

  function undecided(): number {
    const halves = queue()
    return halves === undefined ? 0 : inflight.lag(halves, boundsOf().max)
  }

  /** The queue's state, begun where the topic is there. */
  function started(): QueueState | undefined {
    const known = queue()
    const topic = topics.get(HALF_QUEUE.topic)
    if (known !== undefined || topic === undefined) return known
    return inflight.start({ ...HALF_QUEUE, incarnation: topic.incarnation }, boundsOf().min)
  }

  /** Claims the next ones. Undefined when that is done, or how to bring more units into memory. */
  function claimSome(halves: QueueState): (() => Promise<void>) | undefined {
    const { min, max } = boundsOf()
    if (halves.cursor < min) inflight.retain(halves, min)
    const nowMs = clock.nowMs()
    while (halves.cursor < max) {
      const room = inflight.room(halves)
      const taken: number[] = []
      const damaged: OffsetRange[] = []
      const result = store.scan(
        halves,
        queueOffset(halves.cursor),
        (unit) => {
          if (!isFillerUnit(unit) && taken.length >= room) return 'stop'
          if (isFillerUnit(unit)) damaged.push({ from: unit.queueOffset, to: unit.queueOffset + 1 })
          else taken.push(unit.queueOffset)
          return 'take'
        },
        { unitsMax: UNITS_CLAIMED_MAX },
      )
      if (result.kind === 'cold') return result.load
      if (result.next === halves.cursor) return undefined
      const popTime = inflight.nextPopTime(nowMs)
      inflight.popNext(halves, { popTime, invisibleMs: settings.immunityMs, to: result.next, taken, damaged })
      if (immunities.size > 0) for (const offset of taken) giveTime(halves, offset, popTime)
    }
    return undefined
  }

  function giveTime(halves: QueueState, offset: number, popTime: number): void {
    const immunityMs = immunities.get(offset)
    if (immunityMs === undefined) return
    immunities.delete(offset)
    inflight.postpone(halves, offset, popTime, popTime + immunityMs)
  }

  function claim(): void {
    const halves = started()
    const load = halves === undefined ? undefined : claimSome(halves)
    load?.().then(
      () => void turns.enter(claim),
      () => undefined,
    )
  }

  /** What waits for its decision there. 'later': it is not flushed yet, or its unit is not in memory. */
  function pendingAt(offset: number): PendingDelivery | 'later' | undefined {
    return deps.moved.act(
      { ...HALF_QUEUE, offset },
      (halves, at) => inflight.pendingAt(halves, at) ?? (at >= halves.cursor ? 'later' : undefined),
    )
  }

  /** What the request names, if it is undecided. Answers where there is nothing to decide. Throws MqError 'busy'. */
  function undecidedOf(request: Request): PendingDelivery | undefined {
    const { tranStateTableOffset: offset } = request.header
    claim()
    if (offset < 0 || offset >= Math.max(parkedEnd, boundsOf().max)) {
      refuse(request, `tranStateTableOffset is ${offset}: there is no such half message`)
      return undefined
    }
    const pending = pendingAt(offset)
    if (pending === 'later') throw new MqError('busy', `half message ${offset} is not flushed yet: end it later`)
    if (pending === undefined) succeed(request)
    return pending
  }

  function succeed(request: Request): void {
    turns.release('flushed', (failure) => {
      if (failure === undefined) request.respond({ code: ResponseCode.SUCCESS })
      else
        request.respond({
          code: ResponseCode.SERVICE_NOT_AVAILABLE,
          remark: `the transaction may be decided all the same: ${failure.message}`,
        })
    })
  }

  /** Java: EndTransactionProcessor answers so, whatever is wrong with what a request names. */
  function refuse(request: Request, remark: string): void {
    request.respond({ code: ResponseCode.SYSTEM_ERROR, remark })
  }

  /** Where retention has copied it, its producer has the handle of the place before. */
  function noteOrigin({ offset }: PendingDelivery, record: MessageRecord): void {
    const text = propertiesTextOf(record)
    const origin = originOf(text)
    if (origin !== undefined) deps.moved.note(origin, { ...HALF_QUEUE, offset })
    const told = toldOffsetOf(text)
    if (told !== undefined) deps.moved.note({ ...HALF_QUEUE, offset: told }, { ...HALF_QUEUE, offset })
  }

  /** The process that parked it knew the time that its producer has, and ended before it was claimed. */
  function giveOwnTime({ queue: halves, offset, popTime }: PendingDelivery, record: MessageRecord): void {
    const immunityMs = immunityMsOf(propertiesTextOf(record))
    if (immunityMs === undefined) return
    inflight.postpone(halves, offset, popTime, Math.max(popTime + 1, record.storeTimestampMs + immunityMs))
  }

  /** Reads the half message: at once where it is in memory, else in a later Turn. */
  function read(request: Request, decision: Decision, pending: PendingDelivery): void {
    const bytes = reads.read(pending)
    if (bytes instanceof Uint8Array) {
      decide(request, decision, pending, decodeRecord(bytes))
      return
    }
    bytes.then(
      (found) => readLater(request, decision, found),
      (error: unknown) => fail(request, error),
    )
  }

  function readLater(request: Request, decision: Decision, bytes: Uint8Array): void {
    const entered = turns.enter(() => {
      try {
        // Somebody else may have decided it meanwhile.
        const pending = undecidedOf(request)
        if (pending !== undefined) decide(request, decision, pending, decodeRecord(bytes))
      } catch (error) {
        fail(request, error)
      }
    })
    if (!entered) fail(request, new MqError('busy', 'too many requests wait for the broker'))
  }

  function fail(request: Request, error: unknown): void {
    if (!(error instanceof MqError)) throw error
    request.respond(failureOf(error))
  }

  /** Java compares the group and both offsets, and not the message id: EndTransactionProcessor.checkPrepareMessage. */
  function decide(request: Request, decision: Decision, pending: PendingDelivery, record: MessageRecord): void {
    const { header } = request
    const half = halfMessageOf(record)
    if (half === undefined) return refuse(request, `half message ${pending.offset} does not name its topic and queue`)
    if (pending.offset === header.tranStateTableOffset && record.commitLogOffset !== header.commitLogOffset) {
      return refuse(request, `commitLogOffset is ${header.commitLogOffset}: the half message lies elsewhere`)
    }
    if (half.producerGroup !== header.producerGroup) {
      return refuse(request, `producerGroup is '${header.producerGroup}': another one has sent the half message`)
    }
    let bytes = 0
    let into: SettledBucket = 'rolledBack'
    if (decision === 'commit') {
      const topic = topicOf(half)
      if (topic === undefined) {
        settle(pending, 'deleted')
        throw new MqError('topic-not-found', `topic '${half.realTopic}' was deleted since: the message went with it`)
      }
      const { readQueueNums, writeQueueNums } = topic.config
      const queues = Math.max(readQueueNums, writeQueueNums)
      const queueId =
        half.realQueueId < queues || writeQueueNums === 0 ? half.realQueueId : half.realQueueId % writeQueueNums
      bytes = store.append(committedRecord(half, queueId, deps.storeHost())).size
      into = 'acked'
    }
    settle(pending, into)
    deps.onDecided(half.realTopic, decision, clock.nowMs() - record.storeTimestampMs, bytes)
    succeed(request)
  }

  /** Undefined where it was deleted since: another one of that name is not the one that the message was sent to. */
  function topicOf({ realTopic, record }: HalfMessage): Topic | undefined {
    const topic = topics.get(realTopic)
    return topic === undefined || topic.incarnation > record.commitLogOffset ? undefined : topic
  }

  function settle({ queue: halves, offset, popTime }: PendingDelivery, into: SettledBucket): void {
    const isAcked = into === 'acked' && inflight.ack(halves, offset, popTime)
    if (!isAcked) inflight.settle(halves, offset, popTime, into)
    deps.decided.note(offset)
  }

  return {
    queue,
    claim,
    get undecided() {
      return undecided()
    },
    park(sent, topic, queueId) {
      if (settings.isRefused) {
        throw new MqError(
          'no-permission',
          'transaction messages are switched off here: set rejectTransactionMessage=false, or send to another broker',
        )
      }
      if (undecided() >= UNDECIDED_MAX) {
        throw new MqError('busy', `${UNDECIDED_MAX} transactions are undecided: commit or roll back some of them first`)
      }
      deps.ensureTopic(HALF_QUEUE.topic)
      const immunityMs = immunityMsOf(sent)
      return {
        ...HALF_QUEUE,
        properties: parkedProperties(sent, topic, queueId),
        transactionId: findProperty(sent, PropertyName.UNIQ_KEY),
        appended(offset) {
          parkedEnd = offset + 1
          if (immunityMs !== undefined && immunities.size < UNDECIDED_MAX) immunities.set(offset, immunityMs)
        },
      }
    },
    endTransaction(request) {
      const { commitOrRollback } = request.header
      if (commitOrRollback === TransactionDecision.unknown) {
        request.respond({ code: ResponseCode.SUCCESS })
        return
      }
      const decision = decisions.get(commitOrRollback)
      if (decision === undefined) {
        throw new MqError('parameter-invalid', `commitOrRollback is ${commitOrRollback}; it can be 0, 8 or 12`)
      }
      const pending = undecidedOf(request)
      if (pending !== undefined) read(request, decision, pending)
    },
    settleGone(pending, bytes) {
      const half = halfMessageOf(decodeRecord(bytes))
      if (half === undefined || topicOf(half) !== undefined) return false
      settle(pending, 'deleted')
      return true
    },
    async recover({ isFromLogAlone }) {
      const halves = started()
      if (halves === undefined) return
      const claimedFrom = halves.cursor
      for (let load = claimSome(halves); load !== undefined; load = claimSome(halves)) await load()
      const commits = new Set(store.recovery.tailCommits)
      if (commits.size === 0 && !isFromLogAlone && halves.cursor === claimedFrom) return
      for (const pending of inflight.oldest(halves, Number.MAX_SAFE_INTEGER)) {
        const place = await placeOf(store, pending)
        if (place === undefined) continue
        const isClaimed = pending.offset >= claimedFrom
        if (commits.has(place.commitLogOffset)) settle(pending, 'acked')
        else if (isFromLogAlone || isClaimed) {
          const record = await reads.recordAt(pending, place)
          if (record !== undefined && isFromLogAlone) noteOrigin(pending, record)
          if (record !== undefined && isClaimed) giveOwnTime(pending, record)
        }
      }
    },
  }
}
