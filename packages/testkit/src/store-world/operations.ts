// What is asked of the broker, drawn from the seed one by one, and what its answers mean for the model.
import {
  appendProperty,
  MqError,
  ORDER_UNIT_ATTRIBUTE,
  parseOffsetMessageId,
  Perm,
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
  topicConfig,
} from '@rocketmq-ts/model'
import type { Prng } from '../sim/index.ts'
import { BROKER_ADDRESS, type BrokerHost } from './broker-host.ts'
import { Consuming } from './consuming.ts'
import type { LogImage } from './log-image.ts'
import { bodyOf, type GroupModel, type Message, type Model, type TopicModel } from './model.ts'
import { ask, uniqueKeyOf } from './queries.ts'
import type { StorePlan } from './store-plan.ts'
import type { Verdict } from './verdict.ts'

/** Operations are given up after this time of the world. */
const TIMEOUT_MS = 60_000
const TAGS = ['A', 'B', 'C'] as const
const KEYS = 12
/** Of a segment left beside the largest body: its dead-letter copy must fit, too. */
const RECORD_SLACK_BYTES = 4096

export const OPERATIONS = ['send', 'pop', 'ack', 'change', 'topic', 'group', 'offsets', 'query'] as const
export type OperationName = (typeof OPERATIONS)[number]

const WEIGHTS: readonly (readonly [OperationName, number])[] = [
  ['send', 42],
  ['pop', 18],
  ['ack', 22],
  ['change', 6],
  ['topic', 2],
  ['group', 1],
  ['offsets', 4],
  ['query', 5],
]

export interface OperationDeps {
  readonly plan: StorePlan
  readonly host: BrokerHost
  readonly model: Model
  readonly random: Prng
  readonly verdict: Verdict
  /** Told about each answer, for a look into a run. */
  readonly tell?: ((line: string) => void) | undefined
}

export class Operations {
  readonly counts: Record<OperationName, number> = {
    send: 0,
    pop: 0,
    ack: 0,
    change: 0,
    topic: 0,
    group: 0,
    offsets: 0,
    query: 0,
  }
  /** Answers by what they were, and what was refused. */
  readonly outcomes = new Map<string, number>()
  readonly #deps: OperationDeps
  readonly #consuming: Consuming
  /** Asked and not answered yet. */
  #open = 0
  /** Topics and groups with a change under way: nothing else is asked of them. */
  readonly #changing = new Set<string>()

  constructor(deps: OperationDeps) {
    this.#deps = deps
    this.#consuming = new Consuming(deps, (name) => this.#changing.has(name))
  }

  get open(): number {
    return this.#open
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }

  /** The broker ended: whoever waits hears nothing any more. */
  ended(): void {
    this.#open = 0
    this.#changing.clear()
  }

  /** Asks for one more. */
  next(): void {
    const { random } = this.#deps
    let left = random.integer(100)
    const [name] = WEIGHTS.find(([, weight]) => (left -= weight) < 0) ?? WEIGHTS[0]!
    const run = {
      send: () => this.#send(),
      pop: () => this.#pop(),
      ack: () => this.#ack(),
      change: () => this.#changeInvisible(),
      topic: () => this.#changeTopic(),
      group: () => this.#changeGroup(),
      offsets: () => this.#offsets(),
      query: () => this.#query(),
    }[name]
    run()
  }

  /** Makes every topic and group of the plan. */
  prepare(): void {
    for (const topic of this.#deps.model.topics) this.#putTopic(topic)
    for (const group of this.#deps.model.groups) this.#putGroup(group)
  }

  /** Many sends at once. */
  burst(count: number): void {
    for (let index = 0; index < count; index += 1) this.#send()
  }

  /** Sends of together so many bytes at once, of bodies that hardly fit into a file of the log. */
  flood(bytes: number): void {
    const each = this.#deps.plan.shape.segmentBytes - RECORD_SLACK_BYTES
    for (let left = bytes; left > 0; left -= each) this.#send(each)
  }

  #track(name: OperationName, work: Promise<unknown>): void {
    const { host, verdict } = this.#deps
    this.counts[name] += 1
    this.#open += 1
    const life = host.life
    const over = (outcome: string): void => {
      if (host.life !== life || life.end !== undefined) return
      this.#open -= 1
      const key = `${name} ${outcome}`
      this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1)
    }
    work.then(
      () => over('ok'),
      (error: unknown) => {
        const code = error instanceof MqError ? error.code : 'failed'
        // Of an error without a code of its own only the disk may be the cause.
        const isDisk = String(error).includes('injected')
        if ((code === 'internal' && !isDisk) || code === 'failed') verdict.add('answer', `${name}: ${String(error)}`)
        over(code)
      },
    )
  }

  /** Takes and settles what there is; the number of messages it got. */
  drain(group: GroupModel, topic: TopicModel): Promise<number> {
    return this.#consuming.drain(group, topic)
  }

  /** In the end: what was overtaken in groups that consume in order. */
  judgeOrder(image: LogImage): void {
    this.#consuming.judgeOrder(image)
  }

