import { expect, test } from '@jest/globals'
import { createLimitedLogger, LINES_PER_WINDOW_MAX, type LogEvent, type Timer, WINDOW_MS } from '../src/index.ts'

type Event = { event: 'disk.slow'; ms: number } | { event: 'disk.lost'; remedy?: string } | { event: 'hello' }

/** Time that the test moves. */
class ManualTime {
  #nowMs = 0
  #timers: { readonly dueMs: number; readonly task: () => void }[] = []

  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, task: () => void): Timer {
    this.#timers.push({ dueMs: this.#nowMs + delayMs, task })
    return { cancel() {} }
  }

  advance(ms: number): void {
    this.#nowMs += ms
    const due = this.#timers.filter(({ dueMs }) => dueMs <= this.#nowMs)
    this.#timers = this.#timers.filter((timer) => !due.includes(timer))
    for (const { task } of due) task()
  }
}

function limited() {
  const lines: LogEvent[] = []
  const urgent: string[] = []
  const time = new ManualTime()
  const take = (event: LogEvent) => void lines.push(event)
  const logger = createLimitedLogger<Event>(
    { debug: take, info: take, warn: take, error: take },
    {
      clock: time,
      scheduler: time,
      remedies: { 'disk.lost': 'Mount the disk.' },
      onUrgent: (level, event) => urgent.push(`${level} ${event}`),
    },
  )
  return { logger, lines, urgent, advance: (ms: number) => time.advance(ms) }
}

test('limited logger: a warning that repeats → so many lines, then their number; the next window starts anew', () => {
  const { logger, lines, urgent, advance } = limited()
  for (let ms = 0; ms < LINES_PER_WINDOW_MAX + 7; ms += 1) logger.warn({ event: 'disk.slow', ms })
  expect(lines).toHaveLength(LINES_PER_WINDOW_MAX)
  advance(WINDOW_MS)
  expect(lines.slice(LINES_PER_WINDOW_MAX)).toEqual([
    { event: 'log.left-out', of: 'disk.slow', count: 7, withinMs: WINDOW_MS },
  ])
  logger.warn({ event: 'disk.slow', ms: 1 })
  expect(lines.at(-1)).toEqual({ event: 'disk.slow', ms: 1 })
  advance(10 * WINDOW_MS)
  expect(lines).toHaveLength(LINES_PER_WINDOW_MAX + 2)
  expect(urgent).toHaveLength(LINES_PER_WINDOW_MAX + 8)
})

test('limited logger: a warning now and then → every line, and no word of any left out', () => {
  const { logger, lines, advance } = limited()
  for (let ms = 0; ms < 3 * LINES_PER_WINDOW_MAX; ms += 1) {
    logger.warn({ event: 'disk.slow', ms })
    advance(WINDOW_MS / LINES_PER_WINDOW_MAX)
  }
  expect(lines).toHaveLength(3 * LINES_PER_WINDOW_MAX)
})

test('limited logger: other events meanwhile → not held back, and what only informs has no limit', () => {
  const { logger, lines } = limited()
  for (let ms = 0; ms < 100; ms += 1) logger.warn({ event: 'disk.slow', ms })
  for (let count = 0; count < 100; count += 1) logger.info({ event: 'hello' })
  logger.error({ event: 'disk.lost' })
  expect(lines).toHaveLength(LINES_PER_WINDOW_MAX + 101)
})

test('limited logger: an event with a remedy in the list → written with it, unless it brings its own', () => {
  const { logger, lines } = limited()
  logger.error({ event: 'disk.lost' })
  logger.error({ event: 'disk.lost', remedy: 'Wait.' })
  expect(lines).toEqual([
    { event: 'disk.lost', remedy: 'Mount the disk.' },
    { event: 'disk.lost', remedy: 'Wait.' },
  ])
})
