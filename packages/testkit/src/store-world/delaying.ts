// Messages to be had later: which delay each gets, and recalls of those that wait.
import { DELAY_LEVELS_TEXT, MqError, parseDelayLevels, PropertyName } from '@rocketmq-ts/model'
import type { Prng } from '../sim/index.ts'
import { BROKER_ADDRESS } from './broker-host.ts'
import { nameOf } from './message-names.ts'
import type { TopicModel } from './model.ts'
import { type OperationDeps, TIMEOUT_MS, type Tracking } from './tracking.ts'
import { type Wait, waitOf } from './wait.ts'
import { isSurelyPending, waitingIn, type WaitingMessage } from './waiting.ts'

const SECOND_MS = 1000
const HOUR_MS = 3_600_000
const LEVELS_MS = parseDelayLevels(DELAY_LEVELS_TEXT)
/** Most come while the broker lives, some after a jump of the clock. */
const LEVELS = [1, 1, 1, 2, 2, 3, 4, 14, 18, 30] as const
/** Longest times of their own. */
const TIMES_MS = [5, 50, 50, 3 * SECOND_MS, 3 * SECOND_MS, 20 * SECOND_MS, HOUR_MS, 30 * HOUR_MS, 39 * 24 * HOUR_MS]
/** Times that are asked for alike: what is due together is delivered together. */
const ROUND_MS = 500
/** The broker's clock shows whole milliseconds. */
const CLOCK_MS = 1

/** A delay as a message asks for it. */
export interface Delay {
  readonly wait: Wait
  /** Those that ask for it. */
  readonly properties: readonly (readonly [name: string, value: string])[]
}

/** Draws a delay of a message that is sent now. */
export function drawDelay(random: Prng, nowMs: number): Delay {
  if (random.chance(0.35)) {
    const level = random.pick(LEVELS)
    const delayMs = LEVELS_MS[Math.min(level, LEVELS_MS.length) - 1]!
    return {
      wait: waitOf('level', Math.floor(nowMs) - CLOCK_MS + delayMs),
      properties: [[PropertyName.DELAY, String(level)]],
    }
  }
  const delayMs = 1 + random.integer(random.pick(TIMES_MS))
  const exactMs = Math.floor(nowMs) + delayMs
  const dueMs = random.chance(0.3) ? Math.ceil(exactMs / ROUND_MS) * ROUND_MS : exactMs
  const wait = waitOf('time', dueMs)
  if (random.chance(0.7)) return { wait, properties: [[PropertyName.TIMER_DELIVER_MS, String(dueMs)]] }
  return {
    wait: waitOf('time', Math.floor(nowMs) - CLOCK_MS + delayMs),
    properties: [[PropertyName.TIMER_DELAY_MS, String(delayMs)]],
  }
}

export class Recalls {
  readonly #deps: OperationDeps
  readonly #tracking: Tracking

  constructor(deps: OperationDeps, tracking: Tracking) {
    this.#deps = deps
    this.#tracking = tracking
  }

  /** One of those that wait, or of those that no longer do. */
  next(): void {
    const { model, random } = this.#deps
    const { changing } = this.#tracking
    const known = waitingIn(model).filter(
      ({ wait, topic }) => wait.recallHandle !== undefined && !wait.isAsked && !changing.has(topic),
    )
    if (known.length > 0) this.#tracking.track('recall', this.#recall(random.pick(known)))
  }

  async #recall(message: WaitingMessage): Promise<void> {
    const { host, verdict } = this.#deps
    const { wait, topic } = message
    const { recallHandle = '', over: before } = wait
    wait.isAsked = true
    if (before === undefined) wait.over = { by: 'recall', isSure: false, end: host.log.written }
    const life = host.life
    host.purpose = 'messages'
    try {
      const result = await host.client.recall(BROKER_ADDRESS, { topic, recallHandle }, { timeoutMs: TIMEOUT_MS })
      wait.isAsked = false
      if (result.kind === 'recalled') {
        wait.over = { by: 'recall', isSure: true, end: host.log.written }
        this.#tracking.tell(`message ${message.id} recalled, end ${host.log.written}`)
        return
      }
      if (before !== undefined) return
      wait.over = undefined
      if (isSurelyPending(message, host.machine.nowMs) && !host.life.areTimersOver && life === host.life)
        verdict.add('recall', `${nameOf(message)} is due at ${wait.dueMs} only, and was not recalled: ${result.reason}`)
    } catch (error) {
      wait.isAsked = false
      if (error instanceof MqError && error.code === 'busy' && before === undefined) wait.over = undefined
      throw error
    }
  }
}

/** The topic goes, and what waits for it. */
export function dropWaits(deps: OperationDeps, topic: TopicModel): () => void {
  const { model, host } = deps
  const dropped = waitingIn(model).filter((message) => message.topic === topic.name)
  const overs = dropped.map(({ wait }) => {
    if (wait.over?.isSure !== true) wait.over = { by: 'deletion', isSure: false, end: host.log.written }
    return wait.over
  })
  return () => {
    for (const over of overs) {
      if (over.isSure) continue
      over.isSure = true
      over.end = host.log.written
    }
  }
}
