// What a broker says of itself after its start: topics and groups as acknowledged, queues that end where the log says, groups
// that point into them.
import { BROKER_ADDRESS, type BrokerHost } from './broker-host.ts'
import { maxOffsets } from './check-recovery.ts'
import type { LogImage, LogReader } from './log-image.ts'
import type { Model, Setting, TopicModel } from './model.ts'
import type { Verdict } from './verdict.ts'

export interface SettingsFacts {
  readonly host: BrokerHost
  readonly model: Model
  readonly verdict: Verdict
  /** The log as it was found. */
  readonly image: LogImage | undefined
  /** As it is by now: what waited may have come into its topic. */
  readonly log: LogReader
  /** Mirrors were changed from outside: settings may be anything. */
  readonly isForeign: boolean
}

/** Asks the broker, which runs. The model learns which of the settings it has. */
export async function checkSettings(facts: SettingsFacts): Promise<void> {
  const { host, model, image, verdict } = facts
  // The log may go on behind a segment that was cut to nothing.
  const end = Math.min(host.life.recoveredEnd ?? 0, host.cutFrom)
  host.cutFrom = Infinity
  const topics = new Map((await host.client.topicConfigs(BROKER_ADDRESS)).map((config) => [config.topicName, config]))
  const groups = await host.client.subscriptionGroups(BROKER_ADDRESS)
  const retries = new Map(groups.map((config) => [config.groupName, config.retryMaxTimes]))
  for (const topic of model.topics) resolve(facts, topic, topics.get(topic.name)?.writeQueueNums, end)
  for (const group of model.groups) resolve(facts, group, retries.get(group.name), end)
  for (const topic of model.topics) if (topic.value !== undefined && !topic.isFuzzy) await checkBounds(facts, topic)
  // Marks are left behind only where something has expired.
  if (verdict.violations.length === 0 && (image?.min ?? 0) > 0) await checkMarks(facts)
}

function resolve({ isForeign, verdict }: SettingsFacts, setting: Setting, number: number | undefined, end: number) {
  const allowed = setting.allowed(end).map((value) => value?.number ?? 'none')
  if (setting.resolve(number, end)) return
  if (isForeign) setting.adopt(number)
  else verdict.add('settings', `${setting.name} is ${number ?? 'none'}, it can only be ${allowed.join(' or ')}`)
}

async function checkBounds({ host, model, verdict, image, log }: SettingsFacts, topic: TopicModel) {
  const stats = await host.client.topicStats(BROKER_ADDRESS, topic.name)
  if (image === undefined || stats === undefined) return
  const expected = maxOffsets(model, image, topic)
  const now = maxOffsets(model, log.read(), topic)
  for (const { queueId, maxOffset } of stats) {
    const own = expected.get(queueId) ?? 0
    if (maxOffset >= own && maxOffset <= Math.max(own, now.get(queueId) ?? 0)) continue
    verdict.add('offsets', `${topic.name} queue ${queueId} ends at ${maxOffset}, its log says ${own}`)
  }
}

/** No group points at what a queue no longer has, or has not yet. */
async function checkMarks({ host, model, verdict }: SettingsFacts): Promise<void> {
  for (const topic of model.topics) {
    for (let queueId = 0; queueId < (topic.value?.number ?? 0); queueId += 1) {
      const queue = { topic: topic.name, queueId }
      const min = await host.client.minOffset(BROKER_ADDRESS, queue)
      const max = await host.client.maxOffset(BROKER_ADDRESS, queue)
      for (const group of model.groups) {
        if (group.value === undefined) continue
        const mark = await host.client.consumerOffset(BROKER_ADDRESS, { ...queue, consumerGroup: group.name })
        if (mark === undefined || (mark >= min && mark <= max)) continue
        const place = `${topic.name} queue ${queueId}, which has ${min} to ${max}`
        verdict.add('marks', `${group.name} is at ${mark} of ${place}`)
      }
    }
  }
}
