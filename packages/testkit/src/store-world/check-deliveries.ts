// Rules of every delivery: it is a message that was sent, safe where that was promised, and nobody has or had it.
import type { PoppedMessage } from '@rocketmq-ts/cluster-client'
import { decodeProperties, type MessageRecord, PropertyName } from '@rocketmq-ts/model'
import { checkDue } from './check-waits.ts'
import { nameOf } from './message-names.ts'
import type { Entry, GroupModel, Model } from './model.ts'
import type { Verdict } from './verdict.ts'

export interface DeliveryFacts {
  readonly group: GroupModel
  readonly popped: PoppedMessage
  readonly popTimeMs: number
  readonly invisibleMs: number
  /** End of the log now. */
  readonly written: number
  /** What no power loss can take; undefined where messages are visible before. */
  readonly flushed: number | undefined
  /** The store keeps nothing any more: what it answers may be forgotten. */
  readonly isRefusing: boolean
}

/** Judges one delivery and keeps it. Undefined for one that can not be a message. */
export function checkDelivery(model: Model, facts: DeliveryFacts, verdict: Verdict): Entry | undefined {
  const { group, popped, popTimeMs, invisibleMs, written, flushed, isRefusing } = facts
  const { record } = popped
  const message = model.ofBody(record.body)
  const place = `${record.topic} queue ${record.queueId} offset ${record.queueOffset} at ${record.commitLogOffset}`
  if (message === undefined) {
    verdict.add('invented', `${group.name} got ${place}: nobody sent this`)
    return undefined
  }
  const name = `${group.name} got ${nameOf(message)} from ${place}`
  if (!message.body.equals(record.body)) verdict.add('bytes', `${name}: the body differs`)
  if (message.outcome === 'refused') verdict.add('invented', `${name}, which was refused`)
  if (message.isGone) verdict.add('invented', `${name}, which was gone`)
  // Retention copies what is still wanted before its file goes; the copy has a place of its own.
  const isCopy = popped.handle.topicKind !== 'normal'
  if (message.position === undefined && !isCopy) {
    message.position = record.commitLogOffset
    message.queueId = record.queueId
    message.queueOffset = record.queueOffset
  }
  checkDue(message, record.storeTimestampMs, verdict)
  const isThere = message.queueId === record.queueId && message.queueOffset === record.queueOffset
  const mayComeAgain = isCopy || message.wait?.isFuzzy === true
  if (!mayComeAgain && (message.position !== record.commitLogOffset || !isThere))
    verdict.add('place', `${name}: it lies elsewhere`)
  if (flushed !== undefined && record.commitLogOffset + record.size > flushed) {
    verdict.add('early', `${name}: the log is safe up to ${flushed} only`)
  }
  if (!group.takes(message))
    verdict.add(
      'filter',
      `${name}: it asks for ${group.filter.text}, not for tag '${message.tag}', ${JSON.stringify(message.traits)}`,
    )
  if (!isCopy && !group.isFuzzy && group.turnOf(message) === 'passed' && model.topic(message.topic)?.isFuzzy === false)
    verdict.add('reset', `${name}: the group was told to go on behind it`)
  const before = group.entries.get(message)
  // The retry topic stays when the group is deleted, as Apache's does: a new one of its name gets what is left there.
  const isOld = isCopy && (record.commitLogOffset < (group.value?.born ?? 0) || firstPopMs(record) <= group.deletedMs)
  // Its group may have been told to go on before the place that it was copied from.
  const isReset = isCopy && group.resets.some(({ topic }) => topic === message.topic)
  const isTwice = isOld || isReset || before?.isTwice === true
  if (before !== undefined && !isTwice && !group.isFuzzy && model.topic(message.topic)?.isFuzzy === false)
    checkAgain(before, popTimeMs, name, verdict)
  const entry: Entry = {
    message,
    latest: popped,
    popTimeMs,
    invisibleMs,
    isHidden: !isRefusing,
    deliveries: (before?.deliveries ?? 0) + 1,
    settled: 'no',
    isTwice,
    popEnd: written,
    settledEnd: 0,
  }
  group.entries.set(message, entry)
  return entry
}

/** A copy says when its message was first given out, however often it was copied since. */
function firstPopMs({ properties }: MessageRecord): number {
  const entries = decodeProperties(Buffer.from(properties).toString('latin1'))
  return Number(entries.get(PropertyName.FIRST_POP_TIME) ?? Infinity)
}

/** A copy takes the delivery over: it is as hidden as the original, and the handle of that settles it. */
function checkAgain(before: Entry, popTimeMs: number, name: string, verdict: Verdict): void {
  if (before.settled === 'yes') verdict.add('acked', `${name}: it was acknowledged before`)
  const hiddenToMs = before.popTimeMs + before.invisibleMs
  if (before.settled === 'no' && before.isHidden && popTimeMs < hiddenToMs) {
    verdict.add('hidden', `${name} at ${popTimeMs}: it is hidden until ${hiddenToMs}`)
  }
}

/** After a start: what lay behind the log's end is forgotten. */
export function forgetBehind(model: Model, end: number): void {
  for (const group of model.groups) {
    for (const entry of group.entries.values()) {
      if (entry.popEnd > end) entry.isHidden = false
      if (entry.settled === 'yes' && entry.settledEnd > end) entry.settled = 'maybe'
    }
  }
}
