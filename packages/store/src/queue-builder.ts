// Decides, queue by queue, what the records of a recovering log mean for it. Offsets are gapless: one that is missing
// needs lost bytes that can have held its record.
import { checkTopicName, type QueueId, queueOffset, RECORD_BYTES_MIN } from '@rocketmq-ts/model'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'
import { ownFileMax, type QueueState, type QueueTable } from './consume-queue/queue-table.ts'
import { decodeUnit, fillerUnit, UNIT_BYTES } from './consume-queue/unit.ts'
import { hasUnit, storedTagsCode, topicOf } from './record-fields.ts'
import type { QueueEnd } from './message-store.ts'
import type { ScannedRecord } from './recovery.ts'

/** Offsets that another writer's log may leave out at once. Java only logs such a gap. */
const FOREIGN_GAP_MAX = 1_000_000

/** Queues whose last records known are lost ones, at most; of more, such offsets are given out again. */
const LOST_ENDS_MAX = 100_000
/** Queues whose ends the log itself says, at most: as many as a store may have. */
const NOTED_ENDS_MAX = 1_000_000

/** A topic that may become a folder. Apache may hold names that we would not make: read by position only. */
export function isLegalTopic(topic: string): boolean {
  try {
    checkTopicName(topic)
    return true
  } catch {
    return false
  }
}

function keyOf({ topic, queueId }: QueueId): string {
  return `${topic}/${queueId}`
}

export interface QueueBuilderOptions {
  readonly queues: QueueTable
  /** What the checkpoint covers, if there is one: units of trusted queues below are in their files. */
  readonly coversTo: number | undefined
  /** The log starts at 0, so that every queue known from records alone starts at 0 too. */
  readonly isWhole: boolean
  /** From here on the log may be another broker's: gaps and repetitions are taken as Java takes them. */
  readonly foreignFrom: number | undefined
}

interface LostEnd extends QueueState {
  /** Offsets without a record that the lost bytes explain. */
  readonly missingMax: number
}

/** Fills a table of queues during recovery. */
export class QueueBuilder {
  readonly #options: QueueBuilderOptions
  readonly #trusted = new Set<ConsumeQueue>()
  readonly #overgrown = new Set<ConsumeQueue>()
  /** By topic and number: what the checkpoint says of queues whose files can not be trusted. */
  readonly #lost = new Map<string, QueueState>()
  /** By topic and number: offsets that lost records had, `max` being one past the last. */
  readonly #lostEnds = new Map<string, LostEnd>()
  /** By topic and number: one past the last offset given out, as the owner has journaled it. */
  readonly #notedEnds = new Map<string, QueueEnd>()

  constructor(options: QueueBuilderOptions) {
    this.#options = options
  }

  /** Takes a queue from the checkpoint, up to what must be in its own files. */
  trust(state: QueueState): ConsumeQueue {
    const queue = this.#options.queues.restore({ ...state, max: ownFileMax(state) })
    this.#trusted.add(queue)
    return queue
  }

  /** Adds the units that the checkpoint names in packs, or has itself. */
  addUnits(queue: ConsumeQueue, { packed, units }: QueueState): void {
    if (packed !== undefined) queue.addPacked(packed)
    if (units === undefined) return
    for (let at = 0; at < units.length; at += UNIT_BYTES) {
      const place = queueOffset(queue.max)
      queue.push(decodeUnit(units, at, place) ?? fillerUnit(place))
    }
    this.#options.queues.markDirty(queue)
  }

  isTrusted(queue: ConsumeQueue): boolean {
    return this.#trusted.has(queue)
  }

  /** Its files have something behind its last unit: its rest is cleared, however it was stopped. */
  noteOvergrown(queue: ConsumeQueue): void {
    this.#overgrown.add(queue)
  }

  isOvergrown(queue: ConsumeQueue): boolean {
    return this.#overgrown.has(queue)
  }

  /** Forgets what a queue has: its files can not be trusted. */
  distrust(queue: ConsumeQueue, state: QueueState): void {
    this.#trusted.delete(queue)
    this.#options.queues.remove(queue)
    this.#lost.set(keyOf(state), state)
  }

