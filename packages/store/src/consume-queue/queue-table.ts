// Every consume queue of the store by topic and number. Queue offsets are given out here, gapless per queue.
import { checkTopicName, MqError, queueOffset } from '@rocketmq-ts/model'
import type { QueueBounds, QueueReader } from '../message-store.ts'
import { ChunkCache } from './chunk-cache.ts'
import { ConsumeQueue } from './consume-queue.ts'
import { type FileLimits, type FilePlan, planFiles, retireOldest, sumUnitsLeft } from './file-plan.ts'
import type { QueueFiles } from './queue-files.ts'
import { UNIT_BYTES } from './unit.ts'
import type { PackedUnits } from './unit-packs.ts'

/** Queues of a store, at most: each is a folder. */
const QUEUES_MAX = 1_000_000

/** A queue as the checkpoint keeps it. */
export interface QueueState {
  readonly topic: string
  readonly queueId: number
  readonly min: number
  /** One past the last unit. */
  readonly max: number
  /** Where the units in front of these are that are in no file of the queue's own, one behind the other. */
  readonly packed?: readonly PackedUnits[]
  /** The last units, which are in no file that a start may count on; 20 bytes each. */
  readonly units?: Buffer
  /** Nothing may count on its files: a start that was to build them again did not end. */
  readonly isLost?: boolean
}

/** One past the last unit that files hold for certain, packs among them. */
export function fileMax({ max, units }: QueueState): number {
  return max - (units?.length ?? 0) / UNIT_BYTES
}

/** One past the last unit that the files of the queue itself hold for certain. */
export function ownFileMax(state: QueueState): number {
  let max = fileMax(state)
  for (const { units } of state.packed ?? []) max -= units
  return max
}

export interface QueueTable extends QueueReader {
  find(topic: string, queueId: number): ConsumeQueue | undefined
  /**
   * The queue, made where it is missing, starting at `min`. MqError 'topic-illegal' for a name that may be no folder,
   * 'parameter-invalid' for a queue number below zero, 'busy' at the bound of the table.
   */
  obtain(topic: string, queueId: number, min?: number): ConsumeQueue
  restore(state: QueueState): ConsumeQueue
  /** Remembers that a queue has units that are not in its file. */
  markDirty(queue: ConsumeQueue): void
  /**
   * Takes queues out of those with units in no file: those whose units are many, see file-plan.ts, or all of them, and then
   * all with units that are not in their own files.
   */
  takeDirty(which: 'many' | 'all'): Omit<FilePlan, 'keep'>
  /** Units in no file. */
  dirtyUnits(): number
  /** Some queue has units that are in no file of its own. */
  areUnfiled(): boolean
  /** What a checkpoint says of the queues, with the units that are in no file, at the moment it is read. */
  readonly states: Iterable<QueueState>
  all(): Iterable<ConsumeQueue>
  ofTopic(topic: string): Iterable<ConsumeQueue>
  /** Brings units into memory; the files themselves until a repair takes over. */
  loader: Pick<QueueFiles, 'load'>
  /** Removes a queue; what still refers to it writes nothing any more. */
  remove(queue: ConsumeQueue): void
}

function stateOf(queue: ConsumeQueue): QueueState {
  const { topic, queueId, nextMin: min, max } = queue
  const { packed } = queue
  const units = queue.unpersisted()
  const state = packed.length === 0 ? { topic, queueId, min, max } : { topic, queueId, min, max, packed }
  return units === undefined ? state : { ...state, units }
}

const NO_UNITS: QueueBounds = { min: queueOffset(0), max: queueOffset(0) }

/** Creates an empty table. */
export function createQueueTable(options: {
  readonly cacheBytes: number
  readonly limits: FileLimits
  readonly queueFiles: QueueFiles
}): QueueTable {
  const { queueFiles } = options
  const cache = new ChunkCache(options.cacheBytes)
  const topics = new Map<string, Map<number, ConsumeQueue>>()
  let size = 0
  let dirty: ConsumeQueue[] = []

  function find(topic: string, queueId: number): ConsumeQueue | undefined {
    return topics.get(topic)?.get(queueId)
  }

  function add(state: QueueState): ConsumeQueue {
    checkTopicName(state.topic)
    if (!Number.isSafeInteger(state.queueId) || state.queueId < 0) {
      throw new MqError('parameter-invalid', `queueId: ${state.queueId} is not a queue of ${state.topic}`)
    }
    if (size >= QUEUES_MAX) throw new MqError('busy', `the store has ${size} queues, the most it keeps; delete topics`)
    const queue = new ConsumeQueue(state, state.min, state.max, cache)
    let queues = topics.get(state.topic)
    if (queues === undefined) {
      queues = new Map()
      topics.set(state.topic, queues)
    }
    queues.set(state.queueId, queue)
    size += 1
    return queue
  }

  function* all(): Iterable<ConsumeQueue> {
    for (const queues of topics.values()) yield* queues.values()
  }

  function planAll(): FilePlan {
    const write = Array.from(all()).filter(({ filed, max }) => filed < max)
    return { write, pack: [], keep: [] }
  }

  function planMany(): FilePlan {
    const plan = planFiles(dirty, options.limits)
    return plan.pack.length === 0 ? plan : retireOldest(plan, all, options.limits)
  }

  const table: QueueTable = {
    find,
    loader: queueFiles,
    obtain: (topic, queueId, min = 0) => find(topic, queueId) ?? add({ topic, queueId, min, max: min }),
    restore: add,
    markDirty(queue) {
      if (queue.dirty) return
      queue.dirty = true
      dirty.push(queue)
    },
    takeDirty(which) {
      const { write, pack, keep } = which === 'all' ? planAll() : planMany()
      for (const queue of dirty) queue.dirty = false
      for (const queue of keep) queue.dirty = true
      dirty = keep
      return { write, pack }
    },
    dirtyUnits: () => sumUnitsLeft(dirty),
    areUnfiled: () => planAll().write.length > 0,
    states: {
      *[Symbol.iterator]() {
        for (const queue of all()) yield stateOf(queue)
      },
    },
    all,
    ofTopic: (topic) => topics.get(topic)?.values() ?? [],
    remove(queue) {
      queue.end()
      const queues = topics.get(queue.topic)
      if (queues?.delete(queue.queueId) === true) size -= 1
      if (queues?.size === 0) topics.delete(queue.topic)
    },
    bounds(topic, queueId) {
      const queue = find(topic, queueId)
      return queue === undefined ? NO_UNITS : { min: queueOffset(queue.min), max: queueOffset(queue.visible) }
    },
    scan(place, from, accept, { unitsMax }) {
      const queue = find(place.topic, place.queueId)
      if (queue === undefined) return { kind: 'scanned', next: from }
      const result = queue.walk(from, queue.visible, unitsMax, accept)
      if (result.kind === 'scanned') return { kind: 'scanned', next: queueOffset(result.next) }
      return { kind: 'cold', load: (group) => table.loader.load(queue, result.at, group) }
    },
    *queues() {
      for (const { topic, queueId } of all()) yield { topic, queueId }
    },
  }
  return table
}
