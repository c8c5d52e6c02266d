// Requests that wait for a message. A waiter is woken by an event of its topic, or timed out, never both.
import { RETRY_TOPIC_PREFIX, isRetryTopic, realTopicOf } from '@rocketmq-ts/model'
import type { Scheduler, Timer } from '@rocketmq-ts/runtime'

/** Waiters of one (topic, group, queue), at most. Java: PopLongPollingService, popPollingSize. */
export const POLLING_WAITERS_PER_QUEUE_MAX = 1024
/** Waiters of a broker, at most. Java: popPollingMapSize. */
export const POLLING_WAITERS_MAX = 100_000

/** What a waiter is told, once: look again, time is over, or its connection is gone. */
export type WakeReason = 'message' | 'timeout' | 'gone'

export interface Waiter {
  readonly topic: string
  readonly group: string
  /** −1 waits for any queue of the topic. */
  readonly queueId: number
  /** Milliseconds until 'timeout'. */
  readonly pollMs: number
  /** False: a message with this tags code does not interest the waiter. */
  readonly matches: (tagsCode: number) => boolean
  /** False: it only wants to know, and another one is woken by the same message. */
  readonly takes: boolean
  /** `queueId` is the message's; −1 without one. */
  readonly wake: (reason: WakeReason, queueId: number) => void
}

/** Ends a wait from outside. */
export interface Wait {
  /** The connection is gone. */
  gone(): void
}

export interface LongPolling {
  /** Undefined when the table is full: the caller answers POLLING_FULL. After `stop` the waiter times out at once. */
  hold(waiter: Waiter): Wait | undefined
  /**
   * A message became visible. Wakes the waiters of the topic that it may interest; of a retry topic also those of its
   * group that wait for the topic itself.
   */
  messageVisible(topic: string, queueId: number, tagsCode: number): void
  /** A message was released to its group again; −1 is any queue. */
  messageReleased(topic: string, group: string, queueId: number): void
  /** The group goes on elsewhere in the topic, or may not any more: all that wait look again. */
  lookAgain(topic: string, group: string): void
  /** Times every waiter out: the broker stops. */
  stop(): void
  readonly size: number
}

interface Held {
  readonly waiter: Waiter
  readonly key: string
  timer: Timer | undefined
  ended: boolean
}

/** The waiters of a group, each line in its order. */
interface Lines {
  readonly takers: Set<Held>
  readonly askers: Set<Held>
}

/** Creates the table of waiting requests. Java: PopLongPollingService. */
export function createLongPolling(scheduler: Scheduler): LongPolling {
  const byTopic = new Map<string, Map<string, Lines>>()
  const perQueue = new Map<string, number>()
  let size = 0
  let stopped = false

  function add(held: Held): void {
    const { topic, group, takes } = held.waiter
    let groups = byTopic.get(topic)
    if (groups === undefined) byTopic.set(topic, (groups = new Map()))
    let lines = groups.get(group)
    if (lines === undefined) groups.set(group, (lines = { takers: new Set(), askers: new Set() }))
    if (takes) lines.takers.add(held)
    else lines.askers.add(held)
  }

  function remove(held: Held): void {
    const { topic, group } = held.waiter
    const groups = byTopic.get(topic)
    const lines = groups?.get(group)
    if (groups === undefined || lines === undefined) return
    lines.takers.delete(held)
    lines.askers.delete(held)
    if (lines.takers.size + lines.askers.size > 0) return
    groups.delete(group)
    if (groups.size === 0) byTopic.delete(topic)
  }

  function end(held: Held, reason: WakeReason, queueId = -1): void {
    if (held.ended) return
    held.ended = true
    held.timer?.cancel()
    size -= 1
    remove(held)
    const left = (perQueue.get(held.key) ?? 1) - 1
    if (left === 0) perQueue.delete(held.key)
    else perQueue.set(held.key, left)
    held.waiter.wake(reason, queueId)
  }

  /** One message serves all that only want to know, and the first that takes it; the others go on waiting. */
  function wake({ askers, takers }: Lines, queueId: number, interests: (waiter: Waiter) => boolean): void {
    const isFor = ({ waiter }: Held): boolean =>
      (queueId < 0 || waiter.queueId < 0 || waiter.queueId === queueId) && interests(waiter)
    for (const held of askers) if (isFor(held)) end(held, 'message', queueId)
    for (const held of takers) {
      if (!isFor(held)) continue
      end(held, 'message', queueId)
      return
    }
  }

  function released(topic: string, group: string, queueId: number): void {
    const lines = byTopic.get(topic)?.get(group)
    if (lines !== undefined) wake(lines, queueId, () => true)
  }

  /** Group and topic stand in the name, with nothing to tell where one ends: all ways to part it are tried. */
  function retryVisible(retryTopic: string): void {
    const names = retryTopic.slice(RETRY_TOPIC_PREFIX.length)
    for (let at = 1; at < names.length - 1; at += 1) {
      if (names[at] === '_' || names[at] === '+') released(names.slice(at + 1), names.slice(0, at), -1)
    }
  }

  return {
    hold(waiter) {
      if (stopped) {
        waiter.wake('timeout', -1)
        return { gone() {} }
      }
      const key = `${waiter.topic}\0${waiter.group}\0${waiter.queueId}`
      const count = perQueue.get(key) ?? 0
      if (size >= POLLING_WAITERS_MAX || count >= POLLING_WAITERS_PER_QUEUE_MAX) return undefined
      const held: Held = { waiter, key, timer: undefined, ended: false }
      held.timer = scheduler.after(waiter.pollMs, () => end(held, 'timeout'))
      perQueue.set(key, count + 1)
      size += 1
      add(held)
      return { gone: () => end(held, 'gone') }
    },
    messageVisible(topic, queueId, tagsCode) {
      for (const lines of byTopic.get(topic)?.values() ?? []) wake(lines, queueId, (waiter) => waiter.matches(tagsCode))
      if (isRetryTopic(topic)) retryVisible(topic)
    },
    messageReleased(topic, group, queueId) {
      released(topic, group, queueId)
      if (isRetryTopic(topic)) released(realTopicOf(topic, group), group, -1)
    },
    lookAgain(topic, group) {
      for (const name of new Set([topic, realTopicOf(topic, group)])) {
        const { askers = [], takers = [] } = byTopic.get(name)?.get(group) ?? {}
        for (const held of [...askers, ...takers]) end(held, 'message')
      }
    },
    stop() {
      stopped = true
      for (const groups of byTopic.values()) {
        for (const { takers, askers } of groups.values()) {
          for (const held of [...askers, ...takers]) end(held, 'timeout')
        }
      }
    },
    get size() {
      return size
    },
  }
}
