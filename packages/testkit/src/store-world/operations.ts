// What is asked of the broker, drawn from the seed one by one.
import { subscriptionGroupConfig } from '@rocketmq-ts/model'
import { BROKER_ADDRESS } from './broker-host.ts'
import { Consuming } from './consuming.ts'
import { Recalls } from './delaying.ts'
import type { LogImage } from './log-image.ts'
import type { GroupModel, TopicModel } from './model.ts'
import { ask } from './queries.ts'
import { Resets } from './resetting.ts'
import { Sending } from './sending.ts'
import { SettingsChanges } from './settings-changes.ts'
import type { QueueMins } from './topic-rules.ts'
import { Transactions } from './transacting.ts'
import { type OperationDeps, type OperationName, TIMEOUT_MS, Tracking } from './tracking.ts'

const WEIGHTS: readonly (readonly [OperationName, number])[] = [
  ['send', 34],
  ['pop', 17],
  ['ack', 21],
  ['change', 6],
  ['topic', 2],
  ['group', 1],
  ['offsets', 4],
  ['reset', 2],
  ['query', 5],
  ['recall', 2],
  ['end', 6],
]

export class Operations {
  readonly #deps: OperationDeps
  readonly #tracking: Tracking
  readonly #sending: Sending
  readonly #consuming: Consuming
  readonly #settings: SettingsChanges
  readonly #recalls: Recalls
  readonly #resets: Resets
  readonly #transactions: Transactions

  constructor(deps: OperationDeps) {
    this.#deps = deps
    this.#tracking = new Tracking(deps)
    this.#settings = new SettingsChanges(deps, this.#tracking)
    this.#sending = new Sending(deps, this.#tracking, this.#settings)
    this.#consuming = new Consuming(deps, this.#tracking)
    this.#resets = new Resets(deps, this.#tracking)
    this.#recalls = new Recalls(deps, this.#tracking)
    this.#transactions = new Transactions(deps, this.#tracking)
  }

  /** Asked and not answered yet. */
  get open(): number {
    return this.#tracking.open
  }

  get total(): number {
    return this.#tracking.total
  }

  /** Answers by what they were, and what was refused. */
  get outcomes(): ReadonlyMap<string, number> {
    return this.#tracking.outcomes
  }

  /** The broker ended: whoever waits hears nothing any more. */
  ended(): void {
    this.#tracking.ended()
  }

  /** The broker runs: who can be asked about transactions connects. */
  connected(): void {
    const { random, plan } = this.#deps
    this.#transactions.connected(random.chance(plan.present))
  }

  /** Nobody decides a transaction any more. */
  silence(): void {
    this.#transactions.isSilent = true
  }

  /** Asks for one more. */
  next(): void {
    const { random } = this.#deps
    let left = random.integer(100)
    const [name] = WEIGHTS.find(([, weight]) => (left -= weight) < 0) ?? WEIGHTS[0]!
    const run = {
      send: () => this.#sending.send(),
      pop: () => this.#pop(),
      ack: () => this.#ack(),
      change: () => this.#changeInvisible(),
      topic: () => this.#settings.changeTopic(),
      group: () => this.#settings.changeGroup(),
      offsets: () => this.#offsets(),
      reset: () => this.#resets.next(),
      query: () => this.#query(),
      recall: () => this.#recalls.next(),
      end: () => this.#transactions.next(),
    }[name]
    run()
  }

  /** Makes every topic and group of the plan. */
  prepare(): void {
    for (const topic of this.#deps.model.topics) this.#settings.putTopic(topic)
    for (const group of this.#deps.model.groups) this.#settings.putGroup(group)
  }

  /** Many sends at once. */
  burst(count: number): void {
    this.#sending.burst(count)
  }

  /** Sends of together so many bytes at once. */
  flood(bytes: number): void {
    this.#sending.flood(bytes)
  }

  /** Every topic that there is. */
  deleteTopics(): void {
    this.#settings.deleteTopics()
  }

  /** Takes and settles what there is; the number of messages it got. */
  drain(group: GroupModel, topic: TopicModel): Promise<number> {
    return this.#consuming.drain(group, topic)
  }

  /** In the end: what was overtaken in groups that consume in order. */
  judgeOrder(image: LogImage, mins: QueueMins): void {
    this.#consuming.judgeOrder(image, mins)
  }

  #pop(): void {
    const { model, random, host } = this.#deps
    const group = random.pick(model.groups)
    const topic = random.pick(model.topics)
    if (this.#tracking.changing.has(topic.name) || this.#tracking.changing.has(group.name)) return
    if (group.value === undefined) this.#settings.putGroup(group)
    else {
      // After a deletion that may have taken place, and a creation that was refused, who consumes makes it anew.
      if (!group.isSettled && group.allowed(Infinity).includes(undefined)) {
        group.change(subscriptionGroupConfig(group.name).retryMaxTimes, host.log.written)
      }
      this.#tracking.track('pop', this.#consuming.pop(group, topic))
    }
  }

  #ack(): void {
    const work = this.#consuming.ack()
    if (work !== undefined) this.#tracking.track('ack', work)
  }

  #changeInvisible(): void {
    const work = this.#consuming.changeInvisible()
    if (work !== undefined) this.#tracking.track('change', work)
  }

  #query(): void {
    const { model, random } = this.#deps
    const topic = random.pick(model.topics)
    if (this.#tracking.changing.has(topic.name) || topic.value === undefined || topic.isFuzzy) return
    this.#tracking.track('query', ask(this.#deps, topic))
  }

  #offsets(): void {
    const { model, random, host, verdict } = this.#deps
    const topic = random.pick(model.topics)
    const { value } = topic
    if (this.#tracking.changing.has(topic.name) || value === undefined || topic.isFuzzy) return
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
    this.#tracking.track('offsets', asking)
  }
}
