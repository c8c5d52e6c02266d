// Random histories of a queue that is consumed in order by message group, against a reference of a few lines: a list of
// messages that are waiting, with somebody, or settled. Crashes lose what was not sealed into the log.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { QueueState } from '../../src/inflight/inflight.ts'
import { type DeliveryStep, deliverySteps } from './delivery-steps.ts'
import { NOW, createWorld, expectBalanced, expectSame, rebuilt, snapshotOf, started, watchSnapshot } from './world.ts'

const MAX_ATTEMPTS = 3
const OPTIONS = { maxAttempts: () => MAX_ATTEMPTS }
/** Messages of this one do not match the filter. */
const FILTERED = 0

type Step =
  | { kind: 'send'; groups: readonly number[] }
  | { kind: 'pop'; max: number; attemptId: string; invisibleMs: number }
  | DeliveryStep
  | { kind: 'seal' | 'crash' | 'forget' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      groups: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 40 }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('pop' as const),
      max: fc.integer({ min: 1, max: 16 }),
      attemptId: fc.constantFrom('', 'A', 'B', 'C'),
      invisibleMs: fc.constantFrom(5, 20, 100),
    }),
  },
  ...deliverySteps,
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constantFrom('seal' as const, 'seal' as const, 'crash' as const, 'forget' as const),
    }),
  },
)

interface Message {
  readonly group: number
  attempts: number
  /** Undefined when nobody has it. */
  heldUntil: number | undefined
  popTime: number
  settled: boolean
}

interface Batch {
  readonly popTime: number
  readonly offsets: readonly number[]
}

/** The queue as one group sees it. */
class Model {
  messages: Message[] = []
  cursor = 0
  batches = new Map<string, Batch>()

  copy(): Model {
    const copy = new Model()
    copy.messages = this.messages.map((message) => ({ ...message }))
    copy.cursor = this.cursor
    copy.batches = new Map(this.batches)
    return copy
  }

  send(group: number): void {
    this.messages.push({ group, attempts: 0, heldUntil: undefined, popTime: 0, settled: false })
  }

  isFree(group: number): boolean {
    return this.messages.every((message) => message.group !== group || message.heldUntil === undefined)
  }

  /** Waiting messages of groups that nobody has one of; each group with all of its own, by its lowest. */
  givable(): number[] {
    const waiting = [...this.messages.entries()].filter(([at, { settled }]) => at < this.cursor && !settled)
    const groups = [...new Set(waiting.map(([, { group }]) => group))].filter((group) => this.isFree(group))
    return groups.flatMap((group) => waiting.filter(([, message]) => message.group === group).map(([at]) => at))
  }

  /** The cursor moves until there is enough. */
  lookAhead(max: number): void {
    while (this.givable().length < max && this.cursor < this.messages.length) {
      const message = this.messages[this.cursor]!
      if (message.group === FILTERED) message.settled = true
      this.cursor += 1
    }
  }

  /** What the attempt took and still has. */
  again(attemptId: string): number[] {
    const { popTime, offsets } = this.batches.get(attemptId) ?? { popTime: 0, offsets: [] }
    return offsets.filter((offset) => {
      const { heldUntil, popTime: latest } = this.messages[offset]!
      return heldUntil !== undefined && latest === popTime
    })
  }

  held(): number[] {
    return [...this.messages.entries()].filter(([, { heldUntil }]) => heldUntil !== undefined).map(([at]) => at)
  }
}

/** As a pop by message group does it. */
function popByGroup(
  core: ReturnType<typeof rebuilt>,
  queue: QueueState,
  { messages }: Model,
  now: number,
  { max, attemptId, invisibleMs }: { max: number; attemptId: string; invisibleMs: number },
) {
  if (attemptId !== '' && core.hasBatch(queue, attemptId)) {
    const popTime = core.nextPopTimeOfAll(now)
    const again = core.popBatchAgain(queue, attemptId, { popTime, invisibleMs })
    if (again.offsets.length > 0) return { popTime, ...again }
  }
  const popTime = core.nextPopTime(now)
  const lines = core.openLines(queue, (offset) => ({ group: messages[offset]!.group, size: 100 }))!
  const waiting: { offset: number; group: number; size: number }[] = []
  let to = queue.cursor
  for (let { givable } = lines; givable < max && to < messages.length; to += 1) {
    const { group } = messages[to]!
    if (group === FILTERED) continue
    waiting.push({ offset: to, group, size: 100 })
    if (lines.gives(group)) givable += 1
  }
  core.park(queue, { to, waiting, damaged: [] })
  return { popTime, ...core.popLines(queue, { popTime, invisibleMs, max, attemptId, fits: () => true }) }
}

