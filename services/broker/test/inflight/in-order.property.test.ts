// Random histories of a queue that is consumed in order, against a reference of a few lines: a list of messages that are
// waiting, with somebody, or settled. Crashes lose what was not sealed into the log.
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { QueueState } from '../../src/inflight/inflight.ts'
import { type DeliveryStep, deliverySteps } from './delivery-steps.ts'
import { NOW, createWorld, expectBalanced, expectSame, rebuilt, started } from './world.ts'

const MAX_ATTEMPTS = 3
const OPTIONS = { maxAttempts: () => MAX_ATTEMPTS }

type Step =
  | { kind: 'send'; count: number }
  | { kind: 'pop'; max: number; attemptId: string; invisibleMs: number }
  | DeliveryStep
  | { kind: 'seal' | 'crash' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('send' as const), count: fc.integer({ min: 1, max: 50 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('pop' as const),
      max: fc.integer({ min: 1, max: 32 }),
      attemptId: fc.constantFrom('', 'A', 'B'),
      invisibleMs: fc.constantFrom(5, 20, 100),
    }),
  },
  ...deliverySteps,
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('seal' as const, 'seal' as const, 'crash' as const) }) },
)

interface Message {
  attempts: number
  /** Undefined when nobody has it. */
  heldUntil: number | undefined
  popTime: number
  settled: boolean
}

/** What a pop must give: the batch again, nothing behind one, or the lowest that are left. */
function expected(model: readonly Message[], last: string, pop: { readonly max: number; readonly attemptId: string }) {
  const open = model.flatMap((message, offset) => (message.settled ? [] : [{ offset, message }]))
  const held = open.filter(({ message }) => message.heldUntil !== undefined)
  if (held.length === 0) return { offsets: open.slice(0, pop.max).map(({ offset }) => offset), isAgain: false }
  const isAgain = pop.attemptId !== '' && pop.attemptId === last
  return { offsets: isAgain ? held.map(({ offset }) => offset) : [], isAgain }
}

/** As a pop in order does it. */
function popInOrder(
  core: ReturnType<typeof rebuilt>,
  queue: QueueState,
  sent: number,
  now: number,
  { max, attemptId, invisibleMs }: { max: number; attemptId: string; invisibleMs: number },
) {
  if (attemptId !== '' && queue.inFlight > 0 && queue.attemptId === attemptId) {
    const popTime = core.nextPopTimeOfAll(now)
    return { popTime, ...core.popAgain(queue, { popTime, invisibleMs }) }
  }
  const popTime = core.nextPopTime(now)
  if (!core.isFree(queue)) return { popTime, offsets: [], attempts: [] }
  const ready = core.popReady(queue, { popTime, invisibleMs, max, inOrder: true })
  const count = queue.ready > 0 ? 0 : Math.min(max - ready.offsets.length, sent - queue.cursor)
  const taken = Array.from({ length: count }, (_, index) => queue.cursor + index)
  core.popNext(queue, { popTime, invisibleMs, to: queue.cursor + count, taken })
  const offsets = [...ready.offsets, ...taken]
  if (offsets.length > 0) core.noteAttempt(queue, attemptId)
  return { popTime, offsets, attempts: [...ready.attempts, ...taken.map(() => 1)] }
}