  #tell(line: string): void {
    const { tell, host } = this.#deps
    tell?.(`life ${host.lives.length}, ${host.world.nowMs.toFixed(1)} ms: ${line}`)
  }

  // — messages —

  #send(bytes?: number): void {
    const { model, random, plan, host } = this.#deps
    const topic = random.pick(model.topics)
    if (this.#changing.has(topic.name)) return
    const queues = topic.value?.number ?? 1
    const length =
      bytes ??
      (random.chance(0.01)
        ? random.integer(plan.shape.segmentBytes - RECORD_SLACK_BYTES)
        : random.integer(plan.bodyBytesMax))
    const tag = random.pick(TAGS)
    const key = `key-${random.integer(KEYS)}`
    const message = model.message(topic.name, bodyOf(model.messages.length, length), tag, key)
    const isEmpty = random.chance(0.005)
    const header = {
      producerGroup: 'producers',
      topic: topic.name,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: queues,
      queueId: random.chance(0.2) ? -1 : random.integer(queues),
      sysFlag: 0,
      bornTimestampMs: host.machine.nowMs,
      flag: 0,
      properties: propertiesOf(message),
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
    }
    host.purpose = 'messages'
    // After a deletion that was refused the topic may be there still, with the queues that it had: nothing is made then.
    const isSure = topic.isSettled
    const created = topic.value === undefined ? topic.change(queues, host.log.written) : undefined
    if (created !== undefined) this.#changing.add(topic.name)
    const sending = host.client
      .send(BROKER_ADDRESS, header, isEmpty ? Buffer.alloc(0) : message.body, { timeoutMs: TIMEOUT_MS })
      .then(
        (result) => {
          if (isSure) created?.(host.log.written)
          this.#changing.delete(topic.name)
          this.#stored(message, result)
        },
        (error: unknown) => {
          this.#changing.delete(topic.name)
          if (error instanceof MqError && isRefusal(error)) message.outcome = 'refused'
          throw error
        },
      )
    this.#track('send', sending)
  }

  #stored(
    message: Message,
    result: { readonly kind: string; readonly msgId: string; readonly queueId: number; readonly queueOffset: number },
  ): void {
    const { host, verdict, plan } = this.#deps
    const position = parseOffsetMessageId(result.msgId).commitLogOffset
    const isKnown = message.position !== undefined
    if (isKnown && (message.position !== position || message.queueOffset !== result.queueOffset)) {
      verdict.add('place', `message ${message.id} was delivered from ${message.position}, its answer says ${position}`)
    }
    message.position = position
    message.queueId = result.queueId
    message.queueOffset = result.queueOffset
    if (result.kind !== 'stored') return
    message.outcome = 'stored'
    this.#tell(
      `message ${message.id} of ${message.topic} stored at ${position}, queue ${result.queueId} offset ${result.queueOffset}`,
    )
    const safe = plan.shape.flushDiskType === 'SYNC_FLUSH' ? host.log.flushed : host.log.written
    if (position >= safe)
      verdict.add('early', `message ${message.id} at ${position} was acknowledged, the log is safe up to ${safe}`)
  }

  // — consuming —

  #pop(): void {
    const { model, random, host } = this.#deps
    const group = random.pick(model.groups)
    const topic = random.pick(model.topics)
    if (this.#changing.has(topic.name) || this.#changing.has(group.name)) return
    if (group.value === undefined) this.#putGroup(group)
    else {
      // After a deletion that may have taken place, and a creation that was refused, who consumes makes it anew.
      if (!group.isSettled && group.allowed(Infinity).includes(undefined)) {
        group.change(subscriptionGroupConfig(group.name).retryMaxTimes, host.log.written)
      }
      this.#track('pop', this.#consuming.pop(group, topic))
    }
  }

  #ack(): void {
    const work = this.#consuming.ack()
    if (work !== undefined) this.#track('ack', work)
  }

  #changeInvisible(): void {
    const work = this.#consuming.changeInvisible()
    if (work !== undefined) this.#track('change', work)
  }

  // — settings —

  #changeTopic(): void {
    const { model, random } = this.#deps
    const topic = random.pick(model.topics)
    if (this.#changing.has(topic.name) || this.#open > 0) return
    if (topic.value === undefined || random.chance(0.6)) {
      this.#putTopic(topic)
      return
    }
    this.#deleteTopic(topic)
  }

  /** Every topic that there is; none while something is asked, as no answer would be known then. */
  deleteTopics(): void {
    if (this.#open > 0) return
    for (const topic of this.#deps.model.topics) {
      if (topic.value !== undefined && !this.#changing.has(topic.name)) this.#deleteTopic(topic)
    }
  }

  #deleteTopic(topic: TopicModel): void {
    const { host } = this.#deps
    this.#forgetTopic(topic)
    topic.deletions += 1
    const done = topic.change(undefined, host.log.written)
    this.#setting(
      'topic',
      topic.name,
      done,
      host.client.deleteTopic(BROKER_ADDRESS, topic.name, { timeoutMs: TIMEOUT_MS }),
    )
  }

  #putTopic(topic: TopicModel): void {
    const { random, host } = this.#deps
    const queues = Math.max(topic.value?.number ?? 1, 1 + random.integer(5))
    const done = topic.change(queues, host.log.written)
    const config = topicConfig(topic.name, { readQueueNums: queues, writeQueueNums: queues, perm: Perm.READ_WRITE })
    this.#setting('topic', topic.name, done, host.client.createTopic(BROKER_ADDRESS, config, { timeoutMs: TIMEOUT_MS }))
  }

  #changeGroup(): void {
    const { model, random, host } = this.#deps
    const group = random.pick(model.groups)
    if (this.#changing.has(group.name) || this.#open > 0) return
    if (group.value === undefined || random.chance(0.8)) this.#putGroup(group)
    else {
      group.entries.clear()
      const done = group.change(undefined, host.log.written)
      this.#setting(
        'group',
        group.name,
        done,
        host.client.deleteSubscriptionGroup(BROKER_ADDRESS, group.name, { timeoutMs: TIMEOUT_MS }),
      )
    }
  }

  #putGroup(group: GroupModel): void {
    const { random, host } = this.#deps
    const retryMaxTimes = random.integer(4)
    const done = group.change(retryMaxTimes, host.log.written)
    const config = groupConfigOf(group, retryMaxTimes)
    this.#setting(
      'group',
      group.name,
      done,
      host.client.createSubscriptionGroup(BROKER_ADDRESS, config, { timeoutMs: TIMEOUT_MS }),
    )
  }

  /** Its messages and what groups know of them belong to the past. */
  #forgetTopic(topic: TopicModel): void {
    for (const { entries } of this.#deps.model.groups) {
      for (const message of entries.keys()) if (message.topic === topic.name) entries.delete(message)
    }
  }

  #setting(kind: 'topic' | 'group', name: string, done: (written: number) => void, work: Promise<unknown>): void {
    const { host, model } = this.#deps
    this.#changing.add(name)
    host.purpose = 'settings'
    const over = (): void => {
      this.#changing.delete(name)
      host.purpose = 'messages'
    }
    this.#track(
      kind,
      work.then(
        () => {
          done(host.log.written)
          over()
          this.#tell(`${name} changed, end ${host.log.written}`)
        },
        (error: unknown) => {
          over()
          // A deletion may have taken place or not, and what was known of before is forgotten.
          const setting = [...model.topics, ...model.groups].find((each) => each.name === name)
          if (setting !== undefined && setting.value === undefined) setting.isFuzzy = true
          this.#tell(`${name} not changed: ${String(error)}`)
          throw error
        },
      ),
    )
  }

  // — looking —

  #query(): void {
    const { model, random } = this.#deps
    const topic = random.pick(model.topics)
    if (this.#changing.has(topic.name) || topic.value === undefined || topic.isFuzzy) return
    this.#track('query', ask(this.#deps, topic))
  }

  #offsets(): void {
    const { model, random, host, verdict } = this.#deps
    const topic = random.pick(model.topics)
    const { value } = topic
    if (this.#changing.has(topic.name) || value === undefined || topic.isFuzzy) return
    const queueId = random.integer(value.number)
    const stored = model.messages.filter(
      (message) =>
        message.outcome === 'stored' &&
        message.queueId === queueId &&
        message.topic === topic.name &&
        model.isCurrent(message),
    )
    const least = Math.max(0, ...stored.map(({ queueOffset = 0 }) => queueOffset + 1))
    const asking = host.client
      .maxOffset(BROKER_ADDRESS, { topic: topic.name, queueId }, { timeoutMs: TIMEOUT_MS })
      .then((max) => {
        if (max < least && topic.value === value) {
          verdict.add(
            'offsets',
            `${topic.name} queue ${queueId} ends at ${max}; ${least} messages of it were acknowledged`,
          )
        }
      })
    this.#track('offsets', asking)
  }
}

function groupConfigOf({ name, order }: GroupModel, retryMaxTimes: number): SubscriptionGroupConfig {
  const attributes = new Map(order === undefined ? [] : [[ORDER_UNIT_ATTRIBUTE, order]])
  return subscriptionGroupConfig(name, { retryMaxTimes, consumeMessageOrderly: order !== undefined, attributes })
}

function propertiesOf({ id, key, tag, messageGroup }: Message): string {
  const named = { KEYS: key, TAGS: tag, UNIQ_KEY: uniqueKeyOf(id), __SHARDINGKEY: messageGroup }
  return Object.entries(named).reduce((text, [name, value]) => appendProperty(text, name, value), '')
}

/** It is certain that nothing was stored. */
function isRefusal(error: MqError): boolean {
  // What was appended before the disk was full is written when there is room.
  if (error.code === 'unavailable')
    return error.message.includes('no space is left') && !error.message.includes('may be stored')
  return error.code === 'message-illegal' || error.code === 'busy' || error.code === 'parameter-invalid'
}
