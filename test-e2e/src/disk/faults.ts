// The faults of a disk, each with what must hold while it stands and afterwards.
import { expectThat } from '../steps.ts'
import {
  BUSY_CODES,
  expectBoundedMemory,
  expectHealth,
  expectMetric,
  expectReads,
  expectRecovered,
  expectRefused,
  expectSlowSends,
  expectTaken,
  LATE_CODES,
  untilAnswered,
  untilNothingComes,
  untilRefused,
} from './expectations.ts'
import type { Fault } from './fault-shim.ts'
import { type Flush, HUGE, LARGE, type Scene } from './scene.ts'

const MIB = 1024 * 1024
/** By a write that found no room, or by the last of Apache's marks. */
const FULL = /no space is left|% full/
const REFUSED = /after a failed write or sync/
const DISK_FULL_METRIC = 'rocketmq_ts_disk_full'
const REFUSES_METRIC = 'rocketmq_ts_store_refuses'
/** Bytes of the log in which reads fail: a few records. */
const UNREADABLE = [60_000, 64_000] as const
const UNREADABLE_RECORDS_MAX = 16
const SLOW_MS = 200
const SLOW_SENDS_MS_MAX = 2_000
/** With asynchronous flush it lasts until what waits for the disk reaches its bound. */
const STALL_MS: Readonly<Record<Flush, number>> = { sync: 6_000, async: 20_000 }
/** None is begun while a sync is stalled: that waits for a sync of its own. */
const STALL_SEGMENT_BYTES = 1024 * MIB
const FLUSH_TIMEOUT_MS = 500
/** Bytes that wait for the disk are bounded by 128 MiB; the process has the rest anyway. */
const BEHIND_MEMORY_MAX = 512 * MIB

export interface DiskFault {
  readonly name: string
  readonly title: string
  readonly flushes: readonly Flush[]
  readonly volume?: { readonly bytes: number; readonly inodes?: number }
  readonly needsShim?: boolean
  readonly segmentBytes?: number
  readonly brokerFlags?: readonly string[]
  /** Events that the broker logs as errors then, and others that it may. */
  readonly errors: readonly string[]
  readonly mayTell?: readonly string[]
  run(scene: Scene): Promise<void>
}

const BOTH: readonly Flush[] = ['sync', 'async']

