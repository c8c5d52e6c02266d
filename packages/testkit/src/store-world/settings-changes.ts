// Topics and groups that are made, changed and deleted, and what the answers mean for the model.
import {
  ORDER_UNIT_ATTRIBUTE,
  Perm,
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
  topicConfig,
} from '@rocketmq-ts/model'
import { BROKER_ADDRESS } from './broker-host.ts'
import { dedupAttributes } from './deduplicating.ts'
import { dropWaits } from './delaying.ts'
import type { GroupModel, TopicModel } from './model.ts'
import { drawRule, ruleAttributes } from './topic-rules.ts'
import { type OperationDeps, TIMEOUT_MS, type Tracking } from './tracking.ts'

export class SettingsChanges {
  readonly #deps: OperationDeps
  readonly #tracking: Tracking

  constructor(deps: OperationDeps, tracking: Tracking) {
    this.#deps = deps
    this.#tracking = tracking
  }

  /** Makes, changes or deletes one of the plan. */
  changeTopic(): void {
    const { model, random } = this.#deps
    const topic = random.pick(model.topics)
    if (this.#tracking.changing.has(topic.name) || this.#tracking.open > 0) return
    if (topic.value === undefined || random.chance(0.6)) {
      this.putTopic(topic)
      return
    }
    this.#deleteTopic(topic)
  }

  /** Every topic that there is; none while something is asked, as no answer would be known then. */
  deleteTopics(): void {
    if (this.#tracking.open > 0) return
    for (const topic of this.#deps.model.topics) {
      if (topic.value !== undefined && !this.#tracking.changing.has(topic.name)) this.#deleteTopic(topic)
    }
  }

  #deleteTopic(topic: TopicModel): void {
    const { host } = this.#deps
    this.#forgetTopic(topic)
    topic.deletions += 1
    topic.rules = []
    const changed = topic.change(undefined, host.log.written)
    const dropped = dropWaits(this.#deps, topic)
    const done = (written: number): void => {
      changed(written)
      dropped()
    }
    this.#setting(
      'topic',
      topic.name,
      done,
      host.client.deleteTopic(BROKER_ADDRESS, topic.name, { timeoutMs: TIMEOUT_MS }),
    )
  }

  putTopic(topic: TopicModel): void {
    const { random, host } = this.#deps
    const queues = Math.max(topic.value?.number ?? 1, 1 + random.integer(5))
    const done = topic.change(queues, host.log.written)
    const attributes = new Map(dedupAttributes(topic.dedup))
    if (topic.isRuled) {
      const rule = drawRule(random)
      topic.rules.push(rule)
      for (const [name, value] of ruleAttributes(rule)) attributes.set(name, value)
    }
    const config = topicConfig(topic.name, {
      readQueueNums: queues,
      writeQueueNums: queues,
      perm: Perm.READ_WRITE,
      attributes,
    })
    this.#setting('topic', topic.name, done, host.client.createTopic(BROKER_ADDRESS, config, { timeoutMs: TIMEOUT_MS }))
  }

  /** Makes, changes or deletes one of the plan. */
  changeGroup(): void {
    const { model, random, host } = this.#deps
    const group = random.pick(model.groups)
    if (this.#tracking.changing.has(group.name) || this.#tracking.open > 0) return
    if (group.value === undefined || random.chance(0.8)) this.putGroup(group)
    else {
      group.entries.clear()
      group.resets = []
      group.deletedMs = host.machine.nowMs
      const done = group.change(undefined, host.log.written)
      this.#setting(
        'group',
        group.name,
        done,
        host.client.deleteSubscriptionGroup(BROKER_ADDRESS, group.name, { timeoutMs: TIMEOUT_MS }),
      )
    }
  }

  putGroup(group: GroupModel): void {
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
    for (const group of this.#deps.model.groups) {
      const { entries } = group
      for (const message of entries.keys()) if (message.topic === topic.name) entries.delete(message)
      group.resets = group.resets.filter((reset) => reset.topic !== topic.name)
    }
  }

  #setting(kind: 'topic' | 'group', name: string, done: (written: number) => void, work: Promise<unknown>): void {
    const { host, model } = this.#deps
    this.#tracking.changing.add(name)
    host.purpose = 'settings'
    const over = (): void => {
      this.#tracking.changing.delete(name)
      host.purpose = 'messages'
    }
    this.#tracking.track(
      kind,
      work.then(
        () => {
          done(host.log.written)
          over()
          this.#tracking.tell(`${name} changed, end ${host.log.written}`)
        },
        (error: unknown) => {
          over()
          // A deletion may have taken place or not, and what was known of before is forgotten.
          const setting = [...model.topics, ...model.groups].find((each) => each.name === name)
          if (setting !== undefined && setting.value === undefined) setting.isFuzzy = true
          this.#tracking.tell(`${name} not changed: ${String(error)}`)
          throw error
        },
      ),
    )
  }
}

function groupConfigOf({ name, order }: GroupModel, retryMaxTimes: number): SubscriptionGroupConfig {
  const attributes = new Map(order === undefined ? [] : [[ORDER_UNIT_ATTRIBUTE, order]])
  return subscriptionGroupConfig(name, { retryMaxTimes, consumeMessageOrderly: order !== undefined, attributes })
}
