// Receiving: pop from one broker until something comes or the time is over. Everything popped is either delivered,
// acknowledged because its tag does not match, or released soon when the client is gone.
import { formatReceiptHandle, MqError, PropertyName } from '@rocketmq-ts/model'
import type { TagFilter } from '@rocketmq-ts/filter'
import type { Clock, Random, Scheduler } from '@rocketmq-ts/runtime'
import type { Delivery, MessageReceiver, PoppedMessage, TopicRoute } from '../upstream/upstream.ts'
import { paced, pause } from '../waiting.ts'
import type { BrokerClocks } from './broker-clocks.ts'
import type { Renewals } from './renewals.ts'
import { readableBrokers, type Topics } from './topics.ts'

/** Pause before asking a broker again that answered 'nothing' early: without it an early answer becomes a hot loop. */
const EARLY_ANSWER_PAUSE_MS = 200
/** Brokers are not asked to hold a request for less than this. */
const HOLD_MIN_MS = 10
/** Acks and releases under way at the same time for one receive. */
const SETTLES_MAX = 16

export interface ReceiveRequest {
  readonly clientId: string
  readonly group: string
  readonly topic: string
  /** The broker of the client's queue; any readable one where it is '' or unknown. */
  readonly brokerName: string
  readonly batchSize: number
  readonly filter: TagFilter
  readonly tagExpression: string
  readonly invisibleMs: number
  /** Monotonic time at which 'none' is answered at the latest. */
  readonly untilMs: number
  /** The proxy prolongs the invisible time until the client acknowledges. */
  readonly renew: boolean
  readonly attemptId: string
}

export type ReceiveOutcome =
  | { readonly kind: 'found'; readonly messages: readonly PoppedMessage[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'polling-full' }

export interface Receive {
  /** Ends early with 'none' when `signal` aborts; what arrives afterwards is released. */
  receive(request: ReceiveRequest, signal: AbortSignal): Promise<ReceiveOutcome>
  /** The client did not get these: visible again after the release time. */
  release(request: ReceiveRequest, messages: readonly PoppedMessage[]): Promise<void>
}

export interface ReceiveDeps {
  readonly topics: Topics
  readonly receiver: MessageReceiver
  readonly renewals: Renewals
  readonly clocks: Pick<BrokerClocks, 'popped'>
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  readonly releaseMs: number
  /** A popped message could not be settled; it comes again when its invisible time is over. */
  readonly onUnsettled: (delivery: Delivery, error: unknown) => void
  /** No room for more messages to renew. */
  readonly onFull: () => void
}

export function createReceive(deps: ReceiveDeps): Receive {
  const { topics, receiver, renewals, clocks, clock, scheduler, random, releaseMs, onUnsettled, onFull } = deps

  function brokerOf(route: TopicRoute, brokerName: string): string {
    const brokers = readableBrokers(route)
    if (brokers.some((broker) => broker.brokerName === brokerName)) return brokerName
    const any = brokers[brokers.length > 1 ? random.integer(brokers.length) : 0]
    if (any === undefined) throw new MqError('no-permission', `topic '${route.topic}' has no readable queue`)
    return any.brokerName
  }

  async function release({ group, topic }: ReceiveRequest, messages: readonly PoppedMessage[]): Promise<void> {
    await paced(messages, SETTLES_MAX, async ({ handle }) => {
      const delivery = { group, topic, handle }
      const held = renewals.find(group, topic, formatReceiptHandle(handle))
      if (held !== undefined) renewals.settle(held)
      try {
        await receiver.changeInvisible(delivery, releaseMs)
      } catch (error) {
        onUnsettled(delivery, error)
      }
    })
  }

  /** Only what matches by text; codes of different tags may be equal, so brokers let some others through. */
  function keepMatching(request: ReceiveRequest, messages: readonly PoppedMessage[]): readonly PoppedMessage[] {
    const { filter, group, topic } = request
    if (filter.all) return messages
    const matching = messages.filter(({ properties }) => filter.matchesTag(properties.get(PropertyName.TAGS)))
    if (matching.length === messages.length) return messages
    const others = messages.filter((message) => !matching.includes(message))
    const deliveries = others.map(({ handle }): Delivery => ({ group, topic, handle }))
    receiver.ack(deliveries).catch((error: unknown) => {
      for (const delivery of deliveries) onUnsettled(delivery, error)
    })
    return matching
  }

  async function receive(request: ReceiveRequest, signal: AbortSignal): Promise<ReceiveOutcome> {
    const { group, topic, batchSize, invisibleMs, tagExpression, attemptId, untilMs, renew, clientId } = request
    if (renew && !renewals.hasRoom(batchSize)) {
      onFull()
      throw new MqError('busy', 'this proxy renews as many unacknowledged messages as it may: acknowledge some first')
    }
    const brokerName = brokerOf(await topics.route(topic), request.brokerName)
    while (!signal.aborted) {
      const pollMs = Math.max(untilMs - clock.monotonicMs(), 0)
      const outcome = await receiver.pop({
        brokerName,
        group,
        topic,
        batchSize,
        invisibleMs,
        pollMs,
        tagExpression,
        attemptId,
      })
      if (outcome.kind === 'polling-full') return outcome
      const popped = outcome.kind === 'found' ? outcome.messages : []
      if (popped[0] !== undefined) clocks.popped(brokerName, popped[0].handle.popTimeMs)
      const messages = keepMatching(request, popped)
      if (signal.aborted) {
        await release(request, messages)
        break
      }
      if (messages.length > 0) {
        if (renew) {
          for (const { handle, reconsumeTimes } of messages) {
            renewals.hold(clientId, { group, topic, handle }, reconsumeTimes + 1)
          }
        }
        return { kind: 'found', messages }
      }
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs < HOLD_MIN_MS) break
      if (outcome.kind === 'none') await pause(scheduler, Math.min(leftMs, EARLY_ANSWER_PAUSE_MS), signal)
    }
    return { kind: 'none' }
  }

  return { receive, release }
}
