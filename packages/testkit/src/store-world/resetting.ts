// Groups that are told to go on elsewhere, and what that means: what was passed over never comes from its queue again, what
// lies ahead comes once more, and a crash changes nothing of either.
import { popRetryTopicOf } from '@rocketmq-ts/model'
import {
  decodeQueuePositions,
  InvokeBrokerToResetOffset,
  type InvokeBrokerToResetOffsetHeader,
  type QueuePosition,
  RESET_TO_MAX,
  ResponseCode,
} from '@rocketmq-ts/remoting'
import { BROKER_ADDRESS, type BrokerHost } from './broker-host.ts'
import type { GroupModel, Message, Model, Reset, TopicModel } from './model.ts'
import { mayHaveExpired } from './topic-rules.ts'
import { type OperationDeps, TIMEOUT_MS, type Tracking } from './tracking.ts'
import type { Verdict } from './verdict.ts'

const KINDS = ['time', 'offset', 'min', 'max', 'skip'] as const
type Kind = (typeof KINDS)[number]
/** Beyond the store time of any message. */
const LATER_MS = 1000

interface Asked {
  readonly kind: Kind
  readonly header: InvokeBrokerToResetOffsetHeader
}

export class Resets {
  readonly #deps: OperationDeps
  readonly #tracking: Tracking

  constructor(deps: OperationDeps, tracking: Tracking) {
    this.#deps = deps
    this.#tracking = tracking
  }

  /** One group in one topic; only where nothing else is asked, as no answer would be known then. */
  next(): void {
    const { model, random } = this.#deps
    const group = random.pick(model.groups)
    const topic = random.pick(model.topics)
    const { changing, open } = this.#tracking
    if (open > 0 || changing.has(group.name) || changing.has(topic.name)) return
    if ([group, topic].some((each) => each.value === undefined || each.isFuzzy || !each.isSettled)) return
    changing.add(group.name)
    const work = this.#reset(group, topic).finally(() => changing.delete(group.name))
    this.#tracking.track('reset', work)
  }

