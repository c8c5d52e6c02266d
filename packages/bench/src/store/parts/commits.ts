// Group commit: sends that wait for the disk, and the same write and fdatasync without us right before and after.
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import { Histogram } from '../../histogram.ts'
import { probePooledSync, probeSync } from '../../probes/disk.ts'
import { medianOf } from '../../report/report.ts'
import { createRecords, openBenchStore } from '../bench-store.ts'
import type { CommitFigures } from '../figures.ts'
import { commitShare } from '../store-floors.ts'
import type { StoreSize } from '../store-size.ts'

const KIB = 1024
const BODY_BYTES = KIB
/** Sends that come in one readable event, at most: a connection with so many under way. */
const PER_EVENT = 16

export async function measureCommits(folder: string, size: StoreSize): Promise<CommitFigures[]> {
  const figures: CommitFigures[] = []
  for (const inFlight of size.inFlight) {
    const runOf = (run: number) => measureOnce(folder, join(folder, `commit-${inFlight}-${run}`), inFlight, size)
    // The first one only says what the disk can do in front of the second.
    let { probe: before } = await runOf(0)
    const runs: Run[] = []
    for (let run = 1; run <= size.repeats; run += 1) {
      const { probe: after, ...ours } = await runOf(run)
      runs.push({ ...ours, probe: meanOf(before, after) })
      before = after
    }
    runs.sort((a, b) => commitShare(a) - commitShare(b))
    const latencyRatio = medianOf(runs.map(({ latencyUs, probe }) => latencyUs.p50 / probe.p50Us))
    figures.push({ ...runs[Math.floor((runs.length - 1) / 2)]!, latencyRatio })
  }
  return figures
}

type Run = Omit<CommitFigures, 'latencyRatio'>

/** What the disk could do around a run: others use it, and it changes from second to second. */
function meanOf(before: Run['probe'], after: Run['probe']): Run['probe'] {
  return {
    syncsPerSecond: (before.syncsPerSecond + after.syncsPerSecond) / 2,
    p50Us: (before.p50Us + after.p50Us) / 2,
    pooledP50Us: (before.pooledP50Us + after.pooledP50Us) / 2,
  }
}

async function measureOnce(parent: string, folder: string, inFlight: number, size: StoreSize): Promise<Run> {
  let syncs = 0
  const observer = { wrote: () => undefined, flushed: () => void (syncs += 1), segmentRemoved: () => undefined }
  const store = await openBenchStore(folder, { flushMode: 'SYNC_FLUSH' }, observer)
  const recordAt = createRecords({ bodyBytes: BODY_BYTES })
  const perEvent = Math.min(inFlight, PER_EVENT)
  let latencies = new Histogram()
  let underWay = 0
  let done = 0
  let index = 0
  let wake: () => void = () => undefined

  /** One readable event: its sends are one Turn, and are answered by the sync that covers them. */
  async function sendEvent(): Promise<void> {
    const startedMs = performance.now()
    underWay += perEvent
    for (let sent = 0; sent < perEvent; sent += 1) {
      store.append(recordAt(index))
      index += 1
    }
    await store.submit()
    await store.whenFlushed(store.positions.written)
    underWay -= perEvent
    done += perEvent
    latencies.record(performance.now() - startedMs)
    wake()
  }

  async function run(ms: number): Promise<number> {
    const startMs = performance.now()
    while (performance.now() - startMs < ms) {
      if (underWay + perEvent <= inFlight) void sendEvent()
      else await new Promise<void>((resolve) => (wake = resolve))
      if (inFlight > perEvent) await nextTick()
    }
    return performance.now() - startMs
  }

  await run(size.commitMs)
  latencies = new Histogram()
  done = 0
  syncs = 0
  const ms = await run(size.commitMs)
  const meanBatch = done / Math.max(1, syncs)
  const perSecond = (done * 1000) / ms
  while (underWay > 0) await new Promise<void>((resolve) => (wake = resolve))
  await store.close()
  const batch = Math.max(1, Math.round(meanBatch))
  const { syncsPerSecond, latencyUs } = probeSync(parent, batch, size.probeMs)
  const { latencyUs: pooled } = await probePooledSync(parent, batch, size.probeMs)
  return {
    inFlight,
    perSecond,
    meanBatch,
    latencyUs: latencies.summary(),
    probe: { syncsPerSecond, p50Us: latencyUs.p50, pooledP50Us: pooled.p50 },
  }
}
