// Deliveries that the proxy keeps invisible while a push consumer works on them. The client only knows the first
// handle; here is the one that is live. Invariant: a held delivery is in its client's set and, unless a change of it
// is under way or due, in the wheel; at most `limits.heldMax` are held.
// Java: DefaultReceiptHandleManager, RenewEvent. Renewals are driven by deadlines instead of a scan.
import { formatReceiptHandle, MqError, type ReceiptHandle } from '@rocketmq-ts/model'
import type { Clock, Scheduler } from '@rocketmq-ts/runtime'
import { createDeadlineWheel, NO_BUCKET, type WheelItem } from '../deadline-wheel.ts'
import type { Delivery, GroupLookup, MessageReceiver } from '../upstream/upstream.ts'
import { paced } from '../waiting.ts'
import { DEFAULT_GROUP, retryDelayMs } from './retry-delays.ts'

const MINUTE = 60_000
/** Invisible time by number of renewals; the last one repeats. */
export const RENEWAL_STEPS_MS: readonly number[] = [1, 3, 5, 10, 30, 60].map((minutes) => minutes * MINUTE)
/** Pause after a failed renewal. */
const RETRY_AFTER_MS = 2000
/** Renewals, and releases, on their way to one broker at the same time: one that hangs holds up no other. */
const CHANGES_MAX = 64

export interface RenewalLimits {
  readonly heldMax: number
  readonly firstInvisibleMs: number
  readonly renewAheadMs: number
  readonly renewMaxMs: number
  readonly failuresMax: number
  /** Invisible time of what a gone client held. */
  readonly releaseMs: number
}

/** One delivery under renewal. */
export interface Held extends WheelItem {
  readonly clientId: string
  readonly group: string
  readonly topic: string
  readonly key: string
  readonly heldSinceMs: number
  readonly attempt: number
  /** The live handle. */
  handle: ReceiptHandle
  renewals: number
  failures: number
  /** Settles when the renewal under way is through; the handle is only trustworthy afterwards. */
  renewing: Promise<void> | undefined
  /** The client's own change is on its way: no renewal may overtake it. */
  settling: boolean
  settled: boolean
}

/** What is due at one broker, the oldest first. */
interface Lane {
  readonly due: Set<Held>
  changing: number
}

export interface Renewals {
  /** Whether so many more deliveries may be held; asked before they are popped, and before they are held. */
  hasRoom(count: number): boolean
  hold(clientId: string, delivery: Delivery, attempt: number): void
  /** The held delivery whose first handle is this text; undefined when the proxy does not hold it. */
  find(group: string, topic: string, handleText: string): Held | undefined
  /** Stops renewing and gives the live handle. `settle` or `resume` follows. */
  beginSettle(held: Held): Promise<ReceiptHandle>
  /** The delivery was acknowledged or handed to the client's own timing: it is no longer held. */
  settle(held: Held): void
  /** It could not be settled: renewing goes on. */
  resume(held: Held): void
  /** Everything the client holds becomes visible soon. */
  releaseClient(clientId: string): Promise<void>
  releaseAll(): Promise<void>
  readonly size: number
}

export interface RenewalsDeps {
  readonly receiver: Pick<MessageReceiver, 'changeInvisible'>
  readonly groups: GroupLookup
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly limits: RenewalLimits
  /** A held delivery was given up and comes again when its time is over. */
  readonly onLost: (held: Held, error: unknown) => void
  /** What became of one attempt to renew: 'given-back' was held for too long. */
  readonly onRenewal?: (result: RenewalResult) => void
}

export type RenewalResult = 'renewed' | 'failed' | 'lost' | 'given-back'

