// Reads the body of a journal record and tells it to a sink, operation by operation.
// Invariant: a sink is told only what is well-formed by itself; work and memory are in proportion to the bytes.
import { ATTEMPT_ID_BYTES_MAX, CLIENT_BYTES_MAX, QUEUE_ID_MAX, SETTING_PAYLOAD_BYTES_MAX } from '../api.ts'
import type { Batch, OffsetRange, QueueRef, SettingEntry } from '../api.ts'
import { BUCKETS } from '../api.ts'
import { readBatch } from '../batches.ts'
import { BLOCK } from '../entries.ts'
import { NAME_BYTES_MAX, decodeState } from '../state-record.ts'
import type { DecodedState } from '../state-record.ts'
import type { Windows } from '../windows.ts'
import { JOURNAL_VERSION, Op, SETTING_KINDS } from './entries.ts'
import { VarintReader } from './varint.ts'

/** Told what a record holds. Queue operations act on the queue selected last. */
export interface JournalSink {
  declareQueue(queue: QueueRef): void
  selectQueue(number: number): void
  start(offset: number): void
  /** `taken` is valid during the call only. */
  popNext(
    pop: { readonly from: number; readonly to: number; readonly popTime: number; readonly invisibleMs: number },
    taken: Windows,
    damaged: readonly OffsetRange[],
  ): void
  popReady(popTime: number, invisibleMs: number, windows: Windows): void
  ack(block: number, mask: number, popTime: number): void
  change(offset: number, popTime: number, newPopTime: number, invisibleMs: number): void
  release(block: number, mask: number, popTime: number): void
  postpone(offset: number, popTime: number, deadline: number): void
  settle(offset: number, popTime: number, bucket: number): void
  claim(offset: number, popTime: number, deadline: number): void
  attempt(attemptId: string): void
  /** `waiting` is valid during the call only. */
  park(visited: OffsetRange, waiting: Windows, damaged: readonly OffsetRange[]): void
  batch(batch: Batch): void
  /** The pops that follow are for this client. */
  client(name: string): void
  retain(min: number): void
  clamp(max: number): void
  reset(to: number): void
  setting(setting: SettingEntry): void
  state(state: DecodedState): void
  statesComplete(segmentBase: number): void
}

const BLOCK_MAX = Math.floor(Number.MAX_SAFE_INTEGER / BLOCK) - 1
/** A window takes a block of one byte and a mask of four at least. */
const WINDOW_BYTES_MIN = 5
const STATE_BYTES_MAX = 64 * 1024 * 1024

const windows: Windows = { count: 0, blocks: [], masks: [] }

/**
 * Tells the sink everything in order and returns F. Throws MqError 'damaged' naming the field; told what came before
 * it then, so check with a sink that does nothing first.
 */
export function decodeJournal(body: Uint8Array, sink: JournalSink): number {
  const input = new VarintReader(body, 'in-flight journal record')
  const version = input.byte('version')
  if (version !== JOURNAL_VERSION) throw input.refuse('version', `is ${version}, this broker reads ${JOURNAL_VERSION}`)
  const provenFlushed = input.double('provenFlushed')
  if (!Number.isSafeInteger(provenFlushed) || provenFlushed < 0) throw input.refuse('provenFlushed', 'is no position')
  let declared = 0
  let selected = false
  while (input.remaining > 0) {
    const code = input.byte('operation')
    if (code === Op.declareQueue) {
      sink.declareQueue(readQueue(input))
      declared += 1
      selected = true
    } else if (code === Op.selectQueue) {
      const number = input.varint('queue number')
      if (number >= declared) throw input.refuse('queue number', `is ${number} of ${declared}`)
      sink.selectQueue(number)
    } else if (!readRecordWide(code, input, sink)) {
      if (!selected) throw input.refuse('operation', `${code} has no queue`)
      readOperation(code, input, sink)
    }
  }
  return provenFlushed
}

function readQueue(input: VarintReader): QueueRef {
  const topic = input.text('topic', NAME_BYTES_MAX)
  const incarnation = input.varint('incarnation')
  const group = input.text('group', NAME_BYTES_MAX)
  return { topic, incarnation, group, queueId: input.varint('queueId', QUEUE_ID_MAX) }
}

/** Operations that concern no selected queue. */
function readRecordWide(code: number, input: VarintReader, sink: JournalSink): boolean {
  if (code === Op.setting) {
    const kind = SETTING_KINDS[input.byte('setting kind')]
    if (kind === undefined) throw input.refuse('setting kind', 'is unknown')
    const name = input.text('setting name', NAME_BYTES_MAX)
    const incarnation = input.varint('setting incarnation')
    sink.setting({ kind, name, incarnation, payload: input.text('setting payload', SETTING_PAYLOAD_BYTES_MAX) })
  } else if (code === Op.state) sink.state(decodeState(input.block('state', STATE_BYTES_MAX)))
  else if (code === Op.client) sink.client(input.text('client', CLIENT_BYTES_MAX))
  else if (code === Op.statesComplete) sink.statesComplete(input.varint('segment base'))
  else return false
  return true
}

