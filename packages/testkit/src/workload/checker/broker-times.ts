// When a broker may forget, and what its clock said. Pops, acknowledgements and changes of the invisible time are
// answered when they are written, not when they are synced. So they may be lost, and only then:
//   - by a power loss, when they were answered less than one flush before it
//   - when the log refuses (a write or a sync failed): from then on they are in memory only, until the process ends
import type { Life } from '../../cluster/service-node.ts'
import type { Delivery } from '../history.ts'

/** Longest time without a sync that nobody asked for. Java: flushIntervalCommitLog. */
const FLUSH_INTERVAL_MS = 500
/** Timers that fire late, answers on their way. */
const SLACK_MS = 500

interface Interval {
  readonly startMs: number
  readonly endMs: number
}

/** Bounds of broker clock − world time, in one life. */
interface ClockBounds {
  lowMs: number
  highMs: number
}

export class BrokerTimes {
  readonly #lives: readonly Life[]
  readonly #lossy: readonly Interval[]
  readonly #clocks = new Map<Life, ClockBounds>()

  constructor(lives: readonly Life[], deliveries: readonly Delivery[], syncMsMax: number) {
    this.#lives = lives
    this.#lossy = lives.flatMap((life) => lossyTimes(life, FLUSH_INTERVAL_MS + 2 * syncMsMax + SLACK_MS))
    for (const { startMs, endMs, popTimeMs } of deliveries) {
      const life = this.#lifeOf(startMs, endMs)
      if (life === undefined) continue
      const clock = this.#clocks.get(life) ?? { lowMs: -Infinity, highMs: Infinity }
      clock.lowMs = Math.max(clock.lowMs, popTimeMs - endMs)
      clock.highMs = Math.min(clock.highMs, popTimeMs - startMs)
      this.#clocks.set(life, clock)
    }
  }

  /** Whether what was answered in this time may be forgotten. */
  isVolatile({ startMs, endMs }: Interval): boolean {
    return this.#lossy.some((lossy) => startMs <= lossy.endMs && endMs >= lossy.startMs)
  }

  /** The earliest that the broker's clock showed when the call began; undefined where it is not known. */
  earliest({ startMs, endMs }: Interval): number | undefined {
    const life = this.#lifeOf(startMs, endMs)
    const clock = life === undefined ? undefined : this.#clocks.get(life)
    return clock === undefined ? undefined : startMs + clock.lowMs
  }

  /**
   * The latest that the broker's clock showed from the delivery to the end of what was done about it; undefined where
   * it is not known. A clock that is set back while the broker is down showed its latest in the life before.
   */
  latest(delivery: Interval, { startMs, endMs }: Interval): number | undefined {
    if (this.#lifeOf(startMs, endMs) === undefined) return undefined
    let latestMs = -Infinity
    for (const life of this.#lives) {
      const untilMs = Math.min(life.endedMs ?? Infinity, endMs)
      if (untilMs < delivery.startMs || life.startedMs > endMs) continue
      const clock = this.#clocks.get(life)
      if (clock === undefined) return undefined
      latestMs = Math.max(latestMs, untilMs + clock.highMs)
    }
    return latestMs
  }

  /** Lives whose pop times no single clock can have given, with the contradiction in milliseconds. */
  contradictions(): { readonly startedMs: number; readonly byMs: number }[] {
    return [...this.#clocks]
      .map(([{ startedMs }, { lowMs, highMs }]) => ({ startedMs, byMs: lowMs - highMs }))
      .filter(({ byMs }) => byMs > 0)
  }

  /** The life in which the whole time lies. */
  #lifeOf(startMs: number, endMs: number): Life | undefined {
    return this.#lives.find((life) => life.startedMs <= startMs && endMs <= (life.endedMs ?? Infinity))
  }
}

function lossyTimes({ end, endedMs, refusedMs }: Life, flushMs: number): Interval[] {
  const endMs = endedMs ?? Infinity
  const fromMs = Math.min(refusedMs ?? Infinity, end === 'power-lost' ? endMs : Infinity)
  if (fromMs === Infinity) return []
  return [{ startMs: fromMs - (end === 'power-lost' ? flushMs : SLACK_MS), endMs }]
}
