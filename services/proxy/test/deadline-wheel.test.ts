import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createDeadlineWheel, NO_BUCKET } from '../src/deadline-wheel.ts'

interface Item {
  readonly name: string
  bucket: number
}

function createWheel() {
  const effects = createManualEffects()
  const due: string[] = []
  let timers = 0
  const wheel = createDeadlineWheel<Item>({
    clock: effects.clock,
    scheduler: {
      soon: (task) => effects.scheduler.soon(task),
      after(delayMs, task) {
        timers += 1
        let open = true
        const close = () => {
          if (open) timers -= 1
          open = false
        }
        const timer = effects.scheduler.after(delayMs, () => {
          close()
          task()
        })
        return {
          cancel() {
            close()
            timer.cancel()
          },
        }
      },
    },
    onDue(items) {
      for (const { name } of items) due.push(name)
    },
  })
  const now = () => effects.clock.monotonicMs()
  return { wheel, due, effects, now, timers: () => timers }
}

function item(name: string): Item {
  return { name, bucket: NO_BUCKET }
}

test('wheel: items → due not before their time and at most a second later, in the order of their time', async () => {
  const { wheel, due, effects, now } = createWheel()
  const start = now()
  wheel.put(item('late'), start + 5_000)
  wheel.put(item('soon'), start + 1_500)
  await effects.advance(1_499)
  expect(due).toEqual([])
  await effects.advance(1_001)
  expect(due).toEqual(['soon'])
  await effects.advance(2_499)
  expect(due).toEqual(['soon'])
  await effects.advance(1_001)
  expect(due).toEqual(['soon', 'late'])
})

test('wheel: taken out or moved → not due at the old time', async () => {
  const { wheel, due, effects, now } = createWheel()
  const taken = item('taken')
  const moved = item('moved')
  wheel.put(taken, now() + 1_000)
  wheel.put(moved, now() + 1_000)
  wheel.take(taken)
  wheel.take(taken)
  wheel.put(moved, now() + 10_000)
  expect(wheel.size).toBe(1)
  await effects.advance(9_000)
  expect(due).toEqual([])
  await effects.advance(2_000)
  expect(due).toEqual(['moved'])
  expect(wheel.size).toBe(0)
})

test('wheel: many items → one timer; none when empty', async () => {
  const { wheel, effects, now, timers } = createWheel()
  for (let index = 0; index < 1_000; index += 1) wheel.put(item(`${index}`), now() + 10_000 - index * 7)
  expect(timers()).toBe(1)
  await effects.advance(20_000)
  expect(timers()).toBe(0)
  wheel.put(item('left'), now() + 1_000)
  wheel.clear()
  expect(timers()).toBe(0)
  expect(wheel.size).toBe(0)
})