function readOperation(code: number, input: VarintReader, sink: JournalSink): void {
  switch (code) {
    case Op.start:
      return sink.start(input.varint('offset'))
    case Op.popNext:
      return readPopNext(input, sink)
    case Op.popReady: {
      const { popTime, invisibleMs } = readTimes(input)
      readWindows(input, false)
      return sink.popReady(popTime, invisibleMs, windows)
    }
    case Op.ack: {
      const mask = input.int32('mask')
      return sink.ack(input.varint('block', BLOCK_MAX), mask, input.varint('popTime'))
    }
    case Op.change: {
      const offset = input.varint('offset')
      const popTime = input.varint('popTime')
      const newPopTime = popTime + input.varint('new popTime', Number.MAX_SAFE_INTEGER - popTime)
      const invisibleMs = input.varint('invisibleMs', Number.MAX_SAFE_INTEGER - newPopTime)
      return sink.change(offset, popTime, newPopTime, invisibleMs)
    }
    case Op.release: {
      const mask = input.int32('mask')
      return sink.release(input.varint('block', BLOCK_MAX), mask, input.varint('popTime'))
    }
    case Op.postpone:
      return sink.postpone(input.varint('offset'), input.varint('popTime'), input.varint('deadline'))
    case Op.settle: {
      const offset = input.varint('offset')
      const popTime = input.varint('popTime')
      const bucket = input.byte('bucket')
      if (bucket >= BUCKETS.length) throw input.refuse('bucket', `is ${bucket}`)
      return sink.settle(offset, popTime, bucket)
    }
    case Op.claim: {
      const offset = input.varint('offset', Number.MAX_SAFE_INTEGER - 1)
      const { popTime, invisibleMs } = readTimes(input)
      return sink.claim(offset, popTime, popTime + invisibleMs)
    }
    case Op.attempt:
      return sink.attempt(input.text('attempt', ATTEMPT_ID_BYTES_MAX))
    case Op.park: {
      const from = input.varint('from')
      const to = from + input.varint('to', Number.MAX_SAFE_INTEGER - from)
      const damaged = readVisited(input, from, to)
      return sink.park({ from, to }, windows, damaged)
    }
    case Op.batch:
      return sink.batch(readBatch(input))
    case Op.retain:
      return sink.retain(input.varint('min'))
    case Op.clamp:
      return sink.clamp(input.varint('max'))
    case Op.reset:
      return sink.reset(input.varint('offset'))
    default:
      throw input.refuse('operation', `${code} is unknown`)
  }
}

function readTimes(input: VarintReader): { popTime: number; invisibleMs: number } {
  const popTime = input.varint('popTime')
  return { popTime, invisibleMs: input.varint('invisibleMs', Number.MAX_SAFE_INTEGER - popTime) }
}

/** Fills `windows`. */
function readWindows(input: VarintReader, ascending: boolean): void {
  const count = input.count('windows', WINDOW_BYTES_MIN)
  let last = 0
  for (let at = 0; at < count; at += 1) {
    const block = last + input.varint('block', BLOCK_MAX - last)
    if (ascending && at > 0 && block === last) throw input.refuse('block', `${block} comes twice`)
    if (ascending) last = block
    const mask = input.int32('mask')
    if (mask === 0) throw input.refuse('mask', 'is empty')
    windows.blocks[at] = block
    windows.masks[at] = mask
  }
  windows.count = count
}

function readPopNext(input: VarintReader, sink: JournalSink): void {
  const from = input.varint('from')
  const to = from + input.varint('to', Number.MAX_SAFE_INTEGER - from)
  const { popTime, invisibleMs } = readTimes(input)
  const damaged = readVisited(input, from, to)
  sink.popNext({ from, to, popTime, invisibleMs }, windows, damaged)
}

/** Fills `windows`, and returns what was damaged. */
function readVisited(input: VarintReader, from: number, to: number): OffsetRange[] {
  readWindows(input, true)
  checkWithin(input, from, to)
  const count = input.count('damaged', 2)
  const damaged: OffsetRange[] = []
  let last = from
  for (let at = 0; at < count; at += 1) {
    const start = last + input.varint('damaged from', to - last)
    last = start + input.varint('damaged length', to - start)
    damaged.push({ from: start, to: last })
  }
  return damaged
}

function checkWithin(input: VarintReader, from: number, to: number): void {
  if (windows.count === 0) return
  const first = windows.blocks[0]! * BLOCK + 31 - Math.clz32(windows.masks[0]! & -windows.masks[0]!)
  const end = windows.count - 1
  const last = windows.blocks[end]! * BLOCK + 31 - Math.clz32(windows.masks[end]!)
  if (first < from || last >= to) throw input.refuse('windows', `reach out of [${from}, ${to})`)
}
