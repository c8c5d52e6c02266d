// What was asked of the broker and is not answered yet, and what the answers were. A broker that ends answers nobody.
import { MqError } from '@rocketmq-ts/model'
import type { Prng } from '../sim/index.ts'
import type { BrokerHost } from './broker-host.ts'
import type { Model } from './model.ts'
import type { StorePlan } from './store-plan.ts'
import type { Verdict } from './verdict.ts'

/** Operations are given up after this time of the world. */
export const TIMEOUT_MS = 60_000

export const OPERATIONS = [
  'send',
  'pop',
  'ack',
  'change',
  'topic',
  'group',
  'offsets',
  'reset',
  'query',
  'recall',
  'end',
] as const
export type OperationName = (typeof OPERATIONS)[number]

export interface OperationDeps {
  readonly plan: StorePlan
  readonly host: BrokerHost
  readonly model: Model
  readonly random: Prng
  readonly verdict: Verdict
  /** Told about each answer, for a look into a run. */
  readonly tell?: ((line: string) => void) | undefined
}

export class Tracking {
  readonly counts = Object.fromEntries(OPERATIONS.map((name) => [name, 0])) as Record<OperationName, number>
  /** Answers by what they were, and what was refused. */
  readonly outcomes = new Map<string, number>()
  /** Topics and groups with a change under way: nothing else is asked of them. */
  readonly changing = new Set<string>()
  readonly #deps: OperationDeps
  #open = 0

  constructor(deps: OperationDeps) {
    this.#deps = deps
  }

  /** Asked and not answered yet. */
  get open(): number {
    return this.#open
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }

  /** The broker ended: whoever waits hears nothing any more. */
  ended(): void {
    this.#open = 0
    this.changing.clear()
  }

  track(name: OperationName, work: Promise<unknown>): void {
    const { host, verdict } = this.#deps
    this.counts[name] += 1
    this.#open += 1
    const life = host.life
    const over = (outcome: string): void => {
      if (host.life !== life || life.end !== undefined) return
      this.#open -= 1
      const key = `${name} ${outcome}`
      this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1)
    }
    work.then(
      () => over('ok'),
      (error: unknown) => {
        const code = error instanceof MqError ? error.code : 'failed'
        // Of an error without a code of its own only the disk may be the cause.
        const isDisk = String(error).includes('injected')
        if ((code === 'internal' && !isDisk) || code === 'failed') verdict.add('answer', `${name}: ${String(error)}`)
        over(code)
      },
    )
  }

  tell(line: string): void {
    const { tell, host } = this.#deps
    tell?.(`life ${host.lives.length}, ${host.world.nowMs.toFixed(1)} ms: ${line}`)
  }
}