export const DISK_FAULTS: readonly DiskFault[] = [
  {
    name: 'full-outside',
    title: 'somebody else fills the disk',
    flushes: BOTH,
    volume: { bytes: 128 * MIB },
    errors: ['store.disk-full'],
    mayTell: ['store.checkpoint-failed', 'store.index-failed'],
    async run(scene) {
      scene.volume.take()
      await expectFull(scene)
      await expectSpaceHelps(scene, () => scene.volume.free())
    },
  },
  {
    name: 'full-itself',
    title: 'the log fills the disk, and the broker starts on it',
    flushes: BOTH,
    volume: { bytes: 96 * MIB },
    errors: ['store.disk-full'],
    // The kill may leave a record begun, and there is no room to keep a copy of what is cut then.
    mayTell: ['store.checkpoint-failed', 'store.index-failed', 'store.cut'],
    async run(scene) {
      scene.volume.take(24 * MIB)
      await expectFull(scene)
      for (const how of ['stop', 'kill'] as const) {
        await scene.step(`it starts on the full disk after a ${how}`, () => scene.restart(how, { forgets: true }))
        await scene.step('it serves what it has', () => expectReads(scene))
      }
      await expectFull(scene)
      await expectSpaceHelps(scene, () => scene.volume.free())
    },
  },
  {
    name: 'inodes',
    title: 'no inode is left on the disk',
    flushes: ['sync'],
    volume: { bytes: 128 * MIB, inodes: 256 },
    errors: ['store.disk-full'],
    mayTell: ['store.checkpoint-failed', 'store.index-failed'],
    async run(scene) {
      scene.volume.fillInodes()
      await expectFull(scene)
      await expectSpaceHelps(scene, () => scene.volume.freeInodes())
    },
  },
  {
    name: 'sync-eio',
    title: 'a sync of the log fails once (EIO)',
    flushes: BOTH,
    needsShim: true,
    errors: ['store.failed'],
    run: (scene) => expectRefusedForGood(scene, { call: 'sync', result: 'EIO', path: 'commitlog/', times: 1 }),
  },
  {
    name: 'write-eio',
    title: 'writes of the log fail (EIO)',
    flushes: BOTH,
    needsShim: true,
    errors: ['store.failed'],
    run: (scene) => expectRefusedForGood(scene, { call: 'write', result: 'EIO', path: 'commitlog/' }),
  },
  {
    name: 'read-only-calls',
    title: 'every call that changes the disk fails (EROFS)',
    flushes: BOTH,
    needsShim: true,
    errors: ['store.failed'],
    mayTell: ['store.checkpoint-failed', 'store.index-failed'],
    async run(scene) {
      // What is read then is in no memory.
      await scene.restart('stop')
      const calls = ['write', 'open', 'truncate', 'rename', 'remove', 'folder'] as const
      const faults = calls.map((call): Fault => ({ call, result: 'EROFS', path: '/' }))
      await expectRefusedForGood(scene, ...faults)
    },
  },
  {
    name: 'read-only',
    title: 'the kernel finds the file system faulty and makes it read-only',
    // With asynchronous flush, what the kernel had not written by then is gone, as after a power loss.
    flushes: ['sync'],
    volume: { bytes: 128 * MIB },
    errors: ['store.failed'],
    mayTell: ['store.checkpoint-failed', 'store.index-failed'],
    async run(scene) {
      await scene.restart('stop')
      scene.volume.failReadOnly()
      await expectFailed(scene)
      await scene.step('the file system is mended, and a restart takes messages again', async () => {
        await scene.restart('stop', { forgets: true, between: () => scene.volume.repair() })
        await expectTaken(scene)
      })
    },
  },
  {
    name: 'read-eio',
    title: 'some bytes of the log can not be read (EIO)',
    flushes: BOTH,
    needsShim: true,
    errors: [],
    async run(scene) {
      const { disk } = scene
      const fail = (): void => disk.set({ call: 'read', result: 'EIO', path: 'commitlog/', bytes: UNREADABLE })
      // Once from the disk, once from the page cache. Behind a restart a piece that any group reads holds those bytes too.
      if (scene.flush === 'sync') await scene.restart('stop', { between: fail })
      else fail()
      await scene.step('all other messages are delivered and acknowledged', async () => {
        await expectReads(scene)
        const missing = await untilNothingComes(scene)
        expectThat(disk.hits().length > 0, 'no read met the fault')
        expectThat(missing > 0 && missing <= UNREADABLE_RECORDS_MAX, `${missing} messages did not come`)
        return `${missing} did not come`
      })
      await scene.step('sends are taken', () => expectSlowSends(scene, SLOW_SENDS_MS_MAX))
      await scene.step('the health port is green', () => expectHealth(scene, { ready: true }))
      disk.heal()
    },
  },
  {
    name: 'slow',
    title: 'writes and syncs of the log are slow',
    flushes: BOTH,
    needsShim: true,
    errors: [],
    async run(scene) {
      const slow = { result: SLOW_MS, path: 'commitlog/' } as const
      scene.disk.set({ call: 'sync', ...slow }, { call: 'write', ...slow, result: SLOW_MS / 10 })
      await scene.step('sends are slower, and taken', () => expectSlowSends(scene, SLOW_SENDS_MS_MAX))
      await scene.step('messages are delivered and acknowledged', () => expectReads(scene))
      await scene.step('the health port is green', () => expectHealth(scene, { ready: true }))
      scene.disk.heal()
    },
  },
  {
    name: 'stalled',
    title: 'a sync of the log takes seconds',
    flushes: BOTH,
    needsShim: true,
    segmentBytes: STALL_SEGMENT_BYTES,
    brokerFlags: [`--sync-flush-timeout=${FLUSH_TIMEOUT_MS}ms`],
    errors: [],
    async run(scene) {
      const { disk, flush } = scene
      disk.set({ call: 'sync', result: STALL_MS[flush], path: 'commitlog/' })
      await scene.step(
        flush === 'sync' ? 'sends say that their flush is late' : 'sends wait for the disk',
        async () => {
          const ms = await (flush === 'sync'
            ? untilAnswered(scene, LATE_CODES)
            : untilAnswered(scene, BUSY_CODES, HUGE))
          expectThat(ms < FLUSH_TIMEOUT_MS + 1_000, `answered after ${Math.round(ms)} ms`)
          return `answered after ${Math.round(ms)} ms`
        },
      )
      await scene.step('memory is bounded', async () => expectBoundedMemory(scene, BEHIND_MEMORY_MAX))
      await scene.step('messages are delivered and acknowledged', () => expectReads(scene))
      await scene.step('the health port is green, and heartbeats go on', () => expectHealth(scene, { ready: true }))
      disk.heal()
      await scene.step('sends go on by themselves', () => expectRecovered(scene, STALL_MS[flush]))
    },
  },
]

/** The disk has no space: sends stop, all else goes on. */
async function expectFull(scene: Scene): Promise<void> {
  await scene.step('sends are refused', async () => `after ${await untilRefused(scene, LARGE)} more messages`)
  await scene.step('refusals name the cause, within 1 s', () => expectRefused(scene, FULL))
  await scene.step('messages are delivered and acknowledged', () => expectReads(scene))
  await scene.step('the health port tells of the full disk', () =>
    expectHealth(scene, { ready: true, tells: /disk is full/, metric: DISK_FULL_METRIC }),
  )
}

async function expectSpaceHelps(scene: Scene, free: () => void): Promise<void> {
  free()
  await scene.step('sends go on by themselves within 5 s', () => expectRecovered(scene))
  await scene.step('the disk is not called full any more', () => expectMetric(scene, DISK_FULL_METRIC, 0))
}

/** The log failed: sends stop for good, all else goes on. */
async function expectFailed(scene: Scene): Promise<void> {
  await scene.step('sends are refused', async () => `after ${await untilRefused(scene)} more`)
  await scene.step('refusals name the cause, within 1 s', () => expectRefused(scene, REFUSED))
  await scene.step('messages are delivered and acknowledged', () => expectReads(scene))
  await scene.step('the health port is red', () =>
    expectHealth(scene, { ready: false, tells: /refuses appends/, metric: REFUSES_METRIC }),
  )
}

/** Nothing is taken until a restart, which has everything that was acknowledged. */
async function expectRefusedForGood(scene: Scene, ...faults: readonly Fault[]): Promise<void> {
  const { disk, broker } = scene
  const { pid } = broker
  disk.set(...faults)
  await expectFailed(scene)
  await scene.step('the fault was met', async () => expectThat(disk.hits().length > 0, 'no call met it'))
  disk.heal()
  await scene.step('a healthy disk is not believed', () => expectRefused(scene, REFUSED))
  await scene.step('the process lives on', async () => expectThat(broker.isRunning && broker.pid === pid, 'it ended'))
  await scene.step('a restart takes messages again', async () => {
    await scene.restart('stop', { forgets: true })
    await expectTaken(scene)
  })
}
