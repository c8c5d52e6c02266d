// Latencies in fixed memory: 128 steps to each power of two, so a percentile is at most 0.8 % above the truth.
// Invariant: `count` is the sum of all buckets.

/** The finest step. */
const UNIT_US = 1
const STEPS_LOG2 = 7
const STEPS = 2 ** STEPS_LOG2
/** The longest latency told apart: 2^32 µs, more than an hour. */
const POWERS = 32 - STEPS_LOG2

/** Latencies in microseconds. */
export interface LatencySummary {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly mean: number
}

export class Histogram {
  readonly #buckets = new Float64Array(STEPS * (POWERS + 1))
  #count = 0
  #sum = 0
  #max = 0

  get count(): number {
    return this.#count
  }

  /** Takes a latency in milliseconds; a negative one counts as 0. */
  record(ms: number): void {
    const units = Math.max(0, Math.round((ms * 1000) / UNIT_US))
    const at = Math.min(bucketOf(units), this.#buckets.length - 1)
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1
    this.#count += 1
    this.#sum += units
    if (units > this.#max) this.#max = units
  }

  /** The latency that `share` (0 … 1) of all do not exceed; 0 when nothing was recorded. */
  percentile(share: number): number {
    const rank = Math.ceil(share * this.#count)
    let seen = 0
    for (const [at, count] of this.#buckets.entries()) {
      seen += count
      if (count > 0 && seen >= rank) return Math.min(topOf(at) * UNIT_US, this.#max)
    }
    return 0
  }

  summary(): LatencySummary {
    return {
      p50: this.percentile(0.5),
      p90: this.percentile(0.9),
      p99: this.percentile(0.99),
      p999: this.percentile(0.999),
      max: this.#max,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
    }
  }
}

/** The first 128 values have a bucket each; above, each power of two has 128. */
function bucketOf(units: number): number {
  if (units < STEPS) return units
  const power = 31 - Math.clz32(Math.min(units, 0xffff_ffff)) - STEPS_LOG2
  const step = Math.floor(units / 2 ** power) - STEPS
  return STEPS * (power + 1) + step
}

/** The largest value of a bucket. */
function topOf(at: number): number {
  if (at < STEPS) return at
  const power = Math.floor(at / STEPS) - 1
  return (STEPS + (at % STEPS) + 1) * 2 ** power - 1
}
