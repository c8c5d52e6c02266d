// Rules of messages that wait: never in their topic before their time, never lost on the way, never twice, and not at all
// when they were recalled or went with their topic.
import { decodeProperties, PropertyName, SystemTopic } from '@rocketmq-ts/model'
import type { LogImage, LogRecord } from './log-image.ts'
import { idOfUniqueKey, nameOf } from './message-names.ts'
import type { Message, Model } from './model.ts'
import type { Verdict } from './verdict.ts'
import { type HalfMessage, isWanted, waitingIn, type WaitingMessage } from './waiting.ts'

/** A broker that nothing hinders delivers within this time of the due one. */
export const LATE_MS_MAX = 1000

const HOLDS: ReadonlySet<string> = new Set([SystemTopic.TIMER, SystemTopic.SCHEDULE, SystemTopic.HALF])

export interface WaitFacts {
  readonly image: LogImage
  /** Everything below must still be there. */
  readonly floor: number
}

/** Judges one record of a message in its own topic, wherever it was seen. */
export function checkDue(message: Message, storeMs: number, verdict: Verdict): void {
  const { dueMs = 0 } = message.wait ?? {}
  if (storeMs < dueMs) verdict.add('before-due', `${nameOf(message)} is due at ${dueMs}, and was there at ${storeMs}`)
}

/** The broker runs: messages of this log are in their topics now, and the model knows where. */
export function noteArrived(model: Model, { records }: LogImage, verdict: Verdict): void {
  for (const record of records) {
    if (record.topic === SystemTopic.CHECK_MAX_TIME) noteGivenUp(model, record, verdict)
    if (model.topic(record.topic) === undefined) continue
    const message = model.ofBody(record.body)
    if (message?.wait === undefined) continue
    checkDue(message, record.storeMs, verdict)
    if (message.position === undefined) arrive(message as WaitingMessage, record, verdict)
  }
}

/** After its last question; a commit or a rollback that was answered before keeps it from that. */
function noteGivenUp(model: Model, record: LogRecord, verdict: Verdict): void {
  const message = model.ofBody(record.body)
  if (message?.wait?.half === undefined) {
    verdict.add('invented', `${record.topic} at ${record.position}: nobody sent this as a half message`)
    return
  }
  const { wait } = message as HalfMessage
  const { over, half, isFuzzy } = wait
  if (over?.by === 'limit' && over.end === record.position) return
  const name = `${nameOf(message)} was given up at ${record.position}`
  if (over?.by === 'limit' && !isFuzzy) verdict.add('given-up', `${name}, and before that at ${over.end}`)
  const decided = half.commit ?? (over?.by === 'rollback' ? over : undefined)
  if (decided?.isSure === true && record.position >= decided.end && !isFuzzy)
    verdict.add('given-up', `${name}, and was decided up to ${decided.end}`)
  if (message.position !== undefined && !isFuzzy) verdict.add('given-up', `${name}, and is in its topic`)
  const { immunityMs, checks, intervalMs } = model.checkBack
  const earliestMs = half.sentMs + Math.min(half.immuneMs, immunityMs) + checks * intervalMs
  if (record.storeMs < Math.floor(earliestMs) - 1)
    verdict.add('given-up', `${name} at ${record.storeMs}: its last question was not due before ${earliestMs}`)
  wait.over = { by: 'limit', isSure: true, end: record.position }
}

function arrive(message: WaitingMessage, record: LogRecord, verdict: Verdict): void {
  const { over, half, isFuzzy } = message.wait
  message.position = record.position
  message.queueId = record.queueId
  message.queueOffset = record.queueOffset
  message.storeMs = record.storeMs
  if (!isFuzzy && over?.isSure === true && (over.by !== 'deletion' || record.position >= over.end))
    verdict.add('over', `${nameOf(message)} came at ${record.position}, after its ${over.by} up to ${over.end}`)
  if (half !== undefined && !half.isCommitAsked)
    verdict.add('undecided', `${nameOf(message)} came at ${record.position}, and nobody has asked for a commit`)
}

/** After a recovery: each is held, or in its topic, or ended. Before what the topics hold is judged. */
export function checkRecoveredWaits(model: Model, facts: WaitFacts, verdict: Verdict): void {
  const { image } = facts
  const { held, ended, arrived } = placesOf(model, image.records)
  for (const message of model.messages) {
    if (message.wait === undefined || message.isDamaged) continue
    forgetArrival(message as WaitingMessage, arrived.get(message) ?? [], facts, verdict)
  }
  noteArrived(model, image, verdict)
  for (const message of model.messages) {
    if (message.wait === undefined || message.isDamaged) continue
    const waiting = message as WaitingMessage
    const holder = held.get(message)
    if (holder !== undefined) checkHolder(waiting, holder, verdict)
    if (holder !== undefined || arrived.has(message) || ended.has(message)) message.wait.isSafe = true
    else if (!message.isGone && message.position === undefined) checkLost(waiting, facts, verdict)
  }
}

