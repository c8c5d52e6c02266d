// Where every message of a queue stands for a group: a count and a digest per bucket, each moved by its own transitions.
// Invariant: all buckets and the waiting range together are [0, max); `report` says so without trusting the entries.
import { BUCKETS } from './api.ts'
import type { Bucket, LedgerReport, OffsetRange } from './api.ts'
import {
  addDigest,
  lowestBit,
  multiplyDigest,
  popCount,
  prefixSquares,
  prefixSum,
  squareDigest,
  subtractDigest,
} from './digest.ts'
import { BLOCK } from './entries.ts'
import type { Windows } from './windows.ts'

/** Positions of the buckets in `BUCKETS`. */
export const BucketId = Object.freeze(
  Object.fromEntries(BUCKETS.map((name, id) => [name, id])) as Record<Bucket, number>,
)

/** Count, Σ offset and Σ offset² of a set of offsets. */
export interface Tally {
  count: number
  sum: number
  squares: number
}

const FIELDS = 3
/** Below, all terms of a mask's tally stay under 2^52 without reduction. */
const PLAIN_BASE_MAX = 2 ** 23

/** Buckets a clamp takes vanished settled messages from, the likeliest first. */
const CLAMP_ORDER: readonly Bucket[] = [
  'acked',
  'filtered',
  'dead',
  'expired',
  'damaged',
  'skipped',
  'scheduled',
  'recalled',
  'rolledBack',
  'deleted',
  'beforeStart',
]

/** Takes one tally out of another. */
export function subtractTally(from: Tally, tally: Tally): void {
  from.count -= tally.count
  from.sum = subtractDigest(from.sum, tally.sum)
  from.squares = subtractDigest(from.squares, tally.squares)
}

/** The tally of [from, to). */
export function tallyOfRange(from: number, to: number): Tally {
  return {
    count: to - from,
    sum: subtractDigest(prefixSum(to), prefixSum(from)),
    squares: subtractDigest(prefixSquares(to), prefixSquares(from)),
  }
}

/** The tally of the offsets base + i for the bits i of the mask. `into` is filled, not added to. */
export function tallyOfMask(base: number, mask: number, into: Tally): Tally {
  let bits = 0
  let bitSquares = 0
  if (mask === -1) {
    bits = 496
    bitSquares = 10_416
  } else {
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      const bit = lowestBit(rest)
      bits += bit
      bitSquares += bit * bit
    }
  }
  const count = popCount(mask)
  into.count = count
  if (base < PLAIN_BASE_MAX) {
    into.sum = base * count + bits
    into.squares = base * base * count + 2 * base * bits + bitSquares
    return into
  }
  into.sum = addDigest(multiplyDigest(base, count), bits)
  into.squares = addDigest(
    addDigest(multiplyDigest(squareDigest(base), count), multiplyDigest(base, 2 * bits)),
    bitSquares,
  )
  return into
}

/** The tally of live entries as the entries themselves say, to compare with. */
export interface LiveTally {
  readonly ready: Tally
  readonly inFlight: Tally
}

export class Ledger {
  /** Count, sum, squares of bucket 0, then of bucket 1, … */
  readonly values = new Float64Array(BUCKETS.length * FIELDS)
  readonly #scratch: Tally = { count: 0, sum: 0, squares: 0 }

  add(bucket: number, tally: Tally): void {
    const at = bucket * FIELDS
    const { values } = this
    values[at] = values[at]! + tally.count
    values[at + 1] = addDigest(values[at + 1]!, tally.sum)
    values[at + 2] = addDigest(values[at + 2]!, tally.squares)
  }

  remove(bucket: number, tally: Tally): void {
    const at = bucket * FIELDS
    const { values } = this
    values[at] = values[at]! - tally.count
    values[at + 1] = subtractDigest(values[at + 1]!, tally.sum)
    values[at + 2] = subtractDigest(values[at + 2]!, tally.squares)
  }

