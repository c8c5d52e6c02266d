// Writes the operations of a Turn as they happen, straight into the bytes of its journal record.
// Invariant: neighbouring acks of one batch share an operation; nothing is allocated per message.
import { Buffer } from 'node:buffer'
import { type Batch, CLIENT_BYTES_MAX, type OffsetRange, type SettingEntry } from '../api.ts'
import { writeBatch } from '../batches.ts'
import type { LiveQueue } from '../queue-state.ts'
import type { Windows } from '../windows.ts'
import { JOURNAL_HEADER_BYTES, JOURNAL_VERSION, Op, SETTING_KINDS } from './entries.ts'
import { VarintWriter } from './varint.ts'

/** Cut between characters. */
function clientBytes(name: string): Uint8Array {
  const bytes = Buffer.from(name)
  if (bytes.length <= CLIENT_BYTES_MAX) return bytes
  let end = CLIENT_BYTES_MAX
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end)
}

export class JournalWriter {
  readonly #out = new VarintWriter(64 * 1024)
  /** Counts records, so that queues know whether they are declared in this one. */
  #record = 0
  #declared = 0
  #selected = -1
  /** The mask of the ack that ends the record so far, −1 when it ends otherwise. */
  #ackAt = -1
  #ackBlock = 0
  #ackPopTime = 0
  /** Who the pops of now are for. Written in front of the first one alone: a pop that takes nothing writes nothing. */
  client = ''
  /** Whom the record names already. */
  #toldClient = ''

  constructor() {
    this.#begin()
  }

