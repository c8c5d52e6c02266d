// After each start: what the log on the disk holds, compared with what was promised before the broker ended.
import { checkDuplicates } from './deduplicating.ts'
import { checkRecoveredWaits } from './check-waits.ts'
import type { LogImage, LogRecord } from './log-image.ts'
import { nameOf } from './message-names.ts'
import type { Message, Model, TopicModel } from './model.ts'
import type { Verdict } from './verdict.ts'

export interface RecoveryFacts {
  readonly image: LogImage
  /** End of the log as the broker reports it. */
  readonly end: number
  /** Everything below must still be there. */
  readonly floor: number
}

/** Judges the log; the model learns which messages are in it for good, and which are gone. */
export function checkRecoveredLog(model: Model, facts: RecoveryFacts, verdict: Verdict): void {
  const { image, end, floor } = facts
  if (end < floor) verdict.add('lost', `the log ends at ${end}, ${floor} bytes of it were safe`)
  if (image.end < end) verdict.add('lost', `the broker says the log ends at ${end}, its records end at ${image.end}`)
  if (image.debrisBytes > 0)
    verdict.add('debris', `${image.debrisBytes} bytes that are no record lie behind the log's end`)
  checkRecoveredWaits(model, facts, verdict)
  const found = checkRecords(model, image, verdict)
  model.min = image.min
  for (const message of model.messages) {
    if (message.isGone || found.has(message) || message.isDamaged || message.wait !== undefined) continue
    const { position } = message
    if (position !== undefined && position < image.min) continue
    if (message.isSafe) verdict.add('lost', `${nameOf(message)} was there after an earlier start and is gone`)
    else if (message.outcome === 'stored' && position !== undefined && position < floor) {
      verdict.add('lost', `${nameOf(message)} was acknowledged, the log is safe up to ${floor}`)
    }
    message.isGone = true
  }
  checkChains(model, image, verdict)
  checkDuplicates(model, image, verdict)
}

/** Every record of a known topic is a message that was sent, as it was sent, in the place it was given. */
function checkRecords(model: Model, image: LogImage, verdict: Verdict): ReadonlySet<Message> {
  const found = new Set<Message>()
  for (const record of image.records) {
    if (model.topic(record.topic) === undefined) continue
    const message = model.ofBody(record.body)
    const place = `${record.topic} queue ${record.queueId} offset ${record.queueOffset} at ${record.position}`
    if (message === undefined) {
      verdict.add('invented', `${place}: nobody sent this`)
      continue
    }
    if (message.isDamaged) {
      found.add(message)
      continue
    }
    if (found.has(message) && message.wait?.isFuzzy !== true)
      verdict.add('twice', `${nameOf(message)} is in the log twice, also at ${place}`)
    found.add(message)
    checkRecord(message, record, place, verdict)
    message.isSafe = true
  }
  return found
}

/** Before files go: where messages lie whose senders were not told. What lies behind `flushed` may still be lost. */
export function notePlaces(model: Model, { records }: LogImage, flushed: number): void {
  for (const record of records) {
    const message = model.ofBody(record.body)
    if (message?.topic !== record.topic || message.position !== undefined || message.wait !== undefined) continue
    if (record.position < flushed) notePlace(message, record)
  }
}

function notePlace(message: Message, { position, queueId, queueOffset }: LogRecord): void {
  message.position = position
  message.queueId = queueId
  message.queueOffset = queueOffset
}

function checkRecord(message: Message, record: LogRecord, place: string, verdict: Verdict): void {
  if (message.outcome === 'refused') verdict.add('invented', `${nameOf(message)} was refused, and lies at ${place}`)
  if (message.isGone) verdict.add('invented', `${nameOf(message)} was gone, and lies at ${place}`)
  if (!message.body.equals(record.body)) verdict.add('bytes', `${nameOf(message)}: its body differs at ${place}`)
  if (message.topic !== record.topic) verdict.add('bytes', `${nameOf(message)} lies in another topic: ${place}`)
  if (message.position === undefined) notePlace(message, record)
  // After a take-over what waited comes again: rather twice than never.
  if (message.wait?.isFuzzy === true) return
  const { position, queueId, queueOffset } = message
  if (position !== record.position || queueId !== record.queueId || queueOffset !== record.queueOffset) {
    verdict.add(
      'place',
      `${nameOf(message)} was to be at ${position}, queue ${queueId} offset ${queueOffset}: ${place}`,
    )
  }
  message.crc ??= record.crc
  message.storeMs ??= record.storeMs
  if (message.crc !== record.crc) verdict.add('bytes', `${nameOf(message)}: its record changed at ${place}`)
}

/** Queue offsets of a queue have no gap and come once; only a topic that begins anew starts again at 0. */
function checkChains(model: Model, image: LogImage, verdict: Verdict): void {
  const next = new Map<string, number>()
  for (const { topic, queueId, queueOffset, position } of image.records) {
    const known = model.topic(topic)
    if (known === undefined) continue
    const queue = `${topic} ${queueId}`
    const expected = next.get(queue)
    const isRight =
      expected === undefined ||
      queueOffset === expected ||
      mayStartAgain(model, known, { topic, queueId, from: 0, to: queueOffset })
    if (!isRight && !areDamaged(model, { topic, queueId, from: expected, to: queueOffset })) {
      verdict.add('gap', `${topic} queue ${queueId}: offset ${queueOffset} at ${position}, ${expected} was to follow`)
    }
    next.set(queue, queueOffset + 1)
  }
}

interface OffsetRange {
  readonly topic: string
  readonly queueId: number
  readonly from: number
  readonly to: number
}

/** All offsets in between are those of messages that were damaged on purpose. */
function areDamaged({ messages }: Model, place: OffsetRange): boolean {
  const { topic, queueId, from, to } = place
  const damaged = messages.filter(
    (message) =>
      message.isDamaged &&
      message.topic === topic &&
      message.queueId === queueId &&
      (message.queueOffset ?? -1) >= from &&
      (message.queueOffset ?? to) < to,
  )
  return from < to && new Set(damaged.map(({ queueOffset }) => queueOffset)).size === to - from
}

function mayStartAgain(model: Model, topic: TopicModel, place: OffsetRange): boolean {
  return topic.deletions > 0 && (place.to === 0 || areDamaged(model, place))
}

/** One past the last offset of each queue of the topic's present life. */
export function maxOffsets(model: Model, image: LogImage, topic: TopicModel): ReadonlyMap<number, number> {
  const max = new Map<number, number>()
  const born = topic.value?.born
  for (const message of model.messages) {
    const { queueId, queueOffset, position } = message
    // Offsets go on where they were when all records of a queue have expired.
    if (message.topic !== topic.name || message.isGone || queueId === undefined || queueOffset === undefined) continue
    if (born === undefined || position === undefined || position < born) continue
    if (position >= image.min && !message.isDamaged) continue
    max.set(queueId, Math.max(max.get(queueId) ?? 0, queueOffset + 1))
  }
  for (const record of image.records) {
    if (born !== undefined && record.topic === topic.name && record.position >= born) {
      max.set(record.queueId, Math.max(max.get(record.queueId) ?? 0, record.queueOffset + 1))
    }
  }
  return max
}
