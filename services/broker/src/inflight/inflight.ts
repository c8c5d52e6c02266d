// The in-flight core of the broker: one table per (topic, group, queue) for every mode that acknowledges single
// messages. Invariant: a message at or above the low mark and below the cursor is either in exactly one entry or settled.
import assert from 'node:assert'
import { Buffer } from 'node:buffer'
import { ATTEMPT_ID_BYTES_MAX, INFLIGHT_LIMITS, QUEUE_ID_MAX, SETTING_PAYLOAD_BYTES_MAX } from './api.ts'
import type {
  Inflight,
  InflightLimits,
  NextPop,
  PendingDelivery,
  QueueRef,
  QueueState,
  ReadyPop,
  SettledBucket,
} from './api.ts'
import { adoptQueue } from './adopt.ts'
import { createByMessageGroup } from './by-message-group.ts'
import { lowestBit, popCount } from './digest.ts'
import { BLOCK, EntryKind, bitOf, blockOf } from './entries.ts'
import { expireDue } from './expiry.ts'
import { popAgain, popLowest } from './in-order.ts'
import { JournalWriter } from './journal/encode.ts'
import { applySetting, replayJournal } from './journal/replay.ts'
import { BucketId, Ledger } from './ledger.ts'
import { liveTally } from './live-tally.ts'
import type { LiveQueue } from './queue-state.ts'
import { resetQueue } from './reset.ts'
import { createRoll } from './roll.ts'
import { beginSnapshot, restoreSnapshot } from './snapshot.ts'
import { NAME_BYTES_MAX } from './state-record.ts'
import { GAP_OFFSETS_MAX, Transitions } from './transitions.ts'
import type { Windows } from './windows.ts'

export * from './api.ts'
export { Ledger } from './ledger.ts'

export interface InflightOptions {
  /** Default: `INFLIGHT_LIMITS`. */
  readonly limits?: InflightLimits
  /** Deliveries a group makes before a message is dead: retryMaxTimes + 1. Asked at expiry, never at replay. */
  readonly maxAttempts: (group: string) => number
  /** A queue that is consumed in order has nothing in flight any more: the next pop may take from it. */
  readonly onFree?: (queue: QueueState) => void
  /** Makes the books of a queue; tests pass ones that forget. */
  readonly createLedger?: () => Ledger
}

const NOTHING: ReadyPop = { offsets: [], attempts: [] }

function live(queue: QueueState): LiveQueue {
  return queue as LiveQueue
}

/** The lowest `count` bits of a mask. */
function lowestBits(mask: number, count: number): number {
  let rest = mask
  for (let taken = 0; taken < count; taken += 1) rest &= rest - 1
  return mask & ~rest
}

