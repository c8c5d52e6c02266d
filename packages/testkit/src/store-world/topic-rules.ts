// Topics that keep their messages for a time of their own, some of them, or some bytes; the rule changes while they live.
// Nothing goes before a rule that was ever asked for lets it go, and in the end nothing stays beyond the one that holds.
import { RetentionAttribute, type TopicRetention, topicRetention } from '@rocketmq-ts/model'
import type { Prng } from '../sim/index.ts'
import { BROKER_ADDRESS, type BrokerHost } from './broker-host.ts'
import { nameOf } from './message-names.ts'
import type { Message, Model, TopicModel } from './model.ts'
import type { Verdict } from './verdict.ts'

const AGES_MS = [300, 5000, 60_000] as const
const COUNTS = [1, 6, 30] as const
const BYTES = [1500, 8000, 40_000] as const
/** What a record takes beside its body, at least and at most. */
const AROUND_BYTES = [100, 700] as const
/** The broker's clock shows whole milliseconds. */
const CLOCK_MS = 2
/** What is too old goes within this time, where the broker is not busy. */
const LATE_MS_MAX = 15_000

export const NO_RULE: TopicRetention = { ms: undefined, bytes: undefined, count: undefined }

/** A rule of a topic that has some; now and then none. */
export function drawRule(random: Prng): TopicRetention {
  return {
    ms: random.chance(0.4) ? random.pick(AGES_MS) : undefined,
    bytes: random.chance(0.3) ? random.pick(BYTES) : undefined,
    count: random.chance(0.4) ? random.pick(COUNTS) : undefined,
  }
}

/** How a topic is told; a bound that it no longer has is said to be none. */
export function ruleAttributes({
  ms,
  bytes,
  count,
}: TopicRetention): readonly (readonly [name: string, value: string])[] {
  return [
    [RetentionAttribute.ms, String(ms ?? -1)],
    [RetentionAttribute.bytes, String(bytes ?? -1)],
    [RetentionAttribute.count, String(count ?? -1)],
  ]
}

/** First offsets of the queues of topics with rules, as `placeKey` names them. */
export type QueueMins = ReadonlyMap<string, number>

function placeKey(topic: string, queueId: number | undefined): string {
  return `${queueId} ${topic}`
}

/** As the broker says. */
export async function readMins(host: BrokerHost, { topics }: Model): Promise<QueueMins> {
  const mins = new Map<string, number>()
  for (const { name, value, rules } of topics) {
    if (value === undefined || rules.length === 0) continue
    for (const { queueId, minOffset } of (await host.client.topicStats(BROKER_ADDRESS, name)) ?? [])
      mins.set(placeKey(name, queueId), minOffset)
  }
  return mins
}

/** Its topic no longer has it: no group gets it that has not begun with it. */
export function isBelow(mins: QueueMins, { topic, queueId, queueOffset = 0 }: Message): boolean {
  return queueOffset < (mins.get(placeKey(topic, queueId)) ?? 0)
}

/** A rule that its topic has, or had, lets it go. */
export function mayBeGone(model: Model, message: Message, nowMs: number): boolean {
  const topic = model.topic(message.topic)
  if (topic === undefined || topic.rules.length === 0) return false
  const behind = weigh(model, topic, message, 'most')
  return topic.rules.some((rule) => isBeyond(rule, message, behind, nowMs))
}

/**
 * That lets it go, or the marks of a disk: a group may have seen it go, though a crash has brought back the file that it was
 * in, or a power loss the queue's first offset.
 */
export function mayHavePassed(host: Pick<BrokerHost, 'areFilesForced' | 'machine'>, model: Model, message: Message) {
  return host.areFilesForced || mayBeGone(model, message, host.machine.nowMs)
}

/** The same, or it is so old that its file may be about to go. */
export function mayHaveExpired(host: BrokerHost, model: Model, message: Message): boolean {
  return (message.storeMs ?? 0) + host.reservedMs <= host.machine.nowMs || mayHavePassed(host, model, message)
}

interface Weight {
  readonly count: number
  readonly bytes: number
}

/** Of what lies behind a message, itself included: at most, with all that may be there, or at least. */
function weigh(model: Model, { name, value }: TopicModel, { position = 0 }: Message, how: 'most' | 'least'): Weight {
  let count = 0
  let bytes = 0
  for (const other of model.messages) {
    if (other.topic !== name || other.outcome === 'refused' || other.isGone) continue
    if (other.position === undefined ? how === 'least' : other.position < position) continue
    if (how === 'least' && (other.position ?? 0) < (value?.born ?? 0)) continue
    count += 1
    bytes += other.body.length + (how === 'most' ? AROUND_BYTES[1] : AROUND_BYTES[0])
  }
  return { count, bytes }
}

function isBeyond(rule: TopicRetention, { storeMs }: Message, behind: Weight, nowMs: number): boolean {
  if (rule.ms !== undefined && (storeMs === undefined || storeMs + rule.ms <= nowMs + CLOCK_MS)) return true
  if (rule.count !== undefined && behind.count > rule.count) return true
  return rule.bytes !== undefined && behind.bytes > rule.bytes
}

/** The broker runs. Nothing is gone that every rule keeps; returns where the queues begin. */
export async function checkMins(host: BrokerHost, model: Model, verdict: Verdict): Promise<QueueMins> {
  const mins = await readMins(host, model)
  for (const message of model.messages) {
    const { position = 0, isDamaged } = message
    if (!isBelow(mins, message) || position < host.logMin() || isDamaged) continue
    if (!model.isCurrent(message) || model.topic(message.topic)?.isFuzzy !== false) continue
    if (mayHaveExpired(host, model, message)) continue
    const from = mins.get(placeKey(message.topic, message.queueId))
    verdict.add(
      'expired',
      `${nameOf(message)}, offset ${message.queueOffset} of queue ${message.queueId}, from ${from} on`,
    )
  }
  return mins
}

/** In the end, when there was time: nothing stays that the rule of its topic does not keep. */
export async function checkKept(host: BrokerHost, model: Model, verdict: Verdict): Promise<void> {
  if (model.topics.every(({ rules }) => rules.length === 0)) return
  const configs = await host.client.topicConfigs(BROKER_ADDRESS)
  const mins = await checkMins(host, model, verdict)
  const nowMs = host.machine.nowMs
  for (const topic of model.topics) {
    const config = configs.find(({ topicName }) => topicName === topic.name)
    if (topic.rules.length === 0 || topic.isFuzzy || config === undefined) continue
    const rule = topicRetention(config)
    if (!topic.rules.some((asked) => isSameRule(asked, rule)))
      verdict.add('settings', `${topic.name} keeps by ${JSON.stringify(rule)}, which nobody asked for`)
    for (const message of model.messages) {
      const { position = 0, storeMs = Infinity, isDamaged } = message
      if (message.topic !== topic.name || isBelow(mins, message) || isDamaged || storeMs === Infinity) continue
      if (!model.isCurrent(message) || position < host.logMin()) continue
      const behind = weigh(model, topic, message, 'least')
      if (isBeyond(rule, message, behind, nowMs - LATE_MS_MAX))
        verdict.add('expired', `${nameOf(message)} is there still: ${JSON.stringify({ ...rule, behind })}`)
    }
  }
}

function isSameRule(one: TopicRetention, other: TopicRetention): boolean {
  return one.ms === other.ms && one.bytes === other.bytes && one.count === other.count
}
