// All queues by name and by number. Invariant: a topic has queues of one incarnation only, its newest.
import type { GroupState, QueueRef } from './api.ts'
import type { Ledger } from './ledger.ts'
import { LiveQueue } from './queue-state.ts'
import { ReadyQueues } from './ready-queues.ts'

interface GroupQueues extends GroupState {
  readonly byId: Map<number, LiveQueue>
  readonly queues: LiveQueue[]
  readonly ready: ReadyQueues
}

interface TopicQueues {
  readonly incarnation: number
  readonly groups: Map<string, GroupQueues>
}

export class QueueRegistry {
  readonly #topics = new Map<string, TopicQueues>()
  /** Of each group, the topics that it has queues of. */
  readonly #topicsOfGroup = new Map<string, Set<string>>()
  readonly #byIndex: (LiveQueue | undefined)[] = []
  readonly #freeIndexes: number[] = []
  readonly #createLedger: () => Ledger

  constructor(createLedger: () => Ledger) {
    this.#createLedger = createLedger
  }

  /** The queue of the topic's current incarnation. */
  current(topic: string, group: string, queueId: number): LiveQueue | undefined {
    return this.#topics.get(topic)?.groups.get(group)?.byId.get(queueId)
  }

  /** The queue of exactly this incarnation. */
  exact(ref: QueueRef): LiveQueue | undefined {
    const topic = this.#topics.get(ref.topic)
    return topic?.incarnation === ref.incarnation ? topic.groups.get(ref.group)?.byId.get(ref.queueId) : undefined
  }

  /** Incarnation of the topic's queues; undefined when it has none. */
  incarnation(topic: string): number | undefined {
    return this.#topics.get(topic)?.incarnation
  }

  /** Owner of entries. */
  at(index: number): LiveQueue {
    return this.#byIndex[index]!
  }

  list(topic: string, group: string): readonly LiveQueue[] {
    return this.#topics.get(topic)?.groups.get(group)?.queues ?? []
  }

  topicsOf(group: string): Iterable<string> {
    return this.#topicsOfGroup.get(group) ?? []
  }

  groupsIn(topic: string): Iterable<string> {
    return this.#topics.get(topic)?.groups.keys() ?? []
  }

  ready(topic: string, group: string): ReadyQueues | undefined {
    return this.#topics.get(topic)?.groups.get(group)?.ready
  }

  *all(): Iterable<LiveQueue> {
    for (const queue of this.#byIndex) if (queue !== undefined) yield queue
  }

  *groups(): Iterable<GroupState> {
    for (const topic of this.#topics.values()) for (const group of topic.groups.values()) yield group
  }

  /** Adds a queue that is not there. The topic has no queues of another incarnation. */
  add(ref: QueueRef): LiveQueue {
    let topic = this.#topics.get(ref.topic)
    if (topic === undefined) this.#topics.set(ref.topic, (topic = { incarnation: ref.incarnation, groups: new Map() }))
    let group = topic.groups.get(ref.group)
    if (group === undefined) {
      group = { topic: ref.topic, group: ref.group, byId: new Map(), queues: [], ready: new ReadyQueues() }
      topic.groups.set(ref.group, group)
      const topics = this.#topicsOfGroup.get(ref.group)
      if (topics === undefined) this.#topicsOfGroup.set(ref.group, new Set([ref.topic]))
      else topics.add(ref.topic)
    }
    const index = this.#freeIndexes.pop() ?? this.#byIndex.length
    const queue = new LiveQueue(ref, index, this.#createLedger(), group.ready)
    this.#byIndex[index] = queue
    group.byId.set(ref.queueId, queue)
    const before = group.queues.findIndex((other) => other.queueId > ref.queueId)
    group.queues.splice(before < 0 ? group.queues.length : before, 0, queue)
    return queue
  }

  /** Forgets the topic and returns what it had. */
  removeTopic(name: string): LiveQueue[] {
    const topic = this.#topics.get(name)
    if (topic === undefined) return []
    this.#topics.delete(name)
    return [...topic.groups.values()].flatMap((group) => this.#forget(group))
  }

  /** Forgets the group in all topics and returns what it had. */
  removeGroup(name: string): LiveQueue[] {
    const removed: LiveQueue[] = []
    for (const topicName of Array.from(this.topicsOf(name))) {
      const topic = this.#topics.get(topicName)!
      removed.push(...this.#forget(topic.groups.get(name)!))
      topic.groups.delete(name)
      if (topic.groups.size === 0) this.#topics.delete(topicName)
    }
    return removed
  }

  #forget(group: GroupQueues): LiveQueue[] {
    const topics = this.#topicsOfGroup.get(group.group)
    topics?.delete(group.topic)
    if (topics?.size === 0) this.#topicsOfGroup.delete(group.group)
    for (const queue of group.queues) {
      this.#byIndex[queue.index] = undefined
      this.#freeIndexes.push(queue.index)
    }
    return group.queues
  }
}
