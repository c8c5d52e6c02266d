// Which messages of a topic are gone by the topic's own rules: the min offsets of its queues move, the bytes go with their
// file. Bounds are those of the topic on this broker: its oldest messages go first, whichever queue they are in.
import type { ConsumeQueue } from '../consume-queue/consume-queue.ts'
import type { QueueFiles } from '../consume-queue/queue-files.ts'
import type { QueueTable } from '../consume-queue/queue-table.ts'
import { offsetAtPosition, type QueuePart, unitFrom } from '../consume-queue/unit-search.ts'
import type { RecordTimes, TopicRule } from '../message-store.ts'
import { createUnitSums, type UnitSums } from './unit-sums.ts'

export interface TopicRulesDeps {
  readonly queues: Pick<QueueTable, 'ofTopic'>
  readonly queueFiles: Pick<QueueFiles, 'load'>
  readonly log: RecordTimes & { readonly written: number }
  /** Lets other work run. */
  readonly breathe: () => Promise<void>
}

/** Mins that nobody was told of yet. */
export type PlannedMins = Map<ConsumeQueue, number>

export interface TopicRules {
  /**
   * Finds where the topic's rule puts the mins of its queues: into `mins` go those that it moves. Returns the wall time at
   * which age makes the next message due, if it does.
   */
  plan(rule: TopicRule, nowMs: number, mins: PlannedMins): Promise<number | undefined>
}

/** A queue while its new min is looked for: it is one of [low, high]. */
interface Search {
  readonly part: QueuePart
  low: number
  high: number
}

/** What a message weighs, as a running sum over the offsets of its queue. */
type Weight = (queue: ConsumeQueue, offset: number) => number | Promise<number>

/** Records looked at for a time that can be read. */
const UNREADABLE_MAX = 16

/** Creates the judge of topics. */
export function createTopicRules(deps: TopicRulesDeps): TopicRules {
  const { queueFiles, log } = deps
  const sums = new WeakMap<ConsumeQueue, UnitSums>()
  /** Of the first message of a queue. */
  const firstTimes = new WeakMap<ConsumeQueue, { readonly offset: number; readonly storedMs: number }>()

  function minOf(queue: ConsumeQueue, mins: PlannedMins): number {
    return Math.max(queue.nextMin, mins.get(queue) ?? 0)
  }

  function raise(queue: ConsumeQueue, mins: PlannedMins, min: number): void {
    if (min > minOf(queue, mins)) mins.set(queue, min)
  }

  function partsOf(topic: string): QueuePart[] {
    return Array.from(deps.queues.ofTopic(topic), (queue) => ({ queue, end: queue.visible }))
  }

  async function measured(part: QueuePart): Promise<UnitSums> {
    const known = sums.get(part.queue) ?? createUnitSums(part.queue, queueFiles, deps.breathe)
    sums.set(part.queue, known)
    await known.extendTo(part.end)
    return known
  }

  /** Moves the mins to the lowest position of the log behind which the topic weighs at most `max`. */
  async function keepAtMost(
    max: number,
    parts: readonly QueuePart[],
    weight: Weight,
    mins: PlannedMins,
  ): Promise<void> {
    const searches = parts
      .map((part): Search => ({ part, low: minOf(part.queue, mins), high: part.end }))
      .filter(({ low, high }) => low < high)
    const lows = searches.map(({ low }) => low)
    if ((await weightFrom(searches, lows, weight)) <= max) return
    let [lowest, highest] = [0, log.written]
    while (highest - lowest > 1 && searches.some(({ low, high }) => low < high)) {
      const position = lowest + Math.floor((highest - lowest) / 2)
      const found: number[] = []
      for (const { part, low, high } of searches) {
        found.push(await offsetAtPosition(queueFiles, { queue: part.queue, end: high }, position, low))
      }
      const fits = (await weightFrom(searches, found, weight)) <= max
      for (const [index, search] of searches.entries()) search[fits ? 'high' : 'low'] = found[index]!
      if (fits) highest = position
      else lowest = position
      await deps.breathe()
    }
    for (const { part, high } of searches) raise(part.queue, mins, high)
  }

  /** Of what the queues hold from these offsets on. */
  async function weightFrom(searches: readonly Search[], offsets: readonly number[], weight: Weight): Promise<number> {
    let sum = 0
    for (const [index, { part }] of searches.entries()) {
      sum += (await weight(part.queue, part.end)) - (await weight(part.queue, offsets[index]!))
    }
    return sum
  }

  /** Store time of the message at `offset`, or of the first one behind it that can be read. */
  async function storedAt(part: QueuePart, offset: number): Promise<number | undefined> {
    let next = offset
    for (let tries = 0; tries < UNREADABLE_MAX; tries += 1) {
      const unit = await unitFrom(queueFiles, part, next)
      if (unit === undefined) return undefined
      const storedMs = await log.storedMs(unit.commitLogOffset)
      if (storedMs !== undefined) return storedMs
      next = unit.queueOffset + 1
    }
    return undefined
  }

  async function firstStored(part: QueuePart, offset: number): Promise<number | undefined> {
    const known = firstTimes.get(part.queue)
    if (known?.offset === offset) return known.storedMs
    const storedMs = await storedAt(part, offset)
    if (storedMs !== undefined) firstTimes.set(part.queue, { offset, storedMs })
    return storedMs
  }

  /** Moves the min of a queue to its first message that is young enough. Returns when that one is too old. */
  async function keepYounger(
    part: QueuePart,
    mins: PlannedMins,
    maxAgeMs: number,
    nowMs: number,
  ): Promise<number | undefined> {
    const { queue, end } = part
    let low = minOf(queue, mins)
    const first = low < end ? await firstStored(part, low) : undefined
    if (first === undefined || first + maxAgeMs > nowMs) return first === undefined ? undefined : first + maxAgeMs
    let high = end
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2)
      const storedMs = await storedAt(part, middle)
      if (storedMs !== undefined && storedMs + maxAgeMs <= nowMs) low = middle + 1
      else high = middle
    }
    raise(queue, mins, low)
    const next = low < end ? await firstStored(part, low) : undefined
    return next === undefined ? undefined : next + maxAgeMs
  }

  return {
    async plan({ topic, maxAgeMs, maxBytes, maxCount }, nowMs, mins) {
      const parts = partsOf(topic)
      if (maxCount !== undefined) await keepAtMost(maxCount, parts, (_, offset) => offset, mins)
      if (maxBytes !== undefined) {
        for (const part of parts) await measured(part)
        await keepAtMost(maxBytes, parts, (queue, offset) => sums.get(queue)!.at(offset), mins)
      }
      let dueMs: number | undefined
      if (maxAgeMs === undefined) return dueMs
      for (const part of parts) {
        const due = await keepYounger(part, mins, maxAgeMs, nowMs)
        if (due !== undefined && (dueMs === undefined || due < dueMs)) dueMs = due
      }
      return dueMs
    },
  }
}
