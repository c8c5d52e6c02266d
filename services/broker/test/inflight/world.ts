// A core with its log: Turns are sealed into records, copies stand before the record of their Turn, and any part of the
// log can be replayed into a new core. Also names for the usual queue.
import { expect } from '@jest/globals'
import { createInflight } from '../../src/inflight/inflight.ts'
import type { Inflight, InflightOptions, Origin, QueueState, SettledBucket } from '../../src/inflight/inflight.ts'
import { VarintReader } from '../../src/inflight/journal/varint.ts'

/** A plausible present. */
export const NOW = 1_700_000_000_000
export const INCARNATION = 4096

export type LogRecord =
  | { readonly place: number; readonly kind: 'journal'; readonly body: Uint8Array }
  | { readonly place: number; readonly kind: 'copy'; readonly origin: Origin; readonly into: SettledBucket }

export interface World {
  core: Inflight
  readonly log: LogRecord[]
  /** Ends the Turn; returns the place of its record. */
  seal(): number | undefined
  /** Appends the copy of a message and settles its origin, as a caller does. */
  copy(queue: QueueState, offset: number, popTime: number, into?: SettledBucket): boolean
  /** Place of the next record. */
  readonly end: number
}

export const OPTIONS: InflightOptions = { maxAttempts: () => 3 }

export function createWorld(options: InflightOptions = OPTIONS): World {
  const log: LogRecord[] = []
  let end = INCARNATION + 100
  const world: World = {
    core: createInflight(options),
    log,
    get end() {
      return end
    },
    seal() {
      const body = world.core.takeChanges({ provenFlushed: end })
      if (body === undefined) return undefined
      const place = end
      log.push({ place, kind: 'journal', body })
      end += 100
      return place
    },
    copy(queue, offset, popTime, into = 'dead') {
      const { topic, incarnation, group, queueId } = queue
      if (!world.core.settleByCopy(queue, offset, popTime, into)) return false
      log.push({ place: end, kind: 'copy', origin: { topic, incarnation, group, queueId, offset, popTime }, into })
      end += 100
      return true
    },
  }
  return world
}

export function replayInto(core: Inflight, log: readonly LogRecord[]): Inflight {
  for (const record of log) {
    if (record.kind === 'journal') core.replay(record.body, record.place)
    else core.applyOrigin(record.origin, record.into)
  }
  return core
}

/** A core made from the log alone. */
export function rebuilt(log: readonly LogRecord[], options: InflightOptions = OPTIONS): Inflight {
  return replayInto(createInflight(options), log)
}

/** All states in one piece. */
export function snapshotOf(core: Inflight): Uint8Array {
  const snapshot = core.beginSnapshot()
  snapshot.step(Infinity)
  return snapshot.encode()
}

/** A snapshot that begins now and is taken while things go on: `finish` expects that nothing of that is in it. */
export function watchSnapshot(core: Inflight): { readonly step: () => void; readonly finish: () => void } {
  const expected = Buffer.from(snapshotOf(core)).toString('hex')
  const snapshot = core.beginSnapshot()
  return {
    step: () => void snapshot.step(1),
    finish() {
      while (!snapshot.step(1));
      expect(Buffer.from(snapshot.encode()).toString('hex')).toBe(expected)
    },
  }
}

/** All states in their canonical form; without broker-wide counters unless asked for. */
export function picture(core: Inflight, counters = false): string {
  const bytes = snapshotOf(core)
  const input = new VarintReader(bytes, 'snapshot')
  input.byte('version')
  for (let counter = 0; counter < 3; counter += 1) input.varint('counter')
  return Buffer.from(counters ? bytes : bytes.subarray(bytes.length - input.remaining)).toString('hex')
}

export function expectSame(a: Inflight, b: Inflight, counters = false): void {
  expect(picture(a, counters)).toBe(picture(b, counters))
}

export function expectBalanced(core: Inflight, queue: QueueState, max: number): void {
  expect(core.ledger(queue, { max }).faults).toEqual([])
}

/** The group starts in queue 0 of topic T at `offset`. */
export function started(world: World, offset = 0, queueId = 0): QueueState {
  return world.core.start({ topic: 'T', incarnation: INCARNATION, group: 'G', queueId }, offset)
}

/** Pops `count` messages from the cursor on; returns the pop time. */
export function pop(world: World, queue: QueueState, count: number, times: { now?: number; invisible?: number } = {}) {
  const { now = NOW, invisible = 60_000 } = times
  const popTime = world.core.nextPopTime(now)
  const taken = Array.from({ length: count }, (_, index) => queue.cursor + index)
  world.core.popNext(queue, { popTime, invisibleMs: invisible, to: queue.cursor + count, taken })
  return popTime
}

export function popAgain(world: World, queue: QueueState, max = 32, times: { now?: number; invisible?: number } = {}) {
  const { now = NOW, invisible = 60_000 } = times
  const popTime = world.core.nextPopTime(now)
  return { popTime, ...world.core.popReady(queue, { popTime, invisibleMs: invisible, max }) }
}