test('by message group: any history → the lowest messages of groups that nobody has, or the same batch again, counted right, and a crash changes none of it', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 120 }), (steps) => {
      const world = createWorld(OPTIONS)
      let queue: QueueState = started(world)
      let model = new Model()
      let now = NOW
      world.seal()
      let sealed = model.copy()

      function seal(): void {
        world.seal()
        sealed = model.copy()
      }
      function picked(at: number): number | undefined {
        const held = model.held()
        return held[at % Math.max(1, held.length)]
      }
      function settle(offset: number): void {
        model.messages[offset]!.settled = true
        model.messages[offset]!.heldUntil = undefined
      }
      /** The copy is a record of its own, behind the pop. */
      function kill(offset: number): void {
        seal()
        expect(world.copy(queue, offset, model.messages[offset]!.popTime)).toBe(true)
        settle(offset)
        seal()
      }

      let taking: ReturnType<typeof watchSnapshot> | undefined
      for (const each of steps) {
        switch (each.kind) {
          case 'send':
            for (const group of each.groups) model.send(group)
            break
          case 'pop': {
            let offsets = each.attemptId === '' ? [] : model.again(each.attemptId)
            const isAgain = offsets.length > 0
            if (!isAgain) {
              model.lookAhead(each.max)
              offsets = model
                .givable()
                .slice(0, each.max)
                .toSorted((a, b) => a - b)
            }
            const popped = popByGroup(world.core, queue, model, now, each)
            expect(popped.offsets).toStrictEqual(offsets)
            for (const offset of offsets) {
              const message = model.messages[offset]!
              if (!isAgain) message.attempts += 1
              message.popTime = popped.popTime
              message.heldUntil = popped.popTime + each.invisibleMs
            }
            expect(popped.attempts).toStrictEqual(offsets.map((offset) => model.messages[offset]!.attempts))
            const { popTime } = popped
            if (offsets.length > 0 && each.attemptId !== '') model.batches.set(each.attemptId, { popTime, offsets })
            break
          }
          case 'ack': {
            const offset = picked(each.pick)
            if (offset === undefined) break
            const popTime = model.messages[offset]!.popTime - (each.isStale ? 1 : 0)
            expect(world.core.ack(queue, offset, popTime)).toBe(!each.isStale)
            if (!each.isStale) settle(offset)
            break
          }
          case 'release':
          case 'hide': {
            const offset = picked(each.pick)
            if (offset === undefined) break
            const message = model.messages[offset]!
            const invisibleMs = each.kind === 'hide' ? each.invisibleMs : 0
            const changed = world.core.changeInvisible(queue, offset, message.popTime, { nowMs: now, invisibleMs })
            expect(changed.kind).toBe('changed')
            if (changed.kind !== 'changed') break
            message.popTime = changed.popTime
            message.heldUntil = changed.released ? undefined : changed.deadlineMs
            break
          }
          case 'giveUp': {
            const offset = picked(each.pick)
            if (offset === undefined) break
            seal()
            const popTime = model.messages[offset]!.popTime - (each.isStale ? 1 : 0)
            const isGivenUp = world.core.giveUp(queue, offset, popTime)
            expect(isGivenUp).toBe(!each.isStale)
            if (isGivenUp) kill(offset)
            break
          }
          case 'wait': {
            now += each.ms
            seal()
            const dead = world.core.expire(now, 10_000).dead.map(({ offset }) => offset)
            for (const offset of model.held()) {
              const message = model.messages[offset]!
              if ((message.heldUntil ?? now) > now) continue
              if (message.attempts < MAX_ATTEMPTS) message.heldUntil = undefined
              else {
                expect(dead).toContain(offset)
                kill(offset)
              }
            }
            break
          }
          case 'seal':
            seal()
            taking?.finish()
            taking = watchSnapshot(world.core)
            break
          case 'forget':
            // Another order was asked for in between.
            world.core.isFree(queue)
            break
          case 'crash': {
            taking = undefined
            world.core.takeChanges({ provenFlushed: 0 })
            world.core = rebuilt(world.log, OPTIONS)
            queue = world.core.queue('T', 'G', 0)!
            // Messages are in the log apart from deliveries: what was sent stays.
            const sent = model.messages.slice(sealed.messages.length)
            model = sealed.copy()
            for (const { group } of sent) model.send(group)
            break
          }
        }
        expect([queue.inFlight, queue.cursor]).toStrictEqual([model.held().length, model.cursor])
        expectBalanced(world.core, queue, model.messages.length)
      }
      taking?.finish()
      seal()
      expectSame(world.core, rebuilt(world.log, OPTIONS))
      const copied = createWorld(OPTIONS).core
      copied.restoreSnapshot(snapshotOf(world.core))
      expectSame(world.core, copied)
    }),
    { numRuns: 100 },
  )
})