  async #reset(group: GroupModel, topic: TopicModel): Promise<void> {
    const asked = await this.#draw(group, topic)
    const queues = Array.from({ length: topic.value?.number ?? 0 }, (_, queueId) => queueId)
    const { queueId: only } = asked.header
    const from = this.#deps.host.log.written
    const resets = queues
      .filter((queueId) => only === undefined || queueId === only)
      .map((queueId) => begin(group, { topic: topic.name, queueId, from }))
    const positions = await this.#ask(asked.header)
    if (positions === undefined) return
    for (const reset of resets) {
      const position = positions.find(({ queueId }) => queueId === reset.queueId)
      if (position !== undefined) this.#answered(group, reset, asked, position)
    }
    if (asked.kind === 'skip') await this.#ask({ ...asked.header, topic: popRetryTopicOf(group.name, topic.name) })
  }

  async #draw(group: GroupModel, topic: TopicModel): Promise<Asked> {
    const { random, host, model } = this.#deps
    const kind = random.pick(KINDS)
    const base = { topic: topic.name, group: group.name }
    if (kind === 'max' || kind === 'skip') return { kind, header: { ...base, timestampMs: RESET_TO_MAX } }
    const only = random.integer(topic.value?.number ?? 1)
    if (kind === 'time') {
      const times = model.messages.flatMap(({ topic: name, storeMs }) =>
        name === topic.name && storeMs !== undefined ? [storeMs] : [],
      )
      const timestampMs =
        times.length === 0 ? Math.ceil(host.machine.nowMs) + LATER_MS : random.pick(times) + random.integer(2)
      return { kind, header: { ...base, timestampMs, ...(random.chance(0.5) && { queueId: only }) } }
    }
    const stats = (await host.client.topicStats(BROKER_ADDRESS, topic.name, { timeoutMs: TIMEOUT_MS })) ?? []
    const { minOffset = 0, maxOffset = 0 } = stats.find(({ queueId }) => queueId === only) ?? {}
    const offset = kind === 'min' ? minOffset : minOffset + random.integer(maxOffset - minOffset + 1)
    return { kind, header: { ...base, queueId: only, offset, timestampMs: 0 } }
  }

  /** Undefined where it was not done, or nobody knows. */
  async #ask(header: InvokeBrokerToResetOffsetHeader): Promise<readonly QueuePosition[] | undefined> {
    const answer = await this.#deps.host.peer.request(InvokeBrokerToResetOffset, header, { timeoutMs: TIMEOUT_MS })
    return answer.code === ResponseCode.SUCCESS ? decodeQueuePositions(answer.body ?? Buffer.alloc(0)) : undefined
  }

  #answered(group: GroupModel, reset: Reset, asked: Asked, { offset }: QueuePosition): void {
    const { host } = this.#deps
    reset.offset = offset
    reset.end = host.log.written
    const { topic, queueId } = reset
    this.#tracking.tell(
      `${group.name} goes on at ${offset} of ${topic} queue ${queueId} (${asked.kind}), end ${reset.end}`,
    )
    for (const [message, entry] of group.entries) {
      if (!isOf(reset, message)) continue
      const isAhead = (message.queueOffset ?? 0) >= offset
      // A copy in the retry topic goes its own way.
      const isCopied = entry.isTwice || entry.latest.handle.topicKind !== 'normal'
      const settled = isAhead && !isCopied ? 'no' : 'maybe'
      group.entries.set(message, { ...entry, settled, isHidden: false, isTwice: isCopied })
    }
    this.#judge(asked, reset, offset)
  }

  #judge({ kind, header }: Asked, { topic, queueId, from }: Reset, told: number): void {
    const { model, host, verdict } = this.#deps
    const where = `${header.group} in ${topic} queue ${queueId} goes on at ${told}`
    if (kind === 'offset' || kind === 'min') {
      if (told !== header.offset) verdict.add('reset', `${where}, it was told ${header.offset}`)
      return
    }
    const min = host.logMin()
    for (const message of model.messages) {
      const { queueOffset, storeMs, position = 0, isDamaged } = message
      if (message.topic !== topic || message.queueId !== queueId || queueOffset === undefined) continue
      if (!model.isCurrent(message) || position < min || position >= from || isDamaged || storeMs === undefined)
        continue
      if (mayHaveExpired(host, model, message)) continue
      const isBehind = kind !== 'time' || storeMs < header.timestampMs
      if (isBehind !== queueOffset < told)
        verdict.add('reset', `${where} (${kind} ${header.timestampMs}): offset ${queueOffset} was stored at ${storeMs}`)
    }
  }
}

/** From now on nobody knows where the group goes on there. */
function begin(group: GroupModel, place: Pick<Reset, 'topic' | 'queueId' | 'from'>): Reset {
  const reset: Reset = { ...place, offset: undefined, end: undefined }
  group.resets.push(reset)
  for (const [message, entry] of group.entries) {
    if (!isOf(reset, message)) continue
    entry.isHidden = false
    if (entry.settled === 'yes') entry.settled = 'maybe'
  }
  return reset
}

function isOf({ topic, queueId }: Reset, message: Message): boolean {
  return message.topic === topic && message.queueId === queueId
}

/** After a start: a power loss may have undone what was answered behind the log's end. */
export function forgetResets({ groups }: Model, end: number): void {
  for (const { resets } of groups) {
    for (const reset of resets) if (reset.end === undefined || reset.end > end) reset.end = undefined
  }
}

/** The broker runs: no group stands before what it was told to go on at. */
export async function checkResets(host: BrokerHost, model: Model, verdict: Verdict): Promise<void> {
  for (const group of model.groups) {
    if (group.isFuzzy || group.value === undefined) continue
    for (const { topic, queueId, offset, end } of group.lastResets()) {
      const known = model.topic(topic)
      if (end === undefined || offset === undefined || known?.value === undefined || known.isFuzzy) continue
      const queue = { topic, queueId, consumerGroup: group.name }
      const mark = await host.client.consumerOffset(BROKER_ADDRESS, queue)
      if (mark === undefined || mark < offset)
        verdict.add(
          'reset',
          `${group.name} is at ${mark} of ${topic} queue ${queueId}, it was told to go on at ${offset}`,
        )
    }
  }
}
