// Reads journal records for what they say of one message. Pure: told operations, it gives events.
import type { TraceEvent, TraceEventKind } from '@rocketmq-ts/remoting'
import { BUCKETS, type OffsetRange, type QueueRef } from '../inflight/api.ts'
import { bitOf, blockOf } from '../inflight/entries.ts'
import type { JournalSink } from '../inflight/journal/decode.ts'
import type { Windows } from '../inflight/windows.ts'

export interface TracedMessage {
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
}

/** How a message ends that the journal settles into a bucket. */
const KIND_OF_BUCKET: Readonly<Partial<Record<(typeof BUCKETS)[number], TraceEventKind>>> = {
  skipped: 'skipped',
  filtered: 'filtered',
  scheduled: 'scheduled',
  acked: 'acknowledged',
  dead: 'dead',
  expired: 'expired',
  recalled: 'recalled',
  rolledBack: 'rolled-back',
  deleted: 'deleted',
  damaged: 'damaged',
}

/** Nothing happens to the message for the group afterwards. */
const SETTLES: ReadonlySet<TraceEventKind> = new Set(Object.values(KIND_OF_BUCKET))

/** A sink for `decodeJournal` that adds what concerns the message to `events`. */
export class MessageSink implements JournalSink {
  /** When the record was written; an operation that has no time of its own happened then. */
  recordMs = 0
  readonly #message: TracedMessage
  readonly #block: number
  readonly #bit: number
  readonly #events: TraceEvent[]
  readonly #declared: QueueRef[] = []
  #group: string | undefined
  /** Groups that have settled the message: what happens to the queue behind it is no news of it. */
  readonly #settled = new Set<string>()
  #client = ''

  constructor(message: TracedMessage, events: TraceEvent[]) {
    this.#message = message
    this.#block = blockOf(message.queueOffset)
    this.#bit = bitOf(message.queueOffset)
    this.#events = events
  }

  /** A record begins: names stand in each one anew. */
  begin(recordMs: number): void {
    this.recordMs = recordMs
    this.#declared.length = 0
    this.#group = undefined
    this.#client = ''
  }

  #add(kind: TraceEventKind, more: Omit<Partial<TraceEvent>, 'kind' | 'group'> = {}): void {
    const group = this.#group
    if (group === undefined || this.#settled.has(group)) return
    if (SETTLES.has(kind)) this.#settled.add(group)
    this.#events.push({ kind, group, atMs: this.recordMs, ...more })
  }

  #isIn({ count, blocks, masks }: Windows): boolean {
    for (let at = 0; at < count; at += 1) {
      if (blocks[at] === this.#block && (masks[at]! & this.#bit) !== 0) return true
    }
    return false
  }

  /** Of a walk over [from, to) that took `taken`. */
  #visited({ from, to }: OffsetRange, taken: Windows, damaged: readonly OffsetRange[], ifTaken: () => void): void {
    const { queueOffset } = this.#message
    if (queueOffset < from || queueOffset >= to) return
    if (this.#isIn(taken)) ifTaken()
    else
      this.#add(damaged.some((range) => queueOffset >= range.from && queueOffset < range.to) ? 'damaged' : 'filtered')
  }

  #delivered(popTime: number, invisibleMs: number): void {
    const client = this.#client
    this.#add('delivered', { atMs: popTime, untilMs: popTime + invisibleMs, ...(client !== '' && { client }) })
  }

  declareQueue(queue: QueueRef): void {
    this.#declared.push(queue)
    this.selectQueue(this.#declared.length - 1)
  }

  selectQueue(number: number): void {
    const queue = this.#declared[number]
    const isIt = queue?.topic === this.#message.topic && queue.queueId === this.#message.queueId
    this.#group = isIt ? queue.group : undefined
  }

  client(name: string): void {
    this.#client = name
  }

  start(offset: number): void {
    if (offset > this.#message.queueOffset) this.#add('skipped')
  }

  popNext(
    pop: OffsetRange & { readonly popTime: number; readonly invisibleMs: number },
    taken: Windows,
    damaged: readonly OffsetRange[],
  ): void {
    if (this.#group === undefined) return
    this.#visited(pop, taken, damaged, () => this.#delivered(pop.popTime, pop.invisibleMs))
  }

  popReady(popTime: number, invisibleMs: number, windows: Windows): void {
    if (this.#group !== undefined && this.#isIn(windows)) this.#delivered(popTime, invisibleMs)
  }

  ack(block: number, mask: number): void {
    if (this.#isAt(block, mask)) this.#add('acknowledged')
  }

  release(block: number, mask: number): void {
    if (this.#isAt(block, mask)) this.#add('released')
  }

  #isAt(block: number, mask: number): boolean {
    return block === this.#block && (mask & this.#bit) !== 0
  }

  #isIt(offset: number): boolean {
    return offset === this.#message.queueOffset
  }

  change(offset: number, _popTime: number, newPopTime: number, invisibleMs: number): void {
    // Time that is given up is a release: the journal says it next.
    if (!this.#isIt(offset) || invisibleMs === 0) return
    const untilMs = newPopTime + invisibleMs
    if (this.#client === '') this.#add('prolonged', { untilMs })
    else this.#add('repeated', { atMs: newPopTime, untilMs, client: this.#client })
  }

  postpone(offset: number, _popTime: number, deadline: number): void {
    if (this.#isIt(offset)) this.#add('postponed', { untilMs: deadline })
  }

  settle(offset: number, _popTime: number, bucket: number): void {
    const name = BUCKETS[bucket]
    const kind = name === undefined ? undefined : KIND_OF_BUCKET[name]
    if (kind !== undefined && this.#isIt(offset)) this.#add(kind)
  }

  claim(offset: number, popTime: number, deadline: number): void {
    if (this.#isIt(offset)) this.#add('taken-over', { atMs: Math.max(popTime, 0), untilMs: deadline })
  }

  park(visited: OffsetRange, waiting: Windows, damaged: readonly OffsetRange[]): void {
    if (this.#group !== undefined) this.#visited(visited, waiting, damaged, () => this.#add('parked'))
  }

  reset(offset: number): void {
    const group = this.#group
    if (group === undefined) return
    if (offset > this.#message.queueOffset) this.#add('skipped')
    else if (this.#events.some((event) => event.group === group)) {
      this.#settled.delete(group)
      this.#add('set-back')
    }
  }

  retain(min: number): void {
    if (min > this.#message.queueOffset) this.#add('expired')
  }

  /** Names, settings and full states say nothing of what happened to one message. */
  attempt(): void {}
  batch(): void {}
  clamp(): void {}
  setting(): void {}
  state(): void {}
  statesComplete(): void {}
}