  /**
   * The record at `position` ends an incarnation of the topic. Returns the queues that went, whose files must go too;
   * those that the checkpoint has behind the record belong to a later incarnation and stay.
   */
  endTopic(topic: string, position: number): ConsumeQueue[] {
    const { queues, coversTo } = this.#options
    const isCovered = coversTo !== undefined && position < coversTo
    const ended = Array.from(queues.ofTopic(topic)).filter((queue) => !(isCovered && this.#trusted.has(queue)))
    for (const queue of ended) {
      this.#trusted.delete(queue)
      queues.remove(queue)
    }
    for (const ends of [this.#lostEnds, this.#notedEnds, ...(isCovered ? [] : [this.#lost])]) {
      for (const [key, end] of ends) if (end.topic === topic) ends.delete(key)
    }
    return ended
  }

  /**
   * Takes a record's unit; false when its queue offset can not be. `lostBytes` of the log in front of it are damaged.
   */
  take(record: ScannedRecord, lostBytes: number): boolean {
    const { bytes, position, peek } = record
    if (!hasUnit(peek.sysFlag)) return true
    const { queues, coversTo } = this.#options
    const isForeign = this.#isForeign(position)
    const topic = topicOf(bytes, peek)
    const known = queues.find(topic, peek.queueId)
    if (known !== undefined && this.#trusted.has(known) && position < (coversTo ?? 0)) return true
    if (known === undefined && !isLegalTopic(topic)) return isForeign
    const expected = known?.max ?? this.#firstOffset({ topic, queueId: peek.queueId }, position, peek.queueOffset)
    if (!this.#mayFollow(expected, peek.queueOffset, position, lostBytes)) return isForeign
    const queue = known ?? queues.obtain(topic, peek.queueId, expected)
    queue.fillTo(peek.queueOffset)
    queue.push({ commitLogOffset: position, size: peek.totalSize, tagsCode: storedTagsCode(bytes, peek) })
    queues.markDirty(queue)
    return true
  }

  /** Notes the offset of a record that is lost itself: nobody else gets it, also where no record follows in its queue. */
  takeLost({ bytes, position, peek }: ScannedRecord, lostBytes: number): void {
    if (!hasUnit(peek.sysFlag)) return
    const { queueId, queueOffset: offset } = peek
    const { queues, coversTo } = this.#options
    const topic = topicOf(bytes, peek)
    const known = queues.find(topic, queueId)
    // Its offset is in the checkpoint.
    if (known !== undefined && this.#trusted.has(known) && position < (coversTo ?? 0)) return
    if (!isLegalTopic(topic)) return
    const min = known?.max ?? this.#firstOffset({ topic, queueId }, position, offset)
    if (!this.#mayFollow(min, offset, position, lostBytes)) return
    const key = keyOf({ topic, queueId })
    const before = this.#lostEnds.get(key)
    if (before === undefined && this.#lostEnds.size >= LOST_ENDS_MAX) return
    this.#lostEnds.set(key, {
      topic,
      queueId,
      min: before?.min ?? min,
      max: Math.max(before?.max ?? 0, offset + 1),
      missingMax: this.#missingMax(position, lostBytes),
    })
  }

  /** Notes where queues ended at this place of the log. */
  noteEnds(ends: readonly QueueEnd[]): void {
    for (const each of ends) {
      const key = keyOf(each)
      if (this.#notedEnds.size >= NOTED_ENDS_MAX && !this.#notedEnds.has(key)) continue
      if (isLegalTopic(each.topic)) this.#notedEnds.set(key, each)
    }
  }

  /** Offsets that were given out stay given out, also where every record of them is lost or has expired. */
  finish(): void {
    const { queues } = this.#options
    for (const { topic, queueId, end } of this.#notedEnds.values()) {
      const queue = queues.find(topic, queueId) ?? queues.obtain(topic, queueId, end)
      if (queue.max >= end) continue
      queue.fillTo(end)
      queues.markDirty(queue)
    }
    for (const { topic, queueId, min, max } of this.#lost.values()) {
      const queue = queues.find(topic, queueId) ?? queues.obtain(topic, queueId, max)
      if (queue.max < max) {
        queue.fillTo(max)
        queues.markDirty(queue)
      }
      // What retention has passed stays passed.
      queue.min = Math.max(queue.min, min)
      queue.nextMin = queue.min
    }
    for (const { topic, queueId, min, max, missingMax } of this.#lostEnds.values()) {
      const queue = queues.obtain(topic, queueId, min)
      if (queue.max >= max || max - queue.max > missingMax + 1) continue
      queue.fillTo(max)
      queues.markDirty(queue)
    }
    for (const queue of queues.all()) queue.visible = queue.max
  }

  /** Where a queue starts whose first record seen is at `position`: those that the checkpoint knows of may have expired. */
  #firstOffset(queue: QueueId, position: number, offset: number): number {
    const { coversTo, isWhole } = this.#options
    if (this.#isForeign(position)) return offset
    if (isWhole) return 0
    return coversTo !== undefined && position >= coversTo ? (this.#lost.get(keyOf(queue))?.max ?? 0) : offset
  }

  #isForeign(position: number): boolean {
    return position >= (this.#options.foreignFrom ?? Infinity)
  }

  /** True when a record at `position` may have the offset: those in front of it were lost. */
  #mayFollow(expected: number, offset: number, position: number, lostBytes: number): boolean {
    const missing = offset - expected
    return missing >= 0 && missing <= this.#missingMax(position, lostBytes)
  }

  #missingMax(position: number, lostBytes: number): number {
    return Math.floor(lostBytes / RECORD_BYTES_MIN) + (this.#isForeign(position) ? FOREIGN_GAP_MAX : 0)
  }
}
