// The full state of one queue as bytes, self-contained: names, positions, entries, ready order, ledger.
//
//   version 1 · topic · incarnation · group · queueId · epoch · cursor · popTimeBase
//   entries: count, then each block delta · int32 mask · attempts · popTime − base · 0, or 1 + deadline − popTime
//   ready order: positions in `entries` of those with 0, all of them
//   ledger: int32 bitmap of buckets that are not zero, then count, sum, squares of each as doubles
//   attempt: text, left out when it is '' and no batch follows
//   batches with something in flight: count, then each as in the journal; left out when there is none
//
// Entries are sorted by (block, lowest bit): equal states have equal bytes. Pending dead-letter copies are in flight.
import { Buffer } from 'node:buffer'
import { ATTEMPT_ID_BYTES_MAX, BUCKETS, QUEUE_ID_MAX } from './api.ts'
import type { Batch, QueueRef } from './api.ts'
import { liveBatches, readBatches, writeBatch } from './batches.ts'
import { DIGEST_MODULUS, lowestBit } from './digest.ts'
import { ATTEMPTS_MAX, BLOCK, EntryKind } from './entries.ts'
import type { EntryFields, EntryTable } from './entries.ts'
import { VarintReader, VarintWriter } from './journal/varint.ts'
import type { LiveQueue } from './queue-state.ts'

const VERSION = 1
/** Longest topic or group name in bytes. */
export const NAME_BYTES_MAX = 255
/** Block delta, mask, attempts, pop time, deadline: one byte each at least, the mask four. */
const ENTRY_BYTES_MIN = 8
const BLOCK_MAX = Math.floor(Number.MAX_SAFE_INTEGER / BLOCK)
const FIELDS = 3

export interface DecodedEntry extends EntryFields {
  readonly ready: boolean
}

export interface DecodedState extends QueueRef {
  readonly epoch: number
  readonly attemptId: string
  readonly batches: readonly Batch[]
  readonly cursor: number
  readonly entries: readonly DecodedEntry[]
  /** Positions in `entries`, first released first. */
  readonly readyOrder: readonly number[]
  /** As `Ledger.values`. */
  readonly ledger: Float64Array
}

/** Roughly the bytes a state takes; for pacing. */
export function stateBytesEstimate(queue: LiveQueue): number {
  return 256 + queue.topicBytes.length + queue.groupBytes.length + queue.entries * 18
}

/** The queue's slots ascending by (block, lowest bit): they are linked by block, so one moves past its block's others at most. */
function sortedSlots(queue: LiveQueue, { next, block, mask }: EntryTable): Int32Array {
  const slots = new Int32Array(queue.entries)
  let count = 0
  for (let slot = queue.head; slot >= 0; slot = next[slot]!) {
    let at = count
    for (; at > 0; at -= 1) {
      const before = slots[at - 1]!
      if (block[before] !== block[slot] || lowestBit(mask[before]!) < lowestBit(mask[slot]!)) break
      slots[at] = before
    }
    slots[at] = slot
    count += 1
  }
  return slots
}

export function encodeState(
  queue: LiveQueue,
  table: EntryTable,
  out: VarintWriter = new VarintWriter(512),
): Uint8Array {
  const slots = sortedSlots(queue, table)
  out.rewind()
  out.byte(VERSION)
  out.block(queue.topicBytes)
  out.varint(queue.incarnation)
  out.block(queue.groupBytes)
  out.varint(queue.queueId)
  out.varint(queue.epoch)
  out.varint(queue.cursor)
  let popTimeBase = slots.length === 0 ? 0 : Number.MAX_SAFE_INTEGER
  for (const slot of slots) popTimeBase = Math.min(popTimeBase, table.popTime[slot]!)
  out.varint(popTimeBase)
  out.varint(slots.length)
  let block = 0
  for (const slot of slots) {
    out.varint(table.block[slot]! - block)
    block = table.block[slot]!
    out.int32(table.mask[slot]!)
    out.varint(table.attempts[slot]!)
    out.varint(table.popTime[slot]! - popTimeBase)
    const isReady = table.kind[slot] === EntryKind.ready
    out.varint(isReady ? 0 : table.deadline[slot]! - table.popTime[slot]! + 1)
  }
  encodeReadyOrder(queue, table, slots, out)
  encodeLedger(queue.ledger.values, out)
  const batches = liveBatches(queue, table)
  if (queue.attemptId !== '' || batches.length > 0) out.block(Buffer.from(queue.attemptId))
  if (batches.length > 0) {
    out.varint(batches.length)
    for (const batch of batches) writeBatch(out, batch)
  }
  return out.view()
}

