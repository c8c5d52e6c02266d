import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createTurns, type Release, type Scheduler, type TurnLog, type Turns } from '../src/index.ts'

/** Runs tasks when the test says so. */
class ManualScheduler implements Scheduler {
  #tasks: (() => void)[] = []

  get waiting(): number {
    return this.#tasks.length
  }

  soon(task: () => void): void {
    this.#tasks.push(task)
  }

  after(): never {
    throw new Error('Turns need no timers')
  }

  /** Runs what waits, then lets promises settle. */
  async pass(): Promise<void> {
    for (const task of this.#tasks.splice(0)) task()
    await settlePromises()
  }
}

async function settlePromises(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await Promise.resolve()
}

interface Waiting {
  readonly position: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** A log whose writes and syncs end when the test says so; it notes what it is asked for. */
class ManualLog implements TurnLog {
  appended = 0
  written = 0
  flushBeforeRelease = true
  readonly events: string[]
  readonly writes: Waiting[] = []
  readonly syncs: Waiting[] = []
  sealError: Error | undefined

  constructor(events: string[]) {
    this.events = events
  }

  append(bytes: number): void {
    this.appended += bytes
  }

  seal(): void {
    this.events.push('seal')
    if (this.sealError !== undefined) throw this.sealError
    this.appended += 1
  }

  submit(): Promise<void> {
    this.events.push(`write to ${this.appended}`)
    return new Promise((resolve, reject) => this.writes.push({ position: this.appended, resolve, reject }))
  }

  whenFlushed(position: number): Promise<void> {
    this.events.push(`sync to ${position}`)
    return new Promise((resolve, reject) => this.syncs.push({ position, resolve, reject }))
  }

  async finishWrite(): Promise<void> {
    this.writes.shift()?.resolve()
    await settlePromises()
  }