  #begin(): void {
    this.#record += 1
    this.#declared = 0
    this.#selected = -1
    this.#ackAt = -1
    this.#toldClient = ''
    this.#out.rewind()
    this.#out.byte(JOURNAL_VERSION)
    this.#out.double(0)
  }

  /** Bytes so far; 0 when nothing was recorded. */
  get bytes(): number {
    const { position } = this.#out
    return position === JOURNAL_HEADER_BYTES ? 0 : position
  }

  /** The record's body, and a new one begins. Undefined when nothing was recorded. */
  take(provenFlushed: number): Uint8Array | undefined {
    if (this.bytes === 0) return undefined
    this.#out.patchDouble(1, provenFlushed)
    const body = this.#out.copy()
    this.#begin()
    return body
  }

  #operation(queue: LiveQueue, code: number): void {
    this.#ackAt = -1
    this.#select(queue)
    this.#out.byte(code)
  }

  #select(queue: LiveQueue): void {
    const out = this.#out
    if (queue.journalRecord !== this.#record) {
      queue.journalRecord = this.#record
      queue.journalIndex = this.#declared
      this.#declared += 1
      out.byte(Op.declareQueue)
      out.block(queue.topicBytes)
      out.varint(queue.incarnation)
      out.block(queue.groupBytes)
      out.varint(queue.queueId)
    } else if (this.#selected !== queue.journalIndex) {
      out.byte(Op.selectQueue)
      out.varint(queue.journalIndex)
    }
    this.#selected = queue.journalIndex
  }

  /** An operation of a pop, or one that a pop may stand behind: an attempt that asks again changes times. */
  #pop(queue: LiveQueue, code: number): void {
    if (this.client !== this.#toldClient) {
      this.#toldClient = this.client
      this.#out.byte(Op.client)
      this.#out.block(clientBytes(this.client))
    }
    this.#operation(queue, code)
  }

  start(queue: LiveQueue, offset: number): void {
    this.#operation(queue, Op.start)
    this.#out.varint(offset)
  }

  popNext(
    queue: LiveQueue,
    pop: { readonly from: number; readonly to: number; readonly popTime: number; readonly invisibleMs: number },
    taken: Windows,
    damaged: readonly OffsetRange[],
  ): void {
    this.#pop(queue, Op.popNext)
    const out = this.#out
    out.varint(pop.from)
    out.varint(pop.to - pop.from)
    out.varint(pop.popTime)
    out.varint(pop.invisibleMs)
    this.#windows(taken, true)
    this.#ranges(damaged, pop.from)
  }

  park(queue: LiveQueue, { from, to }: OffsetRange, waiting: Windows, damaged: readonly OffsetRange[]): void {
    this.#operation(queue, Op.park)
    this.#out.varint(from)
    this.#out.varint(to - from)
    this.#windows(waiting, true)
    this.#ranges(damaged, from)
  }

  #ranges(ranges: readonly OffsetRange[], from: number): void {
    const out = this.#out
    out.varint(ranges.length)
    let last = from
    for (const range of ranges) {
      out.varint(range.from - last)
      out.varint(range.to - range.from)
      last = range.to
    }
  }

  popReady(queue: LiveQueue, popTime: number, invisibleMs: number, windows: Windows): void {
    this.#pop(queue, Op.popReady)
    this.#out.varint(popTime)
    this.#out.varint(invisibleMs)
    this.#windows(windows, false)
  }

  #windows(windows: Windows, ascending: boolean): void {
    const out = this.#out
    out.varint(windows.count)
    let last = 0
    for (let at = 0; at < windows.count; at += 1) {
      const block = windows.blocks[at]!
      out.varint(block - last)
      if (ascending) last = block
      out.int32(windows.masks[at]!)
    }
  }

  ack(queue: LiveQueue, block: number, mask: number, popTime: number): void {
    const same = this.#ackAt >= 0 && queue.journalRecord === this.#record && queue.journalIndex === this.#selected
    if (same && this.#ackBlock === block && this.#ackPopTime === popTime) {
      this.#out.orInt32(this.#ackAt, mask)
      return
    }
    this.#operation(queue, Op.ack)
    this.#ackAt = this.#out.position
    this.#ackBlock = block
    this.#ackPopTime = popTime
    this.#out.int32(mask)
    this.#out.varint(block)
    this.#out.varint(popTime)
  }

  change(queue: LiveQueue, offset: number, popTime: number, newPopTime: number, invisibleMs: number): void {
    this.#pop(queue, Op.change)
    this.#out.varint(offset)
    this.#out.varint(popTime)
    this.#out.varint(newPopTime - popTime)
    this.#out.varint(invisibleMs)
  }

  release(queue: LiveQueue, block: number, mask: number, popTime: number): void {
    this.#operation(queue, Op.release)
    this.#out.int32(mask)
    this.#out.varint(block)
    this.#out.varint(popTime)
  }

  postpone(queue: LiveQueue, offset: number, popTime: number, deadline: number): void {
    this.#operation(queue, Op.postpone)
    this.#out.varint(offset)
    this.#out.varint(popTime)
    this.#out.varint(deadline)
  }

  settle(queue: LiveQueue, offset: number, popTime: number, bucket: number): void {
    this.#operation(queue, Op.settle)
    this.#out.varint(offset)
    this.#out.varint(popTime)
    this.#out.byte(bucket)
  }

  claim(queue: LiveQueue, offset: number, popTime: number, deadline: number): void {
    this.#operation(queue, Op.claim)
    this.#out.varint(offset)
    this.#out.varint(popTime)
    this.#out.varint(deadline - popTime)
  }

  attempt(queue: LiveQueue, attemptId: string): void {
    this.#operation(queue, Op.attempt)
    this.#out.block(Buffer.from(attemptId))
  }

  batch(queue: LiveQueue, batch: Batch): void {
    this.#operation(queue, Op.batch)
    writeBatch(this.#out, batch)
  }

  retain(queue: LiveQueue, min: number): void {
    this.#operation(queue, Op.retain)
    this.#out.varint(min)
  }

  clamp(queue: LiveQueue, max: number): void {
    this.#operation(queue, Op.clamp)
    this.#out.varint(max)
  }

  reset(queue: LiveQueue, to: number): void {
    this.#operation(queue, Op.reset)
    this.#out.varint(to)
  }

  setting(setting: SettingEntry): void {
    this.#ackAt = -1
    this.#out.byte(Op.setting)
    this.#out.byte(SETTING_KINDS.indexOf(setting.kind))
    this.#out.block(Buffer.from(setting.name))
    this.#out.varint(setting.incarnation)
    this.#out.block(Buffer.from(setting.payload))
  }

  state(bytes: Uint8Array): void {
    this.#ackAt = -1
    this.#out.byte(Op.state)
    this.#out.block(bytes)
  }

  statesComplete(segmentBase: number): void {
    this.#ackAt = -1
    this.#out.byte(Op.statesComplete)
    this.#out.varint(segmentBase)
  }
}
