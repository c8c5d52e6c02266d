// Group commit: sends that wait for the disk, and the same write and fdatasync without us right before and after.
import { rmSync } from 'node:fs'
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
  for (const inFlight of size.inFlight) figures.push(await measureInFlight(folder, inFlight, size))
  return figures
}

type Probe = CommitFigures['probe']
type Run = Omit<CommitFigures, 'latencyRatio' | 'shares'>

/** Short runs of one store, which stays open, and the probe between every two of them. */
async function measureInFlight(folder: string, inFlight: number, size: StoreSize): Promise<CommitFigures> {
  const data = join(folder, `commit-${inFlight}`)
  const sends = await openSends(data, inFlight)
  await sends.run(size.commitMs)
  // What compiled the code tells how large a batch is, and the first probe what the disk can do in front of the first run.
  let before = await probeOf(folder, await sends.run(size.commitMs), size)
  const runs: Run[] = []
  for (let run = 0; run < size.commitRounds; run += 1) {
    const ours = await sends.run(size.commitMs)
    const after = await probeOf(folder, ours, size)
    runs.push({ inFlight, ...ours, probe: meanOf(before, after) })
    before = after
  }
  await sends.close()
  rmSync(data, { recursive: true })
  const shares = runs.map(commitShare)
  const latencyRatio = medianOf(runs.map(({ latencyUs, probe }) => latencyUs.p50 / probe.p50Us))
  const middle = runs.toSorted((a, b) => commitShare(a) - commitShare(b))[Math.floor((runs.length - 1) / 2)]!
  return { ...middle, latencyRatio, shares }
}

async function probeOf(folder: string, { meanBatch }: Pick<Run, 'meanBatch'>, size: StoreSize): Promise<Probe> {
  const batch = Math.max(1, Math.round(meanBatch))
  const { syncsPerSecond, latencyUs } = probeSync(folder, batch, size.commitProbeMs)
  const { latencyUs: pooled } = await probePooledSync(folder, batch, size.commitProbeMs)
  return { syncsPerSecond, p50Us: latencyUs.p50, pooledP50Us: pooled.p50 }
}

/** What the disk could do around a run: others use it, and it changes from second to second. */
function meanOf(before: Probe, after: Probe): Probe {
  return {
    syncsPerSecond: (before.syncsPerSecond + after.syncsPerSecond) / 2,
    p50Us: (before.p50Us + after.p50Us) / 2,
    pooledP50Us: (before.pooledP50Us + after.pooledP50Us) / 2,
  }
}

/** A store in synchronous mode, and those who send to it. */
async function openSends(folder: string, inFlight: number) {
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

  return {
    /** Ends when the last send is answered, and counts until then: nothing runs beside the probe. */
    async run(ms: number) {
      latencies = new Histogram()
      done = 0
      syncs = 0
      const startMs = performance.now()
      while (performance.now() - startMs < ms) {
        if (underWay + perEvent <= inFlight) void sendEvent()
        else await new Promise<void>((resolve) => (wake = resolve))
        if (inFlight > perEvent) await nextTick()
      }
      while (underWay > 0) await new Promise<void>((resolve) => (wake = resolve))
      const perSecond = (done * 1000) / (performance.now() - startMs)
      return { perSecond, meanBatch: done / Math.max(1, syncs), latencyUs: latencies.summary() }
    },
    close: () => store.close(),
  }
}
