// Consumers: simple ones, which choose the invisible time and settle by themselves, and push ones, whose messages the
// proxy keeps invisible. While the mood is careless some deliveries are dropped, acknowledged too late or put off.
import {
  ClientType,
  Code,
  FilterType,
  type Message,
  MessagingService,
  msToDuration,
  type ReceiveMessageRequestInit,
} from '@rocketmq-ts/grpc/v2'
import { parseReceiptHandle } from '@rocketmq-ts/model'
import type { ProxyChannel } from '../cluster/proxy-channel.ts'
import { hashOf, seqOf } from './bodies.ts'
import type { Delivery, ReceiveCall, Settlement } from './history.ts'
import { type ClientContext, codeOf, ENDPOINTS, REQUEST_TIMEOUT_MS, resource, Session } from './session.ts'

/** What the proxy asks brokers for when it renews by itself. Java: defaultInvisibleTimeMills. */
export const RENEWED_INVISIBLE_MS = 60_000
const INVISIBLE_MS_MIN = 10_000
const INVISIBLE_MS_SPAN = 15_000
const ROUTE_PERIOD_MS = 15_000
const RECEIVE_FAILED_PAUSE_MS = 200
const ACK_ATTEMPTS_MAX = 3
/** Push consumers ask again until they get a clear answer. Java: ConsumeService, ack later. */
const PUSH_SETTLE_ATTEMPTS_MAX = 100
const SETTLE_AGAIN_MS = 300
/** Deliveries a consumer works on at the same time. */
const HELD_MAX = 256
/** When a delivery that was refused comes again, by attempt. Java: the group's customized back-off. */
const BACKOFF_MS = [5000, 10_000, 15_000]

export interface ConsumerPlan {
  readonly name: string
  readonly kind: 'simple' | 'push'
  readonly group: string
  readonly topic: string
  readonly tagExpression: string
  readonly preferredProxy: number
  /** Share of deliveries that are not simply acknowledged, while the mood is careless. */
  readonly carelessShare: number
}

type Care = 'ack' | 'ack-late' | 'drop' | 'change-then-ack' | 'change-then-drop' | 'work-long'