function encodeReadyOrder(queue: LiveQueue, table: EntryTable, slots: Int32Array, out: VarintWriter): void {
  if (queue.readyHead < 0) return
  const positions = new Map(Array.from(slots, (slot, position) => [slot, position]))
  for (let slot = queue.readyHead; slot >= 0; slot = table.readyNext[slot]!) out.varint(positions.get(slot)!)
}

function encodeLedger(values: Float64Array, out: VarintWriter): void {
  let used = 0
  for (let bucket = 0; bucket < BUCKETS.length; bucket += 1) {
    const at = bucket * FIELDS
    if (values[at] !== 0 || values[at + 1] !== 0 || values[at + 2] !== 0) used |= 1 << bucket
  }
  out.int32(used)
  for (let rest = used; rest !== 0; rest &= rest - 1) {
    const at = lowestBit(rest) * FIELDS
    for (let field = 0; field < FIELDS; field += 1) out.double(values[at + field]!)
  }
}

/** Throws MqError 'damaged' naming the field; allocates in proportion to `bytes` only. */
export function decodeState(bytes: Uint8Array): DecodedState {
  const input = new VarintReader(bytes, 'in-flight state record')
  const version = input.byte('version')
  if (version !== VERSION) throw input.refuse('version', `is ${version}, this broker reads ${VERSION}`)
  const topic = input.text('topic', NAME_BYTES_MAX)
  const incarnation = input.varint('incarnation')
  const group = input.text('group', NAME_BYTES_MAX)
  const queueId = input.varint('queueId', QUEUE_ID_MAX)
  const epoch = input.varint('epoch')
  const cursor = input.varint('cursor')
  const entries = decodeEntries(input, cursor)
  const readyOrder = decodeReadyOrder(input, entries)
  const ledger = decodeLedger(input)
  const attemptId = input.remaining > 0 ? input.text('attemptId', ATTEMPT_ID_BYTES_MAX) : ''
  const batches = input.remaining > 0 ? readBatches(input) : []
  if (input.remaining > 0) throw input.refuse('end', `is followed by ${input.remaining} bytes`)
  return { topic, incarnation, group, queueId, epoch, attemptId, batches, cursor, entries, readyOrder, ledger }
}

function decodeEntries(input: VarintReader, cursor: number): DecodedEntry[] {
  const popTimeBase = input.varint('popTimeBase')
  const count = input.count('entries', ENTRY_BYTES_MIN)
  const entries: DecodedEntry[] = []
  let block = 0
  let seen = 0
  let lowest = -1
  for (let at = 0; at < count; at += 1) {
    const delta = input.varint('block', BLOCK_MAX - block)
    if (delta > 0) {
      seen = 0
      lowest = -1
    }
    block += delta
    const mask = input.int32('mask')
    if (mask === 0 || (mask & seen) !== 0 || lowestBit(mask) <= lowest)
      throw input.refuse('mask', 'is empty or overlaps')
    seen |= mask
    lowest = lowestBit(mask)
    if (block * BLOCK + 31 - Math.clz32(mask) >= cursor) throw input.refuse('mask', `is beyond the cursor ${cursor}`)
    const attempts = input.varint('attempts', ATTEMPTS_MAX)
    const popTime = popTimeBase + input.varint('popTime', Number.MAX_SAFE_INTEGER - popTimeBase)
    const wait = input.varint('deadline', Number.MAX_SAFE_INTEGER - popTime)
    entries.push({ block, mask, attempts, popTime, deadline: popTime + Math.max(wait - 1, 0), ready: wait === 0 })
  }
  return entries
}

function decodeReadyOrder(input: VarintReader, entries: readonly DecodedEntry[]): number[] {
  const order: number[] = []
  const seen = new Uint8Array(entries.length)
  const ready = entries.reduce((count, entry) => count + (entry.ready ? 1 : 0), 0)
  for (let at = 0; at < ready; at += 1) {
    const position = input.varint('ready order', entries.length - 1)
    if (!entries[position]!.ready || seen[position] === 1) throw input.refuse('ready order', `names entry ${position}`)
    seen[position] = 1
    order.push(position)
  }
  return order
}

function decodeLedger(input: VarintReader): Float64Array {
  const ledger = new Float64Array(BUCKETS.length * FIELDS)
  const used = input.int32('ledger')
  if (used >>> BUCKETS.length !== 0) throw input.refuse('ledger', 'has unknown buckets')
  for (let rest = used; rest !== 0; rest &= rest - 1) {
    const at = lowestBit(rest) * FIELDS
    for (let field = 0; field < FIELDS; field += 1) {
      const value = input.double('ledger')
      const isDigest = Number.isInteger(value) && value >= 0 && value < DIGEST_MODULUS
      if (!(field === 0 ? Number.isSafeInteger(value) : isDigest)) throw input.refuse('ledger', 'is no count or digest')
      ledger[at + field] = value
    }
  }
  return ledger
}