  async finishSync(position: number): Promise<void> {
    for (const sync of this.syncs) if (sync.position <= position) sync.resolve()
    await settlePromises()
  }
}

interface Bench {
  readonly turns: Turns
  readonly scheduler: ManualScheduler
  readonly log: ManualLog
  readonly events: string[]
  readonly defects: unknown[]
  /** Enters a job that appends a byte and notes when its release is called. */
  enter(name: string, release: Release): boolean
}

function createBench(jobsMax = 100): Bench {
  const events: string[] = []
  const defects: unknown[] = []
  const scheduler = new ManualScheduler()
  const log = new ManualLog(events)
  const turns = createTurns({ scheduler, log, jobsMax, onDefect: (error) => defects.push(error) })
  return {
    turns,
    scheduler,
    log,
    events,
    defects,
    enter: (name, release) =>
      turns.enter(() => {
        events.push(`handle ${name}`)
        log.append(1)
        turns.release(release, (failure) => events.push(`${name} ${failure === undefined ? 'out' : failure.message}`))
      }),
  }
}

test('turns: one pass → handle all, seal, one write, written releases, sync, flushed releases', async () => {
  const { enter, scheduler, log, events } = createBench()
  enter('send', 'flushed')
  enter('ack', 'written')
  enter('query', 'now')
  await scheduler.pass()
  expect(events).toEqual(['handle send', 'handle ack', 'handle query', 'query out', 'seal', 'write to 4'])
  await log.finishWrite()
  expect(events.slice(6)).toEqual(['ack out', 'sync to 4'])
  await log.finishSync(4)
  expect(events.slice(8)).toEqual(['send out'])
})

test('turns: nothing entered → nothing scheduled, and idle at once', async () => {
  const { turns, scheduler, events } = createBench()
  await turns.idle()
  expect(scheduler.waiting).toBe(0)
  expect(events).toEqual([])
})

test('turns: asynchronous flush → flushed releases follow the write, no sync is waited for', async () => {
  const { enter, scheduler, log, events } = createBench()
  log.flushBeforeRelease = false
  enter('send', 'flushed')
  await scheduler.pass()
  expect(events).not.toContain('send out')
  await log.finishWrite()
  expect(events).toEqual(['handle send', 'seal', 'write to 2', 'send out'])
})

test('turns: jobs that arrive during the write → next Turn, after the write has ended', async () => {
  const { enter, scheduler, log, events } = createBench()
  enter('first', 'written')
  await scheduler.pass()
  enter('second', 'written')
  await scheduler.pass()
  expect(events).not.toContain('handle second')
  await log.finishWrite()
  expect(events).toEqual(['handle first', 'seal', 'write to 2', 'first out'])
  await scheduler.pass()
  expect(events.slice(4)).toEqual(['handle second', 'seal', 'write to 4'])
})

test('turns: a job entered by a job → next Turn', async () => {
  const { enter, turns, scheduler, log, events } = createBench()
  turns.enter(() => void enter('inner', 'written'))
  await scheduler.pass()
  expect(events).toEqual(['seal', 'write to 1'])
  await log.finishWrite()
  await scheduler.pass()
  expect(events.slice(2)).toEqual(['handle inner', 'seal', 'write to 3'])
})

test('turns: a sync runs beside later Turns, and one sync releases all that it covers', async () => {
  const { enter, scheduler, log, events } = createBench()
  for (const name of ['first', 'second', 'third']) {
    enter(name, 'flushed')
    await scheduler.pass()
    await log.finishWrite()
  }
  expect(events.filter((event) => event.startsWith('sync'))).toEqual(['sync to 2', 'sync to 4', 'sync to 6'])
  expect(events.filter((event) => event.endsWith('out'))).toEqual([])
  await log.finishSync(4)
  expect(events.filter((event) => event.endsWith('out'))).toEqual(['first out', 'second out'])
  await log.finishSync(6)
  expect(events.at(-1)).toBe('third out')
})

test('turns: a sync waits only when something is held for it', async () => {
  const { enter, scheduler, log, events } = createBench()
  enter('ack', 'written')
  await scheduler.pass()
  await log.finishWrite()
  expect(events).toEqual(['handle ack', 'seal', 'write to 2', 'ack out'])
})

test('turns: a failing write → every release of the Turn is told why, once; the next Turn still runs', async () => {
  const { enter, scheduler, log, events, defects } = createBench()
  enter('send', 'flushed')
  enter('ack', 'written')
  await scheduler.pass()
  enter('later', 'written')
  log.writes.shift()?.reject(new Error('disk gone'))
  await settlePromises()
  expect(events.slice(4)).toEqual(['ack disk gone', 'send disk gone'])
  await scheduler.pass()
  await log.finishWrite()
  expect(events.at(-1)).toBe('later out')
  expect(defects).toEqual([])
})

test('turns: the seal throws → a defect: nothing of this Turn or a later one is written, releases are told why', async () => {
  const { enter, turns, scheduler, log, events, defects } = createBench()
  const broken = new Error('no record can hold this')
  log.sealError = broken
  enter('ack', 'written')
  await scheduler.pass()
  expect(events).toEqual(['handle ack', 'seal', 'ack no record can hold this'])
  expect(defects).toEqual([broken])
  expect(enter('after', 'written')).toBe(false)
  await turns.idle()
})

test('turns: a failing sync → held releases are told why, written ones were right', async () => {
  const { enter, scheduler, log, events } = createBench()
  enter('send', 'flushed')
  enter('ack', 'written')
  await scheduler.pass()
  await log.finishWrite()
  log.syncs[0]?.reject(new Error('sync failed'))
  await settlePromises()
  expect(events.slice(4)).toEqual(['ack out', 'sync to 3', 'send sync failed'])
})

test('turns: more jobs than the queue takes → enter answers false until a Turn took them', async () => {
  const { enter, scheduler, log } = createBench(2)
  expect([enter('a', 'written'), enter('b', 'written'), enter('c', 'written')]).toEqual([true, true, false])
  await scheduler.pass()
  expect(enter('d', 'written')).toBe(true)
  await log.finishWrite()
})

test('turns: a job throws → nothing is written, releases fail, no job is taken any more', async () => {
  const { enter, turns, scheduler, events, defects } = createBench()
  const broken = new Error('broken invariant')
  enter('before', 'flushed')
  turns.enter(() => {
    throw broken
  })
  enter('behind', 'written')
  await scheduler.pass()
  expect(defects).toEqual([broken])
  expect(events).toEqual(['handle before', 'before broken invariant'])
  expect(enter('after', 'written')).toBe(false)
  await turns.idle()
})

test('turns: a release callback throws → a defect; the other releases are still called', async () => {
  const { enter, turns, scheduler, log, events, defects } = createBench()
  const broken = new Error('broken callback')
  turns.enter(() => {
    turns.release('written', () => {
      throw broken
    })
  })
  enter('other', 'written')
  await scheduler.pass()
  await log.finishWrite()
  expect(defects).toEqual([broken])
  expect(events.at(-1)).toBe('other out')
})

test('turns: release outside a job → refused', () => {
  const { turns } = createBench()
  expect(() => turns.release('written', () => {})).toThrow('inside a job')
})

test('turns: idle → waits for queued jobs, the write and held releases', async () => {
  const { enter, turns, scheduler, log } = createBench()
  enter('send', 'flushed')
  let idle = false
  const waiting = turns.idle().then(() => {
    idle = true
  })
  await scheduler.pass()
  await log.finishWrite()
  expect(idle).toBe(false)
  await log.finishSync(2)
  await waiting
  expect(idle).toBe(true)
})

test('turns: any interleaving of arrivals, writes and syncs → each release once, never before its promise', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('enter' as const), release: fc.constantFrom<Release>('now', 'written', 'flushed') }),
    fc.record({ kind: fc.constantFrom('pass' as const, 'write' as const, 'sync' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { turns, scheduler, log } = createBench()
      let flushed = 0
      let written = 0
      let entered = 0
      let called = 0
      const enterOne = (release: Release): void => {
        entered += 1
        turns.enter(() => {
          log.append(1)
          const end = log.appended
          turns.release(release, (failure) => {
            called += 1
            expect(failure).toBeUndefined()
            if (release === 'written') expect(written).toBeGreaterThanOrEqual(end)
            if (release === 'flushed') expect(flushed).toBeGreaterThanOrEqual(end)
          })
        })
      }
      const writeOne = async (): Promise<void> => {
        written = log.writes[0]?.position ?? written
        await log.finishWrite()
      }
      const syncAll = async (): Promise<void> => {
        flushed = written
        await log.finishSync(flushed)
      }
      for (const one of steps) {
        if (one.kind === 'enter') enterOne(one.release)
        else if (one.kind === 'pass') await scheduler.pass()
        else if (one.kind === 'write') await writeOne()
        else await syncAll()
      }
      while (scheduler.waiting > 0 || log.writes.length > 0) {
        await scheduler.pass()
        await writeOne()
      }
      await syncAll()
      expect(called).toBe(entered)
      await turns.idle()
    }),
    { numRuns: 200 },
  )
})

test('turns: an observer → told of each Turn with its jobs, the time of handling, and of handling and writing', async () => {
  const scheduler = new ManualScheduler()
  const log = new ManualLog([])
  const told: unknown[] = []
  let nowMs = 100
  const turns = createTurns({
    scheduler,
    log,
    jobsMax: 10,
    onDefect: () => {},
    observer: { clock: { monotonicMs: () => nowMs }, turned: (turn) => told.push(turn) },
  })
  for (const tookMs of [3, 4]) {
    turns.enter(() => {
      nowMs += tookMs
    })
  }
  expect(turns.waiting).toBe(2)
  await scheduler.pass()
  expect([turns.waiting, told.length]).toEqual([0, 0])
  nowMs += 20
  await log.finishWrite()
  expect(told).toEqual([{ jobs: 2, handledMs: 7, tookMs: 27 }])
})
