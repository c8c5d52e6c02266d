// Sends messages, and keeps what the answers promise.
import type { SendResult } from '@rocketmq-ts/cluster-client'
import { appendProperty, MqError, parseOffsetMessageId } from '@rocketmq-ts/model'
import { BROKER_ADDRESS } from './broker-host.ts'
import { drawRepeated, judgeRepeated } from './deduplicating.ts'
import { drawDelay } from './delaying.ts'
import { REFUSED_AT_MARK, WARNING_MARK } from './disk-faults.ts'
import { traitProperties } from './filters.ts'
import { uniqueKeyOf } from './message-names.ts'
import { bodyOf, type Message } from './model.ts'
import type { SettingsChanges } from './settings-changes.ts'
import { drawHalf, type HalfSend, PRODUCER_GROUP } from './transacting.ts'
import { NO_RULE } from './topic-rules.ts'
import { type OperationDeps, TIMEOUT_MS, type Tracking } from './tracking.ts'

const TAGS = ['A', 'B', 'C'] as const
const KEYS = 12
/** Of a segment left beside the largest body: its dead-letter copy must fit, too. */
const RECORD_SLACK_BYTES = 4096

export class Sending {
  readonly #deps: OperationDeps
  readonly #tracking: Tracking
  readonly #settings: SettingsChanges

  constructor(deps: OperationDeps, tracking: Tracking, settings: SettingsChanges) {
    this.#deps = deps
    this.#tracking = tracking
    this.#settings = settings
  }

  /** Many at once. */
  burst(count: number): void {
    for (let index = 0; index < count; index += 1) this.send()
  }

  /** Of together so many bytes at once, of bodies that hardly fit into a file of the log. */
  flood(bytes: number): void {
    const each = this.#deps.plan.shape.segmentBytes - RECORD_SLACK_BYTES
    for (let left = bytes; left > 0; left -= each) this.send(each)
  }

  /** One message; of `bytes`, if that is given. */
  send(bytes?: number): void {
    const { model, random, plan, host } = this.#deps
    const topic = random.pick(model.topics)
    if (this.#tracking.changing.has(topic.name)) return
    // A send does not make one that has attributes.
    if ((topic.dedup !== undefined || topic.isRuled) && topic.value === undefined) {
      this.#settings.putTopic(topic)
      return
    }
    const queues = topic.value?.number ?? 1
    const length =
      bytes ??
      (random.chance(0.01)
        ? random.integer(plan.shape.segmentBytes - RECORD_SLACK_BYTES)
        : random.integer(plan.bodyBytesMax))
    const tag = random.pick(TAGS)
    const shared = `key-${random.integer(KEYS)}`
    const repeated = drawRepeated(random, model, topic)
    // The other keys of a topic that takes each once.
    const own = topic.dedup?.by === 'KEY' ? `own-${model.messages.length}` : shared
    const key = repeated?.key ?? own
    const message = model.message(topic.name, bodyOf(model.messages.length, length), tag, key, repeated)
    message.sentMs = host.machine.nowMs
    const isEmpty = random.chance(0.005)
    const special = topic.dedup === undefined ? this.#drawKind() : undefined
    message.wait = special?.wait
    const header = {
      producerGroup: PRODUCER_GROUP,
      topic: topic.name,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: queues,
      queueId: random.chance(0.2) ? -1 : random.integer(queues),
      sysFlag: 0,
      bornTimestampMs: host.machine.nowMs,
      flag: 0,
      properties: propertiesOf(message, special?.properties),
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
    }
    host.purpose = 'messages'
    // After a deletion that was refused the topic may be there still, with the queues that it had: nothing is made then.
    const isSure = topic.isSettled
    const created = topic.value === undefined ? topic.change(queues, host.log.written) : undefined
    if (created !== undefined) this.#tracking.changing.add(topic.name)
    if (created !== undefined || !isSure) {
      topic.mayBePlain = true
      if (topic.isRuled) topic.rules.push(NO_RULE)
    }
    const sending = host.client
      .send(BROKER_ADDRESS, header, isEmpty ? Buffer.alloc(0) : message.body, { timeoutMs: TIMEOUT_MS })
      .then(
        (result) => {
          if (isSure) created?.(host.log.written)
          this.#tracking.changing.delete(topic.name)
          this.#stored(message, result)
        },
        (error: unknown) => {
          this.#tracking.changing.delete(topic.name)
          if (error instanceof MqError && isRefusal(error)) message.outcome = 'refused'
          if (isAtMark(error)) this.#refusedAtMark(message)
          throw error
        },
      )
    this.#tracking.track('send', sending)
  }

  /** It may be one that waits for a time or a decision. */
  #drawKind(): HalfSend | undefined {
    const { random, plan, host } = this.#deps
    const drawn = random.fraction()
    if (drawn < plan.delayed) return drawDelay(random, host.machine.nowMs)
    if (drawn >= plan.delayed + plan.halves) return undefined
    return drawHalf(random, host.machine.nowMs, plan.checkBack.immunityMs)
  }