export function createRenewals(deps: RenewalsDeps): Renewals {
  const { receiver, groups, clock, scheduler, limits, onLost, onRenewal } = deps
  const byKey = new Map<string, Held>()
  const byClient = new Map<string, Set<Held>>()
  /** By broker name, those with something due. */
  const lanes = new Map<string, Lane>()
  const wheel = createDeadlineWheel<Held>({
    clock,
    scheduler,
    onDue(items) {
      for (const held of items) {
        const { brokerName } = held.handle
        let lane = lanes.get(brokerName)
        if (lane === undefined) lanes.set(brokerName, (lane = { due: new Set(), changing: 0 }))
        lane.due.add(held)
      }
      for (const [brokerName, lane] of lanes) pump(brokerName, lane)
    },
  })

  function pump(brokerName: string, lane: Lane): void {
    for (const held of lane.due) {
      if (lane.changing >= CHANGES_MAX) return
      lane.due.delete(held)
      lane.changing += 1
      const over = clock.monotonicMs() - held.heldSinceMs >= limits.renewMaxMs
      held.renewing = (over ? giveBack(held) : renew(held)).finally(() => {
        held.renewing = undefined
        lane.changing -= 1
        pump(brokerName, lane)
      })
    }
    if (lane.changing === 0) lanes.delete(brokerName)
  }

  async function renew(held: Held): Promise<void> {
    const step = RENEWAL_STEPS_MS[Math.min(held.renewals, RENEWAL_STEPS_MS.length - 1)] ?? MINUTE
    try {
      held.handle = await receiver.changeInvisible(held, step)
      held.renewals += 1
      held.failures = 0
      onRenewal?.('renewed')
      schedule(held, step - limits.renewAheadMs)
    } catch (error) {
      held.failures += 1
      const gone = error instanceof MqError && error.code === 'handle-invalid'
      if (held.settled) return
      if (gone || held.failures >= limits.failuresMax) {
        settle(held)
        onRenewal?.('lost')
        onLost(held, error)
      } else {
        onRenewal?.('failed')
        schedule(held, RETRY_AFTER_MS)
      }
    }
  }

  function schedule(held: Held, delayMs: number): void {
    if (!held.settled && !held.settling) wheel.put(held, clock.monotonicMs() + delayMs)
  }

  /** Too long under way: as if the client had asked for the next attempt. */
  async function giveBack(held: Held): Promise<void> {
    settle(held)
    onRenewal?.('given-back')
    try {
      const group = (await groups.groupSettings(held.group, held.topic)) ?? DEFAULT_GROUP
      await receiver.changeInvisible(held, retryDelayMs(group.retryPolicy, held.attempt))
    } catch (error) {
      onLost(held, error)
    }
  }

  /** It is not renewed by itself any more. */
  function unschedule(held: Held): void {
    wheel.take(held)
    lanes.get(held.handle.brokerName)?.due.delete(held)
  }

  function settle(held: Held): void {
    if (held.settled) return
    held.settled = true
    unschedule(held)
    byKey.delete(held.key)
    const siblings = byClient.get(held.clientId)
    siblings?.delete(held)
    if (siblings?.size === 0) byClient.delete(held.clientId)
  }

  async function release(held: Held): Promise<void> {
    if (held.settled || held.settling) return
    settle(held)
    await held.renewing
    try {
      await receiver.changeInvisible(held, limits.releaseMs)
    } catch (error) {
      onLost(held, error)
    }
  }

  async function releaseEach(all: Iterable<Held>): Promise<void> {
    const byBroker = Map.groupBy(all, ({ handle }) => handle.brokerName)
    await Promise.all(Array.from(byBroker.values(), (ofBroker) => paced(ofBroker, CHANGES_MAX, release)))
  }

  return {
    hasRoom: (count) => byKey.size + count <= limits.heldMax,
    hold(clientId, { group, topic, handle }, attempt) {
      const now = clock.monotonicMs()
      const key = keyOf(group, topic, formatReceiptHandle(handle))
      const held: Held = {
        clientId,
        group,
        topic,
        key,
        heldSinceMs: now,
        attempt,
        handle,
        renewals: 0,
        failures: 0,
        renewing: undefined,
        settling: false,
        settled: false,
        bucket: NO_BUCKET,
      }
      byKey.set(key, held)
      let siblings = byClient.get(clientId)
      if (siblings === undefined) {
        siblings = new Set()
        byClient.set(clientId, siblings)
      }
      siblings.add(held)
      wheel.put(held, now + limits.firstInvisibleMs - limits.renewAheadMs)
    },
    find: (group, topic, handleText) => byKey.get(keyOf(group, topic, handleText)),
    async beginSettle(held) {
      held.settling = true
      unschedule(held)
      await held.renewing
      return held.handle
    },
    settle,
    resume(held) {
      held.settling = false
      schedule(held, RETRY_AFTER_MS)
    },
    releaseClient: (clientId) => releaseEach(byClient.get(clientId) ?? []),
    async releaseAll() {
      await releaseEach(byKey.values())
      wheel.clear()
    },
    get size() {
      return byKey.size
    },
  }
}

/** A handle names broker, queue, offset and pop time, but neither topic nor group. */
function keyOf(group: string, topic: string, handleText: string): string {
  return `${group}\0${topic}\0${handleText}`
}