test('in order: any history → the lowest messages or the same batch again, counted right, and a crash changes none of it', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 120 }), (steps) => {
      const world = createWorld(OPTIONS)
      let queue: QueueState = started(world)
      let model: Message[] = []
      let attempt = ''
      let now = NOW
      world.seal()
      const copyOf = () => ({ model: model.map((message) => ({ ...message })), attempt })
      let sealed = copyOf()

      function seal(): void {
        world.seal()
        sealed = copyOf()
      }
      function picked(pickAt: number) {
        const held = model.flatMap((message, offset) => (message.heldUntil === undefined ? [] : [offset]))
        return held[pickAt % Math.max(1, held.length)]
      }
      /** The copy is a record of its own, behind the pop. */
      function kill(offset: number): void {
        const message = model[offset]!
        seal()
        expect(world.copy(queue, offset, message.popTime)).toBe(true)
        message.settled = true
        message.heldUntil = undefined
        seal()
      }

      for (const each of steps) {
        switch (each.kind) {
          case 'send':
            for (let count = 0; count < each.count; count += 1) {
              model.push(newMessage())
            }
            break
          case 'pop': {
            const { offsets, isAgain } = expected(model, attempt, each)
            const popped = popInOrder(world.core, queue, model.length, now, each)
            expect(popped.offsets).toStrictEqual(offsets)
            for (const offset of offsets) {
              const message = model[offset]!
              if (!isAgain) message.attempts += 1
              message.popTime = popped.popTime
              message.heldUntil = popped.popTime + each.invisibleMs
            }
            expect(popped.attempts).toStrictEqual(offsets.map((offset) => model[offset]!.attempts))
            if (offsets.length > 0) attempt = each.attemptId
            break
          }
          case 'ack': {
            const offset = picked(each.pick)
            if (offset === undefined) break
            const message = model[offset]!
            const popTime = message.popTime - (each.isStale ? 1 : 0)
            expect(world.core.ack(queue, offset, popTime)).toBe(!each.isStale)
            if (each.isStale) break
            message.settled = true
            message.heldUntil = undefined
            break
          }
          case 'release':
          case 'hide': {
            const offset = picked(each.pick)
            if (offset === undefined) break
            const message = model[offset]!
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
            const isGivenUp = world.core.giveUp(queue, offset, model[offset]!.popTime - (each.isStale ? 1 : 0))
            expect(isGivenUp).toBe(!each.isStale)
            if (isGivenUp) kill(offset)
            break
          }
          case 'wait': {
            now += each.ms
            seal()
            const { dead } = world.core.expire(now, 10_000)
            for (const [offset, message] of model.entries()) {
              if (message.heldUntil === undefined || message.heldUntil > now) continue
              if (message.attempts < MAX_ATTEMPTS) message.heldUntil = undefined
              else {
                expect(dead.map((candidate) => candidate.offset)).toContain(offset)
                kill(offset)
              }
            }
            break
          }
          case 'seal':
            seal()
            break
          case 'crash':
            world.core.takeChanges({ provenFlushed: 0 })
            world.core = rebuilt(world.log, OPTIONS)
            queue = world.core.queue('T', 'G', 0)!
            // Messages are in the log apart from deliveries: what was sent stays.
            model = model.map((_, offset) => sealed.model[offset] ?? newMessage()).map((message) => ({ ...message }))
            attempt = sealed.attempt
            break
        }
        const held = model.filter(({ heldUntil }) => heldUntil !== undefined).length
        expect([queue.inFlight, queue.attemptId]).toStrictEqual([held, attempt])
        expectBalanced(world.core, queue, model.length)
      }
      seal()
      expectSame(world.core, rebuilt(world.log, OPTIONS))
    }),
    { numRuns: 100 },
  )
})

function newMessage(): Message {
  return { attempts: 0, heldUntil: undefined, popTime: 0, settled: false }
}

test('in order: the last message in flight goes → told once, for each way to go, and only where somebody asked', () => {
  const told: string[] = []
  const world = createWorld({ ...OPTIONS, onFree: ({ queueId }) => void told.push(String(queueId)) })
  const queue = started(world)
  const pop = (count: number) =>
    popInOrder(world.core, queue, queue.cursor + count, NOW, { max: count, attemptId: '', invisibleMs: 10 })
  const unasked = started(world, 0, 1)
  const popTime = world.core.nextPopTime(NOW)
  world.core.popNext(unasked, { popTime, invisibleMs: 10, to: 1, taken: [0] })
  world.core.ack(unasked, 0, popTime)
  expect(told).toStrictEqual([])
  const acked = pop(2)
  world.core.ack(queue, 0, acked.popTime)
  expect(told).toStrictEqual([])
  world.core.ack(queue, 1, acked.popTime)
  expect(told).toStrictEqual(['0'])
  const released = pop(1)
  world.core.changeInvisible(queue, 2, released.popTime, { nowMs: NOW, invisibleMs: 0 })
  expect(told).toHaveLength(2)
  popInOrder(world.core, queue, 3, NOW + 1, { max: 1, attemptId: '', invisibleMs: 10 })
  world.core.expire(NOW + 1000, 100)
  expect(told).toHaveLength(3)
})
