// Sends that wait for the disk, at half of what they can, alone and while a group reads a cold backlog in the same process.
// The two take turns, and a p99 is that of all rounds: one slow sync of the disk is the p99 of a single one.
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import type { MessageStore } from '@rocketmq-ts/store'
import { Histogram } from '../../histogram.ts'
import { createRecords, fillStore, openBenchStore } from '../bench-store.ts'
import type { DrainFigures } from '../figures.ts'
import { dropFromPageCache } from '../page-cache.ts'
import type { StoreSize } from '../store-size.ts'
import { drainAll } from './cold.ts'

const MIB = 1024 * 1024
const BODY_BYTES = 1024
const SENDS = 'bench-sends'
/** Sends under way where the peak is looked for. */
const IN_FLIGHT = 128
/** Sends of one connection that come in one readable event. */
const PER_EVENT = 16

export async function measureDrain(folder: string, size: StoreSize): Promise<DrainFigures> {
  const data = join(folder, 'drain')
  const filled = await openBenchStore(data)
  const count = Math.ceil(size.coldBytes / BODY_BYTES)
  await fillStore(filled, createRecords({ bodyBytes: BODY_BYTES }), { from: 0, count, perTurn: 128 })
  await filled.close()
  const store = await openBenchStore(data, { flushMode: 'SYNC_FLUSH' })
  const sends = createSends(store)
  await sends.closedLoop(size.drainMs / 2)
  const perSecond = (await sends.closedLoop(size.drainMs)) / 2
  const alone = new Histogram()
  const during = new Histogram()
  let drainMs = 0
  let drainedBytes = 0

  /** While it lasts, sends go on. */
  async function drain(latencies: Histogram): Promise<void> {
    dropFromPageCache(data)
    const startMs = performance.now()
    let isOver = false
    const draining = drainAll(store).then(({ bytes }) => {
      drainMs += performance.now() - startMs
      drainedBytes += bytes
      isOver = true
    })
    await sends.byTheClock(perSecond, () => isOver, latencies)
    await draining
  }

  // Code that is not compiled yet would be the p99 of the first round.
  await sends.byTheClock(perSecond, isAfter(size.drainMs), new Histogram())
  await drain(new Histogram())
  drainMs = 0
  drainedBytes = 0
  for (let round = 0; round < size.drainRounds; round += 1) {
    await sends.byTheClock(perSecond, isAfter(size.drainMs), alone)
    await drain(during)
  }
  await store.close()
  return {
    sendsPerSecond: perSecond,
    alone: alone.summary(),
    during: during.summary(),
    drainMibPerSecond: drainedBytes / MIB / (drainMs / 1000),
  }
}

function isAfter(ms: number): () => boolean {
  const endMs = performance.now() + ms
  return () => performance.now() > endMs
}

/** Sends of one process, by loops that are closed or go by the clock. */
export function createSends(store: Pick<MessageStore, 'append' | 'submit' | 'whenFlushed' | 'positions'>) {
  const recordOf = createRecords({ bodyBytes: BODY_BYTES })
  let index = 0
  let underWay = 0
  let done = 0

  /** One Turn of sends; `dueMs` tells when each was meant to start. */
  async function turn(count: number, dueMs: (at: number) => number, latencies: Histogram): Promise<void> {
    underWay += count
    const first = index
    for (let at = 0; at < count; at += 1, index += 1) store.append({ ...recordOf(index), topic: SENDS })
    await store.submit()
    await store.whenFlushed(store.positions.written)
    const endMs = performance.now()
    for (let at = 0; at < count; at += 1) latencies.record(endMs - dueMs(first + at))
    underWay -= count
    done += count
  }

  async function settled(): Promise<void> {
    while (underWay > 0) await nextTick()
  }

  return {
    /** Sends per second with IN_FLIGHT of them under way, for that time and until some are done: never 0. */
    async closedLoop(ms: number): Promise<number> {
      const unused = new Histogram()
      const startMs = performance.now()
      done = 0
      while (performance.now() - startMs < ms || done === 0) {
        if (underWay + PER_EVENT <= IN_FLIGHT) void turn(PER_EVENT, () => startMs, unused)
        await nextTick()
      }
      const perSecond = (done * 1000) / (performance.now() - startMs)
      await settled()
      return perSecond
    },
    /** Sends at a fixed rate until `isOver`, one at least; a latency begins when its send was meant to start. */
    async byTheClock(perSecond: number, isOver: () => boolean, latencies: Histogram): Promise<void> {
      const startMs = performance.now()
      const first = index
      const dueMs = (at: number) => startMs + ((at - first) * 1000) / perSecond
      while (index === first || !isOver()) {
        const due = Math.floor(((performance.now() - startMs) * perSecond) / 1000) - (index - first)
        if (due > 0) void turn(due, dueMs, latencies)
        await nextTick()
      }
      await settled()
    },
  }
}
