// Bytes that are no journal record, state or snapshot are refused as MqError 'damaged', at once and without a trace.
import { expect, test } from '@jest/globals'
import { MqError } from '@rocketmq-ts/model'
import * as fc from 'fast-check'
import { createInflight } from '../../../src/inflight/inflight.ts'
import { VarintReader, VarintWriter } from '../../../src/inflight/journal/varint.ts'
import { decodeState } from '../../../src/inflight/state-record.ts'
import { NOW, OPTIONS, createWorld, picture, pop, popAgain, snapshotOf, started } from '../world.ts'

function busyWorld() {
  const world = createWorld()
  const queue = started(world, 3)
  const popTime = pop(world, queue, 40, { invisible: 10 })
  world.core.ack(queue, 4, popTime)
  world.core.changeInvisible(queue, 5, popTime, { nowMs: NOW + 1, invisibleMs: 500 })
  world.core.settle(queue, 6, popTime, 'damaged')
  world.core.expire(NOW + 10, 1000)
  popAgain(world, queue, 5, { now: NOW + 10 })
  world.core.recordSetting({ kind: 'group-changed', name: 'G', incarnation: 0, payload: '{"a":1}' })
  world.core.popNext(queue, { popTime: NOW, invisibleMs: 3, to: 90, taken: [70], damaged: [{ from: 80, to: 85 }] })
  world.core.beginRoll(4096)
  world.core.rollStep(1_000_000)
  return world
}

const BODY = busyWorld().core.takeChanges({ provenFlushed: 99 })!
const SNAPSHOT = snapshotOf(busyWorld().core)

/** Either accepted, or refused as damaged with the core as it was. */
function expectRefusedOrApplied(act: () => unknown, before: string, after: () => string): void {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(MqError)
    expect((error as MqError).code).toBe('damaged')
    expect(after()).toBe(before)
  }
}

function replayAnything(bytes: Uint8Array): void {
  const core = createInflight(OPTIONS)
  core.replay(BODY, 5000)
  expectRefusedOrApplied(
    () => core.replay(bytes, 6000),
    picture(core, true),
    () => picture(core, true),
  )
  for (const queue of core.all()) expect(core.lowMark(queue)).toBeLessThanOrEqual(queue.cursor)
}

test('journal fuzz: arbitrary bytes → refused as damaged, nothing applied', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), replayAnything), { numRuns: 500 })
})

test('journal fuzz: arbitrary operations behind a good header → refused or applied, never a hang or another error', () => {
  const operation = fc.tuple(fc.integer({ min: 0, max: 17 }), fc.uint8Array({ maxLength: 24 }))
  const head = BODY.subarray(0, 9)
  const names = Buffer.from('\u0001\u0001T\u0080\u0020\u0001G\u0000', 'latin1')
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
      replayAnything(Buffer.concat([head, names, ...operations.map(([code, rest]) => Buffer.from([code, ...rest]))]))
    }),
    { numRuns: 1500 },
  )
})

test('journal fuzz: a record with flipped bytes → refused or applied, never a hang or another error', () => {
  const flip = fc.record({ at: fc.nat(BODY.length - 1), value: fc.integer({ min: 0, max: 255 }) })
  fc.assert(
    fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
      const bytes = Uint8Array.from(BODY)
      for (const { at, value } of flips) bytes[at] = value
      replayAnything(bytes)
    }),
    { numRuns: 1500 },
  )
})

test('journal fuzz: a record cut anywhere → refused, or the shorter record that it then is', () => {
  for (let length = 0; length < BODY.length; length += 1) replayAnything(BODY.subarray(0, length))
})

test('snapshot fuzz: cut or with flipped bytes → refused with the core still empty, or restored', () => {
  const flip = fc.record({ at: fc.nat(SNAPSHOT.length - 1), value: fc.integer({ min: 0, max: 255 }) })
  fc.assert(
    fc.property(fc.array(flip, { maxLength: 3 }), fc.nat(SNAPSHOT.length), (flips, length) => {
      const bytes = Uint8Array.from(SNAPSHOT)
      for (const { at, value } of flips) bytes[at] = value
      const core = createInflight(OPTIONS)
      const cut = flips.length === 0 ? bytes.subarray(0, length) : bytes
      expectRefusedOrApplied(
        () => core.restoreSnapshot(cut),
        picture(core, true),
        () => picture(core, true),
      )
    }),
    { numRuns: 1000 },
  )
})

test('journal: counts beyond the bytes that follow → refused before anything is allocated for them', () => {
  const out = new VarintWriter()
  out.varint(2 ** 40)
  expect(() => new VarintReader(out.copy(), 'test').count('windows', 5)).toThrow('windows is 1099511627776')
})

test('journal: the version of a later broker → refused, naming it and what this one reads', () => {
  const later = Uint8Array.from(BODY)
  later[0] = 9
  expect(() => createInflight(OPTIONS).replay(later, 0)).toThrow('version is 9, this broker reads 1')
})

test('varint: any safe integers → read back as written', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(2 ** 31, 2 ** 31 - 1, 2 ** 53 - 1))),
      (values) => {
        const out = new VarintWriter(1)
        for (const value of values) out.varint(value)
        const input = new VarintReader(out.copy(), 'test')
        expect(values.map(() => input.varint('value'))).toEqual(values)
        expect(input.remaining).toBe(0)
      },
    ),
  )
})

test('varint: longer than a safe integer, or cut → refused', () => {
  const read = (bytes: number[]) => () => new VarintReader(Uint8Array.from(bytes), 'test').varint('value')
  expect(read([255, 255, 255, 255, 255, 255, 255, 255, 1])).toThrow('longer than 8 bytes')
  expect(read([255, 255, 255, 255, 255, 255, 255, 127])).toThrow('at most 9007199254740991')
  expect(read([128])).toThrow('needs 1 bytes')
})

test('state record: entries that overlap, reach beyond the cursor or break the ready order → refused, naming the field', () => {
  const state = (cursor: number, entries: readonly (readonly [number, number, number])[], order: readonly number[]) => {
    const out = new VarintWriter()
    out.byte(1)
    out.block(Buffer.from('T'))
    out.varint(1)
    out.block(Buffer.from('G'))
    for (const value of [0, 0, cursor, 1000, entries.length]) out.varint(value)
    for (const [block, mask, wait] of entries) {
      out.varint(block)
      out.int32(mask)
      out.varint(1)
      out.varint(0)
      out.varint(wait)
    }
    for (const position of order) out.varint(position)
    out.int32(0)
    return out.copy()
  }
  expect(
    decodeState(
      state(
        64,
        [
          [1, 7, 0],
          [0, 8, 5],
        ],
        [0],
      ),
    ).entries,
  ).toHaveLength(2)
  expect(() =>
    decodeState(
      state(
        64,
        [
          [1, 7, 5],
          [0, 12, 5],
        ],
        [],
      ),
    ),
  ).toThrow('mask is empty or overlaps')
  expect(() => decodeState(state(64, [[0, 0, 5]], []))).toThrow('mask is empty or overlaps')
  expect(() => decodeState(state(34, [[1, 7, 5]], []))).toThrow('mask is beyond the cursor 34')
  expect(() =>
    decodeState(
      state(
        64,
        [
          [0, 1, 0],
          [0, 2, 5],
        ],
        [1],
      ),
    ),
  ).toThrow('ready order names entry 1')
  expect(() =>
    decodeState(
      state(
        64,
        [
          [0, 1, 0],
          [0, 2, 0],
        ],
        [1, 1],
      ),
    ),
  ).toThrow('ready order names entry 1')
})