interface Places {
  /** The last record that holds it. */
  readonly held: ReadonlyMap<Message, number>
  /** Recalled. */
  readonly ended: ReadonlySet<Message>
  /** In their own topics. */
  readonly arrived: ReadonlyMap<Message, readonly number[]>
}

function placesOf(model: Model, records: readonly LogRecord[]): Places {
  const held = new Map<Message, number>()
  const ended = new Set<Message>()
  const arrived = new Map<Message, number[]>()
  for (const { topic, body, position, properties } of records) {
    const isHold = HOLDS.has(topic)
    const isGivenUp = topic === SystemTopic.CHECK_MAX_TIME
    if (!isHold && !isGivenUp && model.topic(topic) === undefined) continue
    const deleted = isHold ? decodeProperties(properties).get(PropertyName.TIMER_DEL_UNIQKEY) : undefined
    const message = deleted === undefined ? model.ofBody(body) : model.messages[idOfUniqueKey(deleted)]
    if (message === undefined) continue
    if (deleted !== undefined || isGivenUp) ended.add(message)
    else if (isHold) held.set(message, position)
    else arrived.set(message, [...(arrived.get(message) ?? []), position])
  }
  return { held, ended, arrived }
}

/** Where a power loss took the record in its topic, the message waits once more, and gets another place. */
function forgetArrival(message: WaitingMessage, arrived: readonly number[], facts: WaitFacts, verdict: Verdict): void {
  const { position } = message
  if (position === undefined || position < facts.image.min || arrived.includes(position)) return
  if (position < facts.floor)
    verdict.add('lost', `${nameOf(message)} was in its topic, the log is safe to ${facts.floor}`)
  message.position = undefined
  message.queueId = undefined
  message.queueOffset = undefined
  message.storeMs = undefined
  message.crc = undefined
  message.isSafe = false
}

function checkHolder(message: WaitingMessage, position: number, verdict: Verdict): void {
  if (message.outcome === 'refused') verdict.add('invented', `${nameOf(message)} was refused, and waits at ${position}`)
  if (message.isGone) verdict.add('invented', `${nameOf(message)} was gone, and waits at ${position}`)
  message.wait.heldAt = position
}

function checkLost(message: WaitingMessage, { floor, image }: WaitFacts, verdict: Verdict): void {
  const { wait, outcome } = message
  const { heldAt, over, half, isSafe, isFuzzy } = wait
  // What was decided needs its record no more.
  const isEnded = over !== undefined || half?.isCommitAsked === true
  if (isWanted(message) && half !== undefined)
    verdict.add('lost', `${nameOf(message)} was committed, and is neither in its topic nor given up`)
  if (!isEnded && !isFuzzy) {
    if (isSafe) verdict.add('lost', `${nameOf(message)} waited in the log after an earlier start and is gone`)
    else if (outcome === 'stored' && heldAt !== undefined && heldAt < floor)
      verdict.add('lost', `${nameOf(message)} was to wait at ${heldAt}, the log is safe up to ${floor}`)
  }
  const isExpired = half !== undefined && isEnded && heldAt !== undefined && heldAt < image.min
  message.isGone = !isExpired
}

/**
 * When each that waits is due. A delay begins when the broker takes the message, and a stalled disk makes requests wait: the
 * record says until when, as much later than asked for as it was taken.
 */
export function duesOf(model: Model, { records }: LogImage): ReadonlyMap<WaitingMessage, number> {
  const dues = new Map(waitingIn(model).map((message) => [message, message.wait.dueMs]))
  for (const { topic, body, properties, bornMs, storeMs } of records) {
    if (topic !== SystemTopic.TIMER && topic !== SystemTopic.SCHEDULE) continue
    const message = model.ofBody(body) as WaitingMessage | undefined
    const known = message && dues.get(message)
    if (message === undefined || known === undefined) continue
    const entries = decodeProperties(properties)
    const dueMs = Number(entries.get(PropertyName.DUE_MS) ?? entries.get(PropertyName.TIMER_OUT_MS))
    dues.set(message, Math.max(known, Math.min(dueMs, message.wait.dueMs + storeMs - bornMs)))
  }
  return dues
}

/** The broker runs, and nothing hinders it: what was due and has not arrived was lost on the way. */
export function checkArrived(model: Model, image: LogImage, nowMs: number, verdict: Verdict): void {
  noteArrived(model, image, verdict)
  for (const [message, dueMs] of duesOf(model, image)) {
    const { wait, outcome, topic } = message
    if (outcome !== 'stored' && !wait.isSafe) continue
    if (!isWanted(message) || model.topic(topic)?.isFuzzy !== false) continue
    if (dueMs + LATE_MS_MAX <= nowMs)
      verdict.add('never-came', `${nameOf(message)} was due at ${dueMs}, and is not in its topic at ${nowMs}`)
  }
}
