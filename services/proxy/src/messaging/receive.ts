// Receiving: pop from one broker until something comes or the time is over. Everything popped is either delivered,
// acknowledged because its tag does not match, or released soon when the client is gone. A broker that is away is no
// failure of the call: it is asked again, or another one, until the time is over.
import { formatReceiptHandle, MqError } from '@rocketmq-ts/model'
import type { MessageFilter } from '@rocketmq-ts/filter'
import type { Clock, Random, Scheduler } from '@rocketmq-ts/runtime'
import {
  type Delivery,
  isAway,
  type MessageReceiver,
  type PopOutcome,
  type PoppedMessage,
  type TopicRoute,
} from '../upstream/upstream.ts'
import { paced, pause } from '../waiting.ts'
import type { BrokerClocks } from './broker-clocks.ts'
import { AVOID_MS, type BrokerHealth } from './broker-health.ts'
import type { Renewals } from './renewals.ts'
import { readableBrokers, type Topics } from './topics.ts'

/** Pause before asking a broker again that answered 'nothing' early: without it an early answer becomes a hot loop. */
const EARLY_ANSWER_PAUSE_MS = 200
/** Pauses after a broker that was away: the first, and the longest. */
const AWAY_PAUSE_MS = 100
const AWAY_PAUSE_MS_MAX = 1000
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
  readonly filter: MessageFilter
  readonly invisibleMs: number
  /** Monotonic time at which 'none' is answered at the latest. */
  readonly untilMs: number
  /** The proxy prolongs the invisible time until the client acknowledges. */
  readonly renew: boolean
  readonly attemptId: string
  /** The group consumes in order. */
  readonly inOrder: boolean
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
  readonly health: BrokerHealth
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  readonly releaseMs: number
  /** A pop got no answer: what it may have popped comes again when its invisible time is over. */
  readonly onUnanswered: (request: ReceiveRequest, brokerName: string, waitedMs: number, error: unknown) => void
  /** A popped message could not be settled; it comes again when its invisible time is over. */
  readonly onUnsettled: (delivery: Delivery, error: unknown) => void
  /** No room for more messages to renew. */
  readonly onFull: () => void
}

/** Creates it. Nothing is under way. */
export function createReceive(deps: ReceiveDeps): Receive {
  const { topics, receiver, renewals, clocks, health, clock, scheduler, random, releaseMs } = deps
  const { onUnanswered, onUnsettled, onFull } = deps

  /** The broker of this name; another one where it is not in the route, or does not answer while others do. */
  function brokerOf(route: TopicRoute, brokerName: string): string {
    const brokers = readableBrokers(route)
    const answering = brokers.filter((broker) => !health.isAvoided(broker.brokerName))
    const candidates = answering.length > 0 ? answering : brokers
    if (candidates.some((broker) => broker.brokerName === brokerName)) return brokerName
    const any = candidates[candidates.length > 1 ? random.integer(candidates.length) : 0]
    if (any === undefined) throw new MqError('no-permission', `topic '${route.topic}' has no readable queue`)
    return any.brokerName
  }

  /** 'away' where the broker did not answer as one that works does. */
  async function popFrom(
    brokerName: string,
    request: ReceiveRequest,
    pollMs: number,
  ): Promise<PopOutcome | { readonly kind: 'away' }> {
    const { clientId, group, topic, batchSize, invisibleMs, filter, attemptId, inOrder } = request
    const wanted = { clientId, brokerName, group, topic, batchSize, invisibleMs, pollMs, filter, attemptId, inOrder }
    const startMs = clock.monotonicMs()
    try {
      const outcome = await receiver.pop(wanted)
      health.answered(brokerName)
      return outcome
    } catch (error) {
      onUnanswered(request, brokerName, clock.monotonicMs() - startMs, error)
      if (!isAway(error)) throw error
      health.failed(brokerName, error)
      return { kind: 'away' }
    }
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

  /** Only tags that match by text; codes of different tags may be equal, so Apache's brokers let some others through. */
  function keepMatching(request: ReceiveRequest, messages: readonly PoppedMessage[]): readonly PoppedMessage[] {
    const { filter, group, topic } = request
    if (filter.all || filter.readsRecords) return messages
    const matching = messages.filter(({ properties }) => filter.matches((name) => properties.get(name)))
    if (matching.length === messages.length) return messages
    const others = messages.filter((message) => !matching.includes(message))
    const deliveries = others.map(({ handle }): Delivery => ({ group, topic, handle }))
    receiver.ack(deliveries).catch((error: unknown) => {
      for (const delivery of deliveries) onUnsettled(delivery, error)
    })
    return matching
  }

  function full(): MqError {
    onFull()
    return new MqError('busy', 'this proxy renews as many unacknowledged messages as it may: acknowledge some first')
  }

  async function receive(request: ReceiveRequest, signal: AbortSignal): Promise<ReceiveOutcome> {
    const { group, topic, batchSize, untilMs, renew, clientId } = request
    if (renew && !renewals.hasRoom(batchSize)) throw full()
    let awayPauseMs = AWAY_PAUSE_MS
    while (!signal.aborted) {
      const brokerName = brokerOf(await topics.route(topic), request.brokerName)
      // Another broker only stands in: the one that was asked for is looked at again when it may be back.
      const pollMsMax = brokerName !== request.brokerName && health.isAvoided(request.brokerName) ? AVOID_MS : Infinity
      const pollMs = Math.min(Math.max(untilMs - clock.monotonicMs(), 0), pollMsMax)
      const outcome = await popFrom(brokerName, request, pollMs)
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
          // Other polls that waited too may have taken the room.
          if (!renewals.hasRoom(messages.length)) {
            await release(request, messages)
            throw full()
          }
          for (const { handle, reconsumeTimes } of messages) {
            renewals.hold(clientId, { group, topic, handle }, reconsumeTimes + 1)
          }
        }
        return { kind: 'found', messages }
      }
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs < HOLD_MIN_MS) break
      if (outcome.kind === 'none') await pause(scheduler, Math.min(leftMs, EARLY_ANSWER_PAUSE_MS), signal)
      if (outcome.kind === 'away') {
        await pause(scheduler, Math.min(leftMs, awayPauseMs), signal)
        awayPauseMs = Math.min(2 * awayPauseMs, AWAY_PAUSE_MS_MAX)
      }
    }
    return { kind: 'none' }
  }

  return { receive, release }
}
