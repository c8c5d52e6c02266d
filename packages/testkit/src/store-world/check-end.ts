// When everything has been taken: each group has had every message, or it is dead, and the books balance.
import type { QueueLedger } from '@rocketmq-ts/broker'
import { decodeProperties } from '@rocketmq-ts/model'
import { nameOf } from './check-recovery.ts'
import type { LogImage, LogRecord } from './log-image.ts'
import { deadKeyOf, type Model } from './model.ts'
import type { Verdict } from './verdict.ts'

/** Written by the broker as: incarnation queueId queueOffset popTime group topic. */
const ORIGIN = /(?:^|\0)\d+ (\d+) (\d+) \d+ (\S+) (\S+)$/u

/** Nothing is waiting for any group any more: what was neither settled nor moved away was lost on the way. */
export function checkDrained(model: Model, image: LogImage, verdict: Verdict): void {
  for (const record of image.records) {
    const origin = originOf(record)
    if (origin !== undefined) model.dead.add(origin)
  }
  for (const message of model.messages) {
    const topic = model.topic(message.topic)
    if (!model.isCurrent(message) || topic?.isFuzzy !== false || message.isDamaged) continue
    if ((message.position ?? 0) < image.min) continue
    if ((message.queueId ?? 0) >= (topic.value?.number ?? 0)) continue
    for (const group of model.groups) {
      if (group.value === undefined || group.isFuzzy || !group.takes(message)) continue
      const entry = group.entries.get(message)
      if (entry !== undefined && entry.settled !== 'no') continue
      if (model.dead.has(deadKeyOf(group.name, message.topic, message.queueId, message.queueOffset))) continue
      const seen = entry === undefined ? 'never came' : `came ${entry.deliveries} times, and not again`
      verdict.add('settled', `${nameOf(message)} was not acknowledged by ${group.name}: it ${seen}`)
    }
  }
}

function originOf({ topic, properties }: LogRecord): string | undefined {
  if (!topic.startsWith('%DLQ%')) return undefined
  let match: RegExpExecArray | null = null
  for (const [name, value] of decodeProperties(properties)) if (name.endsWith('ORIGIN')) match ??= ORIGIN.exec(value)
  const [, queueId, queueOffset, group, name] = match ?? []
  return group === undefined || name === undefined
    ? undefined
    : deadKeyOf(group, name, Number(queueId), Number(queueOffset))
}

export function checkLedgers(model: Model, rows: readonly QueueLedger[], verdict: Verdict): void {
  for (const { topic, group, queueId, balanced, faults, sum, max, lag } of rows) {
    const where = `${topic} queue ${queueId} of ${group}`
    if (!balanced || sum !== max) verdict.add('ledger', `${where}: ${faults.join('; ')}, ${sum} of ${max}`)
    const known = model.topic(topic)
    const isDrained = known?.value !== undefined && queueId < known.value.number
    if (isDrained && lag > 0) verdict.add('ledger', `${where}: ${lag} messages are left after the draining`)
  }
}