/** Creates an empty core. */
export function createInflight(options: InflightOptions): Inflight {
  const { limits = INFLIGHT_LIMITS, maxAttempts, createLedger = () => new Ledger() } = options
  const transitions = new Transitions(createLedger)
  const { entries, registry } = transitions
  if (options.onFree !== undefined) transitions.onFree = options.onFree
  const journal = new JournalWriter()
  const roll = createRoll(transitions)
  const windows: Windows = { count: 0, blocks: [], masks: [] }

  function pushWindow(block: number, mask: number): void {
    windows.blocks[windows.count] = block
    windows.masks[windows.count] = mask
    windows.count += 1
  }

  function canSplit(queue: LiveQueue): boolean {
    const broker = limits.entriesPerBroker + limits.splitReserve
    return entries.count < broker && queue.entries < 2 * limits.entriesPerQueue
  }

  function room(queue: LiveQueue): number {
    if (queue.dropped) return 0
    return Math.max(0, Math.min(limits.entriesPerQueue - queue.entries, limits.entriesPerBroker - entries.count))
  }

  const inOrder = { transitions, journal, canSplit }

  /** The lowest bits of a block's mask, up to the first one that does not fit. */
  function fitting(block: number, mask: number, fits: (offset: number) => boolean): number {
    let taken = 0
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      if (!fits(block * BLOCK + lowestBit(rest))) break
      taken |= rest & -rest
    }
    return taken
  }

  function popReady(queue: LiveQueue, pop: Parameters<Inflight['popReady']>[1]): ReadyPop {
    const { popTime, invisibleMs, max, fits } = pop
    const offsets: number[] = []
    const attempts: number[] = []
    windows.count = 0
    let isFull = false
    let slot = queue.readyHead
    while (slot >= 0 && offsets.length < max && !isFull) {
      const after = entries.readyNext[slot]!
      const all = entries.mask[slot]!
      const wanted = popCount(all) > max - offsets.length ? lowestBits(all, max - offsets.length) : all
      // Released in this very request (a pop time ahead of the clock): the next one takes it.
      if (entries.popTime[slot]! < popTime && (wanted === all || canSplit(queue))) {
        const block = entries.block[slot]!
        const mask = fits === undefined ? wanted : fitting(block, wanted, fits)
        isFull = mask !== wanted
        if (mask === 0 || (mask !== all && !canSplit(queue))) break
        const attempt = entries.attempts[slot]! + 1
        for (let rest = mask; rest !== 0; rest &= rest - 1) {
          offsets.push(block * BLOCK + lowestBit(rest))
          attempts.push(attempt)
        }
        pushWindow(block, mask)
        transitions.takeReady(queue, slot, mask, popTime, popTime + invisibleMs)
      }
      slot = after
    }
    if (windows.count > 0) journal.popReady(queue, popTime, invisibleMs, windows)
    return { offsets, attempts }
  }

  function collectTaken(queue: LiveQueue, pop: NextPop): void {
    windows.count = 0
    let block = -1
    let mask = 0
    let last = queue.cursor - 1
    for (const offset of pop.taken) {
      assert(offset > last && offset < pop.to, `taken offsets are ascending within the visited ones: ${offset}`)
      last = offset
      if (blockOf(offset) !== block) {
        if (mask !== 0) pushWindow(block, mask)
        block = blockOf(offset)
        mask = 0
      }
      mask |= bitOf(offset)
    }
    if (mask !== 0) pushWindow(block, mask)
  }

  function pendingIn(queue: LiveQueue, slot: number, offset: number): PendingDelivery {
    const deadlineMs = entries.kind[slot] === EntryKind.ready ? undefined : entries.deadline[slot]!
    return { queue, offset, popTime: entries.popTime[slot]!, attempts: entries.attempts[slot]!, deadlineMs }
  }

  function oldest(queue: LiveQueue, max: number): PendingDelivery[] {
    const found: PendingDelivery[] = []
    for (let slot = queue.head; slot >= 0; slot = entries.next[slot]!) {
      const base = entries.block[slot]! * BLOCK
      // Rows of one block are not in order: the block is taken whole.
      if (found.length >= max && base > found.at(-1)!.offset) break
      for (let rest = entries.mask[slot]!; rest !== 0; rest &= rest - 1) {
        found.push(pendingIn(queue, slot, base + lowestBit(rest)))
      }
    }
    return found.sort((a, b) => a.offset - b.offset).slice(0, max)
  }

  function checkRef(ref: QueueRef): void {
    assert(Number.isSafeInteger(ref.queueId) && ref.queueId >= 0 && ref.queueId <= QUEUE_ID_MAX, 'queueId')
    assert(Number.isSafeInteger(ref.incarnation) && ref.incarnation >= 0, 'incarnation')
    assert(ref.topic.length <= NAME_BYTES_MAX && ref.group.length <= NAME_BYTES_MAX, 'names')
  }

  return {
    queue: (topic, group, queueId) => registry.current(topic, group, queueId),
    queuesOf: (topic, group) => registry.list(topic, group),
    topicsOf: (group) => registry.topicsOf(group),
    groupsIn: (topic) => registry.groupsIn(topic),
    all: () => registry.all(),
    groups: () => registry.groups(),
    start(ref, offset) {
      checkRef(ref)
      const queue = transitions.start(ref, offset)
      assert(queue !== undefined, `the group ${ref.group} has started already in ${ref.topic}`)
      journal.start(queue, offset)
      return queue
    },
    adopt(ref, adopted) {
      checkRef(ref)
      const rowsMax = Math.min(limits.entriesPerQueue, Math.max(0, limits.entriesPerBroker - entries.count))
      return adoptQueue(transitions, journal, ref, adopted, rowsMax)
    },
    lowMark: (queue) => entries.lowMark(live(queue)),
    lag: (queue, max) => Math.max(0, max - queue.cursor) + queue.ready + queue.inFlight,

    nextPopTime: (nowMs) => Math.max(nowMs, transitions.popTimeFloor + 1),
    nextPopTimeOfAll: (nowMs) => Math.max(nowMs, transitions.popTimeFloor + 1, transitions.popTimeMax + 1),
    room: (queue) => room(live(queue)),
    fullReason(queue) {
      if (live(queue).entries >= limits.entriesPerQueue) return 'queue-entries'
      return entries.count >= limits.entriesPerBroker ? 'broker-entries' : undefined
    },
    readyQueueId: (topic, group, from) => registry.ready(topic, group)?.next(from),
    popReady(queue, pop) {
      if (queue.ready === 0) return NOTHING
      return pop.inOrder === true ? popLowest(inOrder, live(queue), pop) : popReady(live(queue), pop)
    },
    popNext(queue, pop) {
      const target = live(queue)
      const from = target.cursor
      assert(pop.to >= from, `a pop never moves the cursor back: ${from} to ${pop.to}`)
      assert(pop.taken.length <= room(target), 'a pop stays within the room')
      if (target.dropped || pop.to === from) return
      target.closeLines()
      collectTaken(target, pop)
      const { to, popTime, invisibleMs, damaged = [] } = pop
      let last = from
      for (const range of damaged) {
        assert(range.from >= last && range.to >= range.from && range.to <= to, 'damaged ranges are ascending, visited')
        last = range.to
      }
      const visited = { from, to, popTime, invisibleMs }
      transitions.popNext(target, visited, windows, damaged)
      journal.popNext(target, visited, windows, damaged)
    },

    ...createByMessageGroup(inOrder),
    isFree(queue) {
      live(queue).closeLines()
      live(queue).inOrder = true
      return queue.inFlight === 0
    },
    noteAttempt(queue, attemptId) {
      assert(Buffer.byteLength(attemptId) <= ATTEMPT_ID_BYTES_MAX, 'an attempt has a name of at most 255 bytes')
      if (queue.dropped || queue.attemptId === attemptId) return
      transitions.noteAttempt(live(queue), attemptId)
      journal.attempt(live(queue), attemptId)
    },
    deliverTo(client, pop) {
      journal.client = client
      try {
        return pop()
      } finally {
        journal.client = ''
      }
    },
    popAgain: (queue, pop) => (queue.dropped ? NOTHING : popAgain(inOrder, live(queue), pop)),

    ack(queue, offset, popTime) {
      const block = blockOf(offset)
      const bit = bitOf(offset)
      if (transitions.settle(live(queue), block, bit, popTime, BucketId.acked) === 0) return false
      journal.ack(live(queue), block, bit, popTime)
      return true
    },
    changeInvisible(queue, offset, popTime, { nowMs, invisibleMs }) {
      const target = live(queue)
      const slot = transitions.claimed(target, offset, popTime)
      if (slot < 0) return { kind: 'no-op' }
      if (entries.mask[slot] !== bitOf(offset) && !canSplit(target)) return { kind: 'full' }
      const newPopTime = Math.max(nowMs, popTime + 1)
      transitions.change(target, offset, popTime, newPopTime, invisibleMs)
      journal.change(target, offset, popTime, newPopTime, invisibleMs)
      const changed = entries.find(target, offset)
      const released = invisibleMs === 0 && entries.attempts[changed]! < maxAttempts(queue.group)
      if (released) {
        transitions.release(target, blockOf(offset), bitOf(offset), newPopTime)
        journal.release(target, blockOf(offset), bitOf(offset), newPopTime)
      }
      return { kind: 'changed', popTime: newPopTime, deadlineMs: newPopTime + invisibleMs, released }
    },
    settle(queue, offset, popTime, into) {
      if (!transitions.settleDelivery(live(queue), offset, popTime, BucketId[into])) return false
      journal.settle(live(queue), offset, popTime, BucketId[into])
      return true
    },

    nextDeadline() {
      const slot = entries.deadlines.first()
      return slot < 0 ? undefined : entries.deadline[slot]!
    },
    expire: (nowMs, max) => expireDue({ transitions, journal, maxAttempts }, nowMs, max),
    isDeadPending(queue, offset, popTime) {
      const slot = transitions.claimed(live(queue), offset, popTime)
      return slot >= 0 && entries.kind[slot] === EntryKind.deadPending
    },
    settleByCopy: (queue, offset, popTime, into) =>
      transitions.settleDelivery(live(queue), offset, popTime, BucketId[into]),
    giveUp: (queue, offset, popTime) => transitions.giveUp(live(queue), offset, popTime),
    postpone(queue, offset, popTime, deadlineMs) {
      if (!transitions.postpone(live(queue), offset, popTime, deadlineMs)) return false
      journal.postpone(live(queue), offset, popTime, deadlineMs)
      return true
    },
    applyOrigin(origin, into: SettledBucket) {
      const queue = registry.exact(origin)
      return queue !== undefined && transitions.settleDelivery(queue, origin.offset, origin.popTime, BucketId[into])
    },

    claim(queue, offset, { popTime, deadlineMs }) {
      const target = live(queue)
      const gap = offset - target.cursor
      if (gap < 0 || gap > GAP_OFFSETS_MAX || gap / BLOCK + 2 > room(target)) return false
      // Neither goes back in the journal, whatever the clock did.
      const deadline = Math.max(deadlineMs, popTime)
      transitions.claim(target, offset, popTime, deadline)
      journal.claim(target, offset, popTime, deadline)
      return true
    },
    isInFlight(queue, offset) {
      const slot = entries.find(live(queue), offset)
      return !queue.dropped && slot >= 0 && entries.kind[slot] !== EntryKind.ready
    },
    deliveryAt(queue, offset) {
      const slot = entries.find(live(queue), offset)
      if (queue.dropped || slot < 0 || entries.kind[slot] === EntryKind.ready) return undefined
      return { queue, offset, popTime: entries.popTime[slot]!, attempts: entries.attempts[slot]! }
    },
    pendingAt(queue, offset) {
      const slot = entries.find(live(queue), offset)
      return queue.dropped || slot < 0 ? undefined : pendingIn(live(queue), slot, offset)
    },
    oldest: (queue, max) => oldest(live(queue), max),
    isLive({ queue, offset, popTime }) {
      const slot = entries.find(live(queue), offset)
      return !queue.dropped && slot >= 0 && entries.popTime[slot] === popTime
    },

    retain(queue, min) {
      if (queue.dropped || !transitions.retain(live(queue), min)) return false
      journal.retain(live(queue), min)
      return true
    },
    clamp(queue, max) {
      if (queue.dropped || !transitions.clamp(live(queue), max)) return false
      journal.clamp(live(queue), max)
      return true
    },
    reset(queue, to) {
      assert(Number.isSafeInteger(to) && to >= 0, `an offset to go on at: ${to}`)
      if (queue.dropped) return
      resetQueue(transitions, live(queue), to)
      journal.reset(live(queue), to)
    },
    addCounts: (queue, max, into) => live(queue).ledger.addCounts(queue.cursor, max, into),
    ledger: (queue, { max }) => live(queue).ledger.report(queue.cursor, max, liveTally(live(queue), entries)),

    recordSetting(setting) {
      assert(Buffer.byteLength(setting.name) <= NAME_BYTES_MAX, 'a name has at most 255 bytes')
      assert(Buffer.byteLength(setting.payload) <= SETTING_PAYLOAD_BYTES_MAX, 'a setting has at most 1 MiB')
      journal.setting(setting)
      if (setting.kind === 'topic-created') transitions.dropTopic(setting.name)
      else applySetting(transitions, setting)
    },
    get deletedMessages() {
      return transitions.deletedMessages
    },
    get changesBytes() {
      return journal.bytes
    },
    takeChanges({ provenFlushed }) {
      roll.write(journal)
      entries.clearFresh()
      return journal.take(provenFlushed)
    },
    replay: (body, place) => replayJournal(transitions, body, place),

    beginRoll: (segmentBase) => roll.begin(segmentBase),
    get rolling() {
      return roll.rolling
    },
    rollStep: (bytesMax) => roll.step(bytesMax),

    beginSnapshot: () => beginSnapshot(transitions),
    restoreSnapshot(bytes) {
      assert(entries.count === 0 && [...registry.all()].length === 0, 'a snapshot goes into an empty core')
      restoreSnapshot(transitions, bytes)
    },
  }
}
