import { expect, test } from '@jest/globals'
import { type Clock, createLifecycle, type NamedService, type Scheduler, type Service } from '../src/index.ts'

/** Time that jumps to the next timer when the test says so. */
class ManualTime implements Clock, Scheduler {
  #nowMs = 0
  #timers: { readonly dueMs: number; readonly task: () => void }[] = []

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  soon(): never {
    throw new Error('not used')
  }

  after(delayMs: number, task: () => void): { cancel(): void } {
    const timer = { dueMs: this.#nowMs + delayMs, task }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  pass(ms: number): void {
    this.#nowMs += ms
    for (const timer of this.#timers.filter(({ dueMs }) => dueMs <= this.#nowMs)) timer.task()
  }
}

async function settlePromises(): Promise<void> {
  for (let round = 0; round < 30; round += 1) await Promise.resolve()
}

function compose(services: readonly NamedService[], stopDeadlineMs = 900): { lifecycle: Service; time: ManualTime } {
  const time = new ManualTime()
  return { time, lifecycle: createLifecycle(services, { clock: time, scheduler: time, stopDeadlineMs }) }
}

function named(name: string, events: string[], changes?: Partial<Service>): NamedService {
  return {
    name,
    service: {
      async start() {
        events.push(`start ${name}`)
      },
      async stop() {
        events.push(`stop ${name}`)
      },
      ...changes,
    },
  }
}

test('lifecycle: starts in order, stops in reverse, and twice is once', async () => {
  const events: string[] = []
  const { lifecycle } = compose(['a', 'b', 'c'].map((name) => named(name, events)))
  await lifecycle.start()
  await lifecycle.stop()
  await lifecycle.stop()
  expect(events).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
})

test('lifecycle: a failing start → it and those before it are stopped, and the failure is thrown', async () => {
  const events: string[] = []
  const failure = new Error('port in use')
  const failing = named('b', events, {
    async start() {
      throw failure
    },
  })
  const { lifecycle } = compose([named('a', events), failing, named('c', events)])
  await expect(lifecycle.start()).rejects.toBe(failure)
  expect(events).toEqual(['start a', 'stop b', 'stop a'])
  await lifecycle.stop()
})

test('lifecycle: stops that fail → the others still stop, and all errors come together by name', async () => {
  const events: string[] = []
  const fail = (message: string): Partial<Service> => ({
    stop() {
      throw new Error(message)
    },
  })
  const { lifecycle } = compose([named('a', events, fail('one')), named('b', events), named('c', events, fail('two'))])
  await lifecycle.start()
  await expect(lifecycle.stop()).rejects.toMatchObject({
    errors: [
      expect.objectContaining({ message: 'c did not stop cleanly: two' }),
      expect.objectContaining({ message: 'a did not stop cleanly: one' }),
    ],
  })
  expect(events).toContain('stop b')
})

test('lifecycle: a stop that never ends → left behind after its share, and the rest has the rest of the time', async () => {
  const events: string[] = []
  const stuck = named('c', events, { stop: () => new Promise(() => {}) })
  const { lifecycle, time } = compose([named('a', events), named('b', events), stuck], 900)
  await lifecycle.start()
  const stopped = expect(lifecycle.stop()).rejects.toThrow('c did not stop cleanly: not within 300 ms')
  await settlePromises()
  time.pass(299)
  await settlePromises()
  expect(events).not.toContain('stop b')
  time.pass(1)
  await stopped
  expect(events.slice(-2)).toEqual(['stop b', 'stop a'])
})

test('lifecycle: a service that weighs more → a larger share of the time for all stops', async () => {
  const events: string[] = []
  const stuck = { ...named('b', events, { stop: () => new Promise(() => {}) }), stopWeight: 4 }
  const { lifecycle, time } = compose([named('a', events), stuck], 1000)
  await lifecycle.start()
  const stopped = expect(lifecycle.stop()).rejects.toThrow('b did not stop cleanly: not within 800 ms')
  await settlePromises()
  time.pass(800)
  await stopped
})

test('lifecycle: stop during the start → what has started is stopped, nothing more starts', async () => {
  const events: string[] = []
  let started: () => void = () => {}
  const slow = named('a', events, {
    start: () =>
      new Promise((resolve) => {
        started = resolve
      }),
  })
  const { lifecycle } = compose([slow, named('b', events)])
  const starting = expect(lifecycle.start()).rejects.toThrow('stopped before b was started')
  const stopping = lifecycle.stop()
  started()
  await Promise.all([starting, stopping])
  expect(events).toEqual(['stop a'])
})