  #stored(message: Message, result: SendResult): void {
    const { verdict, model, host } = this.#deps
    const position = parseOffsetMessageId(result.msgId).commitLogOffset
    if (message.wait !== undefined) {
      message.wait.heldAt = position
      message.wait.firstAt = position
      if (message.wait.half !== undefined) message.wait.half.offset = result.queueOffset
      message.wait.recallHandle = result.recallHandle
      this.#acknowledged(message, position, result.kind)
      return
    }
    const repeated = judgeRepeated(model, message, { position, result, nowMs: host.machine.nowMs }, verdict)
    if (repeated !== 'no') {
      if (repeated === 'yes') message.outcome = 'refused'
      return
    }
    message.answeredMs = host.machine.nowMs
    const isKnown = message.position !== undefined
    if (isKnown && (message.position !== position || message.queueOffset !== result.queueOffset)) {
      verdict.add('place', `message ${message.id} was delivered from ${message.position}, its answer says ${position}`)
    }
    message.position = position
    message.queueId = result.queueId
    message.queueOffset = result.queueOffset
    this.#acknowledged(message, position, result.kind)
  }

  #refusedAtMark(message: Message): void {
    const { host, verdict } = this.#deps
    message.outcome = 'refused'
    host.count(REFUSED_AT_MARK, 1)
    const wrong = host.level.refused(host.machine.nowMs)
    if (wrong !== undefined) verdict.add('watermark', `message ${message.id} was refused: ${wrong}`)
  }

  #acknowledged(message: Message, position: number, kind: SendResult['kind']): void {
    const { host, verdict, plan } = this.#deps
    if (kind !== 'stored') return
    message.outcome = 'stored'
    const wrong = host.level.stored(host.machine.nowMs, message.sentMs)
    if (wrong !== undefined) verdict.add('watermark', `message ${message.id} was stored: ${wrong}`)
    const { id, topic, queueId, queueOffset, wait } = message
    const place = wait === undefined ? `queue ${queueId} offset ${queueOffset}` : `until ${wait.dueMs}`
    this.#tracking.tell(`message ${id} of ${topic} stored at ${position}, ${place}`)
    const safe = plan.shape.flushDiskType === 'SYNC_FLUSH' ? host.log.flushed : host.log.written
    if (position >= safe)
      verdict.add('early', `message ${message.id} at ${position} was acknowledged, the log is safe up to ${safe}`)
  }
}

function propertiesOf(
  { uniqueId, key, tag, messageGroup, traits }: Message,
  more: HalfSend['properties'] = [],
): string {
  const named = { KEYS: key, TAGS: tag, UNIQ_KEY: uniqueKeyOf(uniqueId), __SHARDINGKEY: messageGroup }
  const entries = [...Object.entries(named), ...traitProperties(traits), ...more]
  return entries.reduce((text, [name, value]) => appendProperty(text, name, value), '')
}

/** The disk of the store is used beyond its last mark. */
function isAtMark(error: unknown): boolean {
  return error instanceof MqError && error.message.includes(WARNING_MARK)
}

/** It is certain that nothing was stored. */
function isRefusal(error: MqError): boolean {
  // What was appended before the disk was full is written when there is room.
  if (error.code === 'unavailable')
    return error.message.includes('no space is left') && !error.message.includes('may be stored')
  return error.code === 'message-illegal' || error.code === 'busy' || error.code === 'parameter-invalid'
}
