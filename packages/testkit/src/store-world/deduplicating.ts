// Topics that take a message once within a window: which sends repeat another one, and what the answers must be.
import type { SendResult } from '@rocketmq-ts/cluster-client'
import { DedupAttribute, type TopicDedup } from '@rocketmq-ts/model'
import type { Prng } from '../sim/index.ts'
import type { LogImage } from './log-image.ts'
import { nameOf } from './message-names.ts'
import type { Message, Model, TopicModel } from './model.ts'
import type { Verdict } from './verdict.ts'

/** Share of the sends that repeat another one. */
const REPEATED = 0.3
/** Those that are repeated are among the last ones. */
const RECENT = 12
/** The broker's clock shows whole milliseconds, and looks at it more than once for a message. */
const CLOCK_MS = 2

/** How a topic is told to take messages once. */
export function dedupAttributes(dedup: TopicDedup | undefined): ReadonlyMap<string, string> {
  if (dedup === undefined) return new Map()
  return new Map([
    [DedupAttribute.by, dedup.by],
    [DedupAttribute.window, String(dedup.windowMs)],
  ])
}

/** The message that the next one repeats, if it repeats one. */
export function drawRepeated(random: Prng, { messages }: Model, topic: TopicModel): Message | undefined {
  if (topic.dedup === undefined || !random.chance(REPEATED)) return undefined
  const recent = messages.slice(-RECENT).filter((message) => message.topic === topic.name)
  return recent.length === 0 ? undefined : random.pick(recent)
}

/** An answer came that names this place. */
export interface DedupAnswer {
  readonly position: number
  readonly result: SendResult
  /** By the machine's clock. */
  readonly nowMs: number
}

/** 'unknown': the message that was first may be one that nobody knows the place of. */
export type Repeated = 'no' | 'yes' | 'unknown'

/** Judges an answer of a topic that takes messages once. */
export function judgeRepeated(model: Model, message: Message, answer: DedupAnswer, verdict: Verdict): Repeated {
  const topic = model.topic(message.topic)
  if (topic?.dedup === undefined) return 'no'
  const { windowMs } = topic.dedup
  const { position, nowMs } = answer
  // The place of what was lost may be given to another one.
  const same = model.messages.filter((other) => {
    return other !== message && !other.isGone && isSame(topic.dedup, other, message)
  })
  const first = same.find((other) => other.position === position)
  if (first !== undefined) {
    const name = `${nameOf(message)} was answered with the place of ${nameOf(first)}`
    const { queueId, queueOffset } = answer.result
    if (first.queueId !== queueId || first.queueOffset !== queueOffset)
      verdict.add('dedup', `${name}, and with queue ${queueId} offset ${queueOffset}`)
    const storedMs = first.storeMs ?? first.answeredMs ?? Infinity
    if (storedMs + windowMs + CLOCK_MS <= message.sentMs && !topic.isFuzzy)
      verdict.add('dedup', `${name}, which was stored at ${storedMs}, for ${windowMs} ms: it is ${message.sentMs}`)
    return 'yes'
  }
  if (
    message.position === undefined &&
    same.some((other) => other.outcome === 'pending' && other.position === undefined)
  )
    return 'unknown'
  // What goes before its time is not remembered by the next start.
  if (model.areFilesForced || topic.mayBePlain) return 'no'
  for (const other of same) {
    if (topic.isFuzzy || other.outcome !== 'stored' || other.isDamaged || !model.isCurrent(other)) continue
    if ((other.answeredMs ?? Infinity) > message.sentMs) continue
    const storedMs = other.storeMs ?? Math.floor(other.sentMs)
    if (storedMs + windowMs > nowMs + CLOCK_MS)
      verdict.add(
        'dedup',
        `${nameOf(message)} is stored at ${position}, and ${nameOf(other)} was, within ${windowMs} ms`,
      )
  }
  return 'no'
}

/** The log has no message twice within the window of its topic. */
export function checkDuplicates(model: Model, image: LogImage, verdict: Verdict): void {
  if (model.areFilesForced) return
  const last = new Map<string, { readonly message: Message; readonly storeMs: number }>()
  for (const { topic: name, body, position, storeMs } of image.records) {
    const topic = model.topic(name)
    const born = topic?.value?.born
    if (topic?.dedup === undefined || topic.isFuzzy || born === undefined || position < born) continue
    if (topic.mayBePlain) continue
    const message = model.ofBody(body)
    if (message === undefined) continue
    const key = `${topic.dedup.by === 'KEY' ? message.key : message.uniqueId} ${name}`
    const before = last.get(key)
    if (before !== undefined && storeMs + CLOCK_MS < before.storeMs + topic.dedup.windowMs)
      verdict.add(
        'dedup',
        `${nameOf(message)} is in the log at ${storeMs}, ${nameOf(before.message)} at ${before.storeMs}`,
      )
    last.set(key, { message, storeMs })
  }
}

function isSame(dedup: TopicDedup | undefined, message: Message, other: Message): boolean {
  if (message.topic !== other.topic) return false
  return dedup?.by === 'KEY' ? message.key === other.key : message.uniqueId === other.uniqueId
}