export function startConsumer(context: ClientContext, channels: readonly ProxyChannel[], plan: ConsumerPlan): void {
  const { world, random, history, mood } = context
  const isPush = plan.kind === 'push'
  const session = new Session(context, {
    clientId: plan.name,
    clientType: isPush ? ClientType.PUSH_CONSUMER : ClientType.SIMPLE_CONSUMER,
    channels,
    preferred: plan.preferredProxy,
    group: plan.group,
    settings: {
      subscription: {
        group: resource(plan.group),
        subscriptions: [
          { topic: resource(plan.topic), expression: { type: FilterType.TAG, expression: plan.tagExpression } },
        ],
      },
    },
  })
  let brokers: readonly string[] = []
  let routeAtMs = -Infinity
  let nextBroker = 0
  let held = 0

  async function refreshRoute(): Promise<void> {
    if (brokers.length > 0 && world.nowMs - routeAtMs < ROUTE_PERIOD_MS) return
    const topic = resource(plan.topic)
    const answer = isPush
      ? await session.ask(MessagingService.QueryAssignment, {
          topic,
          group: resource(plan.group),
          endpoints: ENDPOINTS,
        })
      : await session.ask(MessagingService.QueryRoute, { topic, endpoints: ENDPOINTS })
    if (codeOf(answer) !== Code.OK || answer === undefined) return
    const queues = 'assignments' in answer ? answer.assignments.map((each) => each.messageQueue) : answer.messageQueues
    brokers = [...new Set(queues.map((queue) => queue?.broker?.name ?? ''))]
    routeAtMs = world.nowMs
  }

  async function receive(brokerName: string): Promise<void> {
    const { channel } = session
    const invisibleMs = isPush ? RENEWED_INVISIBLE_MS : INVISIBLE_MS_MIN + random.integer(INVISIBLE_MS_SPAN)
    const pollMs = random.pick([1000, 3000, 5000, 10_000])
    const request: ReceiveMessageRequestInit = {
      group: resource(plan.group),
      messageQueue: { topic: resource(plan.topic), id: 0, broker: { name: brokerName } },
      filterExpression: { type: FilterType.TAG, expression: plan.tagExpression },
      batchSize: isPush ? 32 : random.pick([1, 4, 16, 32]),
      autoRenew: isPush,
      longPollingTimeout: msToDuration(pollMs),
      ...(isPush ? {} : { invisibleDuration: msToDuration(invisibleMs) }),
    }
    const startMs = world.nowMs
    const { code, messages } = await session.receive(request, channel, pollMs + REQUEST_TIMEOUT_MS)
    const call: ReceiveCall = {
      group: plan.group,
      brokerName,
      startMs,
      endMs: world.nowMs,
      outcome: code === Code.OK ? 'messages' : code === Code.MESSAGE_NOT_FOUND ? 'none' : 'failed',
    }
    history.receives.push(call)
    if (call.outcome === 'failed') {
      routeAtMs = -Infinity
      await session.pause(RECEIVE_FAILED_PAUSE_MS)
    }
    if (call.outcome !== 'messages') return
    for (const message of messages) void settle(deliver(message, call, invisibleMs), message, channel)
  }

  function deliver(message: Message, call: ReceiveCall, invisibleMs: number): Delivery {
    const system = message.systemProperties
    const handle = parseReceiptHandle(system?.receiptHandle ?? '')
    const delivery: Delivery = {
      id: history.deliveries.length,
      group: plan.group,
      topic: message.topic?.name ?? '',
      brokerName: handle.brokerName,
      queueId: system?.queueId ?? -1,
      queueOffset: system?.queueOffset ?? -1,
      attempt: system?.deliveryAttempt ?? 0,
      popTimeMs: handle.popTimeMs,
      invisibleMs,
      autoRenew: isPush,
      messageId: system?.messageId ?? '',
      tag: system?.tag ?? '',
      bodyHash: hashOf(message.body),
      seq: seqOf(message.body),
      startMs: call.startMs,
      endMs: call.endMs,
    }
    history.deliveries.push(delivery)
    return delivery
  }

  function careOf(): Care {
    if (!mood.careless || !random.chance(plan.carelessShare)) return 'ack'
    if (isPush) return random.pick<Care>(['change-then-drop', 'work-long', 'work-long'])
    return random.pick<Care>(['drop', 'drop', 'ack-late', 'change-then-ack', 'change-then-drop'])
  }

  async function settle(delivery: Delivery, message: Message, channel: ProxyChannel): Promise<void> {
    held += 1
    const handle = message.systemProperties?.receiptHandle ?? ''
    const poison = message.userProperties['poison'] === 'true'
    const care: Care = poison ? (isPush ? 'change-then-drop' : 'drop') : careOf()
    await session.pause(random.chance(0.8) ? random.within([0.1, 20]) : random.within([20, 4000]))
    switch (care) {
      case 'ack':
        await ack(delivery, handle, channel)
        break
      case 'work-long':
        await session.pause(random.within([40_000, 80_000]))
        await ack(delivery, handle, channel)
        break
      case 'ack-late':
        await session.pause(delivery.invisibleMs + random.within([-200, 8000]))
        await ack(delivery, handle, channel)
        break
      case 'change-then-ack': {
        const changed = await change(delivery, handle, channel, random.pick([12_000, 20_000, 30_000]))
        await session.pause(random.within([0, 9000]))
        if (changed !== undefined) await ack(delivery, changed, channel)
        break
      }
      case 'change-then-drop': {
        const asked = isPush ? (BACKOFF_MS[delivery.attempt - 1] ?? 15_000) : random.pick([0, 1000, 10_000, 20_000])
        await change(delivery, handle, channel, asked)
        break
      }
      case 'drop':
        break
    }
    held -= 1
  }

  function note(settlement: Settlement): Settlement['outcome'] {
    history.settlements.push(settlement)
    return settlement.outcome
  }

  function outcomeOf(code: Code | undefined): Settlement['outcome'] {
    if (code === Code.OK) return 'ok'
    return code === Code.INVALID_RECEIPT_HANDLE ? 'refused' : 'unknown'
  }

  async function ack(delivery: Delivery, receiptHandle: string, channel: ProxyChannel): Promise<void> {
    const attempts = isPush ? PUSH_SETTLE_ATTEMPTS_MAX : ACK_ATTEMPTS_MAX
    for (let attempt = 1; attempt <= attempts && !mood.stopped; attempt += 1) {
      const startMs = world.nowMs
      const answer = await session.ask(
        MessagingService.AckMessage,
        {
          group: resource(plan.group),
          topic: resource(plan.topic),
          entries: [{ messageId: delivery.messageId, receiptHandle }],
        },
        channel,
      )
      const outcome = note({
        deliveryId: delivery.id,
        kind: 'ack',
        startMs,
        endMs: world.nowMs,
        outcome: outcomeOf(answer?.entries[0]?.status?.code ?? codeOf(answer)),
        invisibleMs: 0,
        newPopTimeMs: undefined,
      })
      if (outcome !== 'unknown') return
      await session.pause(SETTLE_AGAIN_MS * attempt)
    }
  }

  /** The new handle, or undefined where it can not be had. */
  async function change(
    delivery: Delivery,
    receiptHandle: string,
    channel: ProxyChannel,
    invisibleMs: number,
  ): Promise<string | undefined> {
    const attempts = isPush ? PUSH_SETTLE_ATTEMPTS_MAX : 1
    for (let attempt = 1; attempt <= attempts && !mood.stopped; attempt += 1) {
      const startMs = world.nowMs
      const answer = await session.ask(
        MessagingService.ChangeInvisibleDuration,
        {
          group: resource(plan.group),
          topic: resource(plan.topic),
          receiptHandle,
          invisibleDuration: msToDuration(invisibleMs),
          messageId: delivery.messageId,
        },
        channel,
      )
      const outcome = outcomeOf(codeOf(answer))
      const renewed = outcome === 'ok' ? answer?.receiptHandle : undefined
      note({
        deliveryId: delivery.id,
        kind: 'change',
        startMs,
        endMs: world.nowMs,
        outcome,
        invisibleMs,
        newPopTimeMs: renewed === undefined ? undefined : parseReceiptHandle(renewed).popTimeMs,
      })
      if (outcome !== 'unknown') return renewed
      await session.pause(SETTLE_AGAIN_MS * attempt)
    }
    return undefined
  }

  async function roomToHold(): Promise<void> {
    if (held < HELD_MAX || mood.stopped) return
    await session.pause(100)
    return roomToHold()
  }

  async function run(): Promise<void> {
    while (!mood.stopped) {
      await refreshRoute()
      const brokerName = brokers[nextBroker % Math.max(1, brokers.length)]
      nextBroker += 1
      if (brokerName === undefined) await session.pause(RECEIVE_FAILED_PAUSE_MS)
      else await receive(brokerName)
      await roomToHold()
    }
  }

  void run()
}
