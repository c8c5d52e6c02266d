import { expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { threadId } from 'node:worker_threads'
import type { Offload, Scheduler } from '../../src/index.ts'
import { createNodeOffload, OFFLOAD_IDLE_MS, OFFLOAD_JOB_MS_MAX } from '../../src/node/index.ts'
import { exit, spin, thread } from './fixtures/thread.job.ts'

/** Timers fire when the test says so. */
class ManualScheduler implements Scheduler {
  readonly pending = new Set<{ readonly delayMs: number; readonly task: () => void }>()

  soon(task: () => void): void {
    setImmediate(task)
  }

  after(delayMs: number, task: () => void): { cancel(): void } {
    const timer = { delayMs, task }
    this.pending.add(timer)
    return { cancel: () => void this.pending.delete(timer) }
  }

  /** How many were waiting for exactly that delay. */
  fire(delayMs: number): number {
    const due = [...this.pending].filter((timer) => timer.delayMs === delayMs)
    for (const timer of due) this.pending.delete(timer)
    for (const timer of due) timer.task()
    return due.length
  }
}

async function withPool(
  threads: number,
  body: (offload: Offload, scheduler: ManualScheduler) => Promise<void>,
): Promise<void> {
  const scheduler = new ManualScheduler()
  const offload = createNodeOffload({ scheduler, threads })
  try {
    await body(offload, scheduler)
  } finally {
    await offload.close()
  }
}

test('offload: a job → on another thread, which the next one uses again', () =>
  withPool(2, async (offload, { pending }) => {
    expect(pending.size).toBe(0)
    const first = await offload.run(thread, null)
    expect(first).not.toBe(threadId)
    expect(await offload.run(thread, null)).toBe(first)
    expect(pending.size).toBe(1)
  }))

test('offload: two jobs at once → two threads; idle for long → both end, and a new one is started', () =>
  withPool(2, async (offload, scheduler) => {
    const [first, second] = await Promise.all([offload.run(thread, null), offload.run(thread, null)])
    expect(first).not.toBe(second)
    expect(scheduler.fire(OFFLOAD_IDLE_MS)).toBe(2)
    expect([first, second, threadId]).not.toContain(await offload.run(thread, null))
  }))

test('offload: a job ends its thread → thread-died, and the waiting one gets a new thread', () =>
  withPool(1, async (offload) => {
    const first = await offload.run(thread, null)
    const died = offload.run(exit, 3)
    const waiting = offload.run(thread, null)
    await expect(died).rejects.toMatchObject({
      code: 'thread-died',
      message: 'job test/exit: its thread ended with code 3',
    })
    expect(await waiting).not.toBe(first)
  }))

test('offload: a job takes too long → thread-died saying so, and the waiting one gets a new thread', () =>
  withPool(1, async (offload, scheduler) => {
    await offload.run(thread, null)
    const spinning = offload.run(spin, null)
    const waiting = offload.run(thread, null)
    expect(scheduler.fire(OFFLOAD_JOB_MS_MAX)).toBe(1)
    await expect(spinning).rejects.toMatchObject({
      code: 'thread-died',
      message: `job test/spin: not done within ${OFFLOAD_JOB_MS_MAX} ms`,
    })
    expect(await waiting).toBeGreaterThan(0)
  }))

test('offload: the module does not exist or does not export the job → job-failed naming it', () =>
  withPool(1, async (offload) => {
    const nowhere = { ...thread, module: `${thread.module}x` }
    await expect(offload.run(nowhere, null)).rejects.toMatchObject({ code: 'job-failed' })
    const unknown = { ...thread, name: 'test/unknown' }
    await expect(offload.run(unknown, null)).rejects.toMatchObject({
      code: 'job-failed',
      message: `job test/unknown: ${thread.module} does not export it`,
    })
  }))

test('offload: an idle thread → does not keep the process; a running job does', () => {
  const fixture = fileURLToPath(new URL('fixtures/offload-user.ts', import.meta.url))
  const { stdout, stderr, status } = spawnSync(process.execPath, [fixture], { encoding: 'utf8', timeout: 20_000 })
  expect({ stdout, stderr, status }).toEqual({ stdout: 'done', stderr: '', status: 0 })
})
