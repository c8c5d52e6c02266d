// When everything has been taken: each group has had every message, or it is dead, and the books balance.
import type { QueueLedger } from '@rocketmq-ts/broker'
import type { LogImage } from './log-image.ts'
import { nameOf } from './message-names.ts'
import { deadKeyOf, type Model } from './model.ts'
import { isBelow, mayHavePassed, type QueueMins } from './topic-rules.ts'
import type { Verdict } from './verdict.ts'

const DEAD_LETTERS = '%DLQ%'

export interface EndFacts {
  readonly image: LogImage
  /** Where topics with rules of their own begin. */
  readonly mins: QueueMins
  readonly host: Parameters<typeof mayHavePassed>[0]
  readonly verdict: Verdict
}

/** Nothing is waiting for any group any more: what was neither settled nor moved away was lost on the way. */
export function checkDrained(model: Model, { image, mins, host, verdict }: EndFacts): void {
  noteDeadLetters(model, image)
  for (const message of model.messages) {
    const topic = model.topic(message.topic)
    if (!model.isCurrent(message) || topic?.isFuzzy !== false || message.isDamaged) continue
    if ((message.position ?? 0) < image.min || isBelow(mins, message)) continue
    if (mayHavePassed(host, model, message)) continue
    if ((message.queueId ?? 0) >= (topic.value?.number ?? 0)) continue
    for (const group of model.groups) {
      if (group.value === undefined || group.isFuzzy || !group.takes(message)) continue
      if (group.turnOf(message) !== 'open') continue
      const entry = group.entries.get(message)
      if (entry !== undefined && entry.settled !== 'no') continue
      if (model.dead.has(deadKeyOf(group.name, message.topic, message.queueId, message.queueOffset))) continue
      const seen = entry === undefined ? 'never came' : `came ${entry.deliveries} times, and not again`
      verdict.add('settled', `${nameOf(message)} was not acknowledged by ${group.name}: it ${seen}`)
    }
  }
}

/**
 * Keeps which messages groups have given up. A dead letter names the place it was copied from, which may be that of a copy
 * that retention made before: the body says whose it is, however often it was copied.
 */
export function noteDeadLetters(model: Model, image: LogImage): void {
  for (const { topic, body } of image.records) {
    if (!topic.startsWith(DEAD_LETTERS)) continue
    const message = model.ofBody(body)
    if (message === undefined) continue
    const group = topic.slice(DEAD_LETTERS.length)
    model.dead.add(deadKeyOf(group, message.topic, message.queueId, message.queueOffset))
  }
}

export function checkLedgers(
  model: Model,
  rows: readonly QueueLedger[],
  { image, verdict }: Pick<EndFacts, 'image' | 'verdict'>,
): void {
  for (const row of rows) {
    const { topic, group, queueId, balanced, faults, sum, max, lag } = row
    const where = `${topic} queue ${queueId} of ${group}`
    if (!balanced || sum !== max) verdict.add('ledger', `${where}: ${faults.join('; ')}, ${sum} of ${max}`)
    if (isLeft(model, row)) verdict.add('ledger', `${where}: ${lag} messages are left after the draining`)
    checkFiltered(model, row, image, verdict)
  }
}

/** Where a group has seen a queue from its first message on, it has passed over what it does not take, and nothing else. */
function checkFiltered(model: Model, row: QueueLedger, image: LogImage, verdict: Verdict): void {
  const topic = model.topic(row.topic)
  const group = model.groups.find(({ name }) => name === row.group)
  const born = topic?.value?.born
  if (topic?.isFuzzy !== false || group?.isFuzzy !== false || born === undefined || group.value === undefined) return
  if (group.resets.some(({ topic: name }) => name === topic.name)) return
  if (image.min > 0 || topic.rules.length > 0 || model.messages.some(({ isDamaged }) => isDamaged)) return
  let passed = 0
  for (const { topic: name, queueId, position, body } of image.records) {
    if (name !== topic.name || queueId !== row.queueId || position < born) continue
    const message = model.ofBody(body)
    if (message !== undefined && !group.takes(message)) passed += 1
  }
  const { filtered } = row.buckets
  if (filtered === passed) return
  const where = `${row.topic} queue ${row.queueId} of ${row.group}`
  verdict.add('ledger', `${where}: ${filtered} messages were passed over, ${group.filter.text} leaves ${passed} out`)
}

/** Groups wait for something of these queues: the draining goes on. */
export function isSomethingLeft(model: Model, rows: readonly QueueLedger[], mins: QueueMins = new Map()): boolean {
  return rows.some((row) => isLeft(model, row)) || isSomeUntouched(model, rows, mins)
}

/** A group in order has not begun with a queue while copies in its retry topic hold it up: no row tells of its lag. */
function isSomeUntouched(model: Model, rows: readonly QueueLedger[], mins: QueueMins): boolean {
  const keyOf = (group: string, topic: string, queueId: number) => `${queueId} ${group} ${topic}`
  const begun = new Set(rows.map(({ group, topic, queueId }) => keyOf(group, topic, queueId)))
  const groups = model.groups.filter(({ value, isFuzzy }) => value !== undefined && !isFuzzy)
  return model.messages.some((message) => {
    const { topic, queueId, position = 0 } = message
    const known = model.topic(topic)
    if (queueId === undefined || position < model.min || isBelow(mins, message) || !model.isCurrent(message))
      return false
    if (known?.isFuzzy !== false || queueId >= (known.value?.number ?? 0)) return false
    return groups.some((group) => group.takes(message) && !begun.has(keyOf(group.name, topic, queueId)))
  })
}

function isLeft(model: Model, { topic, queueId, lag }: QueueLedger): boolean {
  const known = model.topic(topic)?.value
  return known !== undefined && queueId < known.number && lag > 0
}
