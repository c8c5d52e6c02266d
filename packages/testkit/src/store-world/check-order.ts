// The rule of groups that consume in order: no message before the earlier ones of its queue, or of its message group there,
// are settled, dead, or in front of it in the same answer.
import { nameOf } from './message-names.ts'
import { deadKeyOf, type Entry, type GroupModel, type Message, type Model } from './model.ts'
import type { Verdict } from './verdict.ts'

/** One answer to a group. */
export interface OrderFacts {
  readonly group: GroupModel
  /** In the order in which they came. */
  readonly got: readonly Entry[]
}

/** A message came, and this one was to come before it. */
export interface Overtaken {
  readonly by: Message
  readonly message: Message
}

/**
 * What one answer has overtaken. It is right only where retention has taken the message meanwhile: it has expired, or goes on
 * in the retry topic, where it may expire or be given up.
 */
export function overtakenBy(model: Model, { group, got }: OrderFacts): readonly Overtaken[] {
  const overtaken: Overtaken[] = []
  if (group.order === undefined || group.isFuzzy) return overtaken
  const before = new Set<Message>()
  for (const { message, latest } of got) {
    before.add(message)
    // What goes on in the retry topic has a place of its own.
    if (latest.handle.topicKind !== 'normal' || model.topic(message.topic)?.isFuzzy !== false) continue
    for (const other of model.messages) {
      if (before.has(other) || !isBefore(group, other, message) || !isDue(model, group, other)) continue
      overtaken.push({ by: message, message: other })
    }
  }
  return overtaken
}

export function addOvertaken({ name, order, entries }: GroupModel, { by, message }: Overtaken, verdict: Verdict): void {
  const { deliveries = 0 } = entries.get(message) ?? {}
  const place = `${nameOf(by)}, queue ${by.queueId} offset ${by.queueOffset}`
  const missed = `${nameOf(message)}, offset ${message.queueOffset}, which came ${deliveries} times`
  verdict.add('order', `${name}, in order by ${order}, got ${place} before ${missed} and is not settled`)
}

/** It lies before the other one, and both are in what has an order. */
function isBefore({ order }: GroupModel, message: Message, other: Message): boolean {
  if (message.topic !== other.topic || message.queueId !== other.queueId) return false
  if (message.queueOffset === undefined || other.queueOffset === undefined) return false
  if (message.queueOffset >= other.queueOffset) return false
  return order === 'QUEUE' || message.messageGroup === other.messageGroup
}

/** The group is to get it, and has not settled it. */
function isDue(model: Model, group: GroupModel, message: Message): boolean {
  if (!group.takes(message) || message.isDamaged || !model.isCurrent(message)) return false
  if (group.turnOf(message) !== 'open') return false
  if ((group.entries.get(message)?.settled ?? 'no') !== 'no') return false
  const key = deadKeyOf(group.name, message.topic, message.queueId, message.queueOffset)
  return !model.dead.has(key) && !model.toldDead.has(key)
}