  addMask(bucket: number, base: number, mask: number): void {
    this.add(bucket, tallyOfMask(base, mask, this.#scratch))
  }

  removeMask(bucket: number, base: number, mask: number): void {
    this.remove(bucket, tallyOfMask(base, mask, this.#scratch))
  }

  /** From one bucket to another, as two transitions of their own. */
  moveMask(from: number, to: number, base: number, mask: number): void {
    const tally = tallyOfMask(base, mask, this.#scratch)
    this.remove(from, tally)
    this.add(to, tally)
  }

  addRange(bucket: number, from: number, to: number): void {
    if (to > from) this.add(bucket, tallyOfRange(from, to))
  }

  removeRange(bucket: number, from: number, to: number): void {
    if (to > from) this.remove(bucket, tallyOfRange(from, to))
  }

  /**
   * Takes settled messages out that no longer exist. Which bucket each of them was in is not known: the counts come off
   * the likeliest ones, the digest off the first, so that the whole stays exact.
   */
  removeVanished(tally: Tally): void {
    let rest = tally.count
    for (const name of CLAMP_ORDER) {
      const at = BucketId[name] * FIELDS
      const share = Math.min(rest, this.values[at]!)
      this.values[at] = this.values[at]! - share
      rest -= share
    }
    this.remove(BucketId.acked, { count: rest, sum: tally.sum, squares: tally.squares })
  }

  /** Visited by a pop and not claimed: damaged where said so, else filtered. */
  addPassed(visited: OffsetRange, claimed: Windows, damaged: readonly OffsetRange[]): void {
    const passed = tallyOfRange(visited.from, visited.to)
    for (let at = 0; at < claimed.count; at += 1) {
      subtractTally(passed, tallyOfMask(claimed.blocks[at]! * BLOCK, claimed.masks[at]!, this.#scratch))
    }
    for (const range of damaged) {
      const tally = tallyOfRange(range.from, range.to)
      subtractTally(passed, tally)
      this.add(BucketId.damaged, tally)
    }
    this.add(BucketId.filtered, passed)
  }

  count(bucket: number): number {
    return this.values[bucket * FIELDS]!
  }

  /** Adds the count of every bucket to `into`; what lies behind the cursor waits. */
  addCounts(cursor: number, max: number, into: Float64Array): void {
    for (let bucket = 0; bucket < BUCKETS.length; bucket += 1) into[bucket]! += this.count(bucket)
    into[BucketId.waiting]! += Math.max(0, max - cursor)
  }

  /** Compares with what must hold: everything in [0, max) once, and the live buckets as the entries have them. */
  report(cursor: number, max: number, live: LiveTally): LedgerReport {
    const waiting = tallyOfRange(cursor, Math.max(cursor, max))
    const total = { ...waiting }
    const buckets = {} as Record<Bucket, number>
    for (const [id, name] of BUCKETS.entries()) {
      const at = id * FIELDS
      buckets[name] = this.values[at]!
      total.count += this.values[at]!
      total.sum = addDigest(total.sum, this.values[at + 1]!)
      total.squares = addDigest(total.squares, this.values[at + 2]!)
    }
    buckets.waiting += waiting.count
    const faults: string[] = []
    const negative = BUCKETS.filter((name) => buckets[name] < 0)
    if (negative.length > 0) faults.push(`negative: ${negative.join(', ')}`)
    if (cursor > max) faults.push(`the cursor ${cursor} is beyond max ${max}`)
    else if (total.count !== max) faults.push(`${total.count} messages counted, ${max} written`)
    else if (total.sum !== prefixSum(max) || total.squares !== prefixSquares(max)) {
      faults.push('the counts agree but the digests do not')
    }
    this.#compare('ready', live.ready, faults)
    this.#compare('inFlight', live.inFlight, faults)
    return { buckets, sum: total.count, balanced: faults.length === 0, faults }
  }

  #compare(bucket: 'ready' | 'inFlight', entries: Tally, faults: string[]): void {
    const at = BucketId[bucket] * FIELDS
    const [count, sum, squares] = this.values.subarray(at, at + FIELDS)
    if (count === entries.count && sum === entries.sum && squares === entries.squares) return
    faults.push(`${bucket}: the ledger has ${count}, the entries have ${entries.count} (or others)`)
  }
}
