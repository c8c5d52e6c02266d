// The faults of a disk, each with what must hold while it stands and afterwards.
import { expectThat } from '../steps.ts'
import {
  expectHealth,
  expectMetric,
  expectReads,
  expectRecovered,
  expectRefused,
  expectTaken,
  untilRefused,
} from './expectations.ts'
import { type Flush, LARGE, type Scene } from './scene.ts'

const MIB = 1024 * 1024
const FULL = /no space is left/
const REFUSED = /after a failed write or sync/

export interface DiskFault {
  readonly name: string
  readonly title: string
  readonly flushes: readonly Flush[]
  readonly volume?: { readonly bytes: number; readonly inodes?: number }
  readonly needsShim?: boolean
  readonly brokerFlags?: readonly string[]
  /** Events that the broker logs as errors then. */
  readonly errors: readonly string[]
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
    async run(scene) {
      const { volume } = scene
      volume.fill()
      await expectFull(scene)
      volume.free()
      await scene.step('sends go on by themselves within 5 s', () => expectRecovered(scene))
      await scene.step('the disk is not called full any more', () => expectMetric(scene, 'rocketmq_ts_disk_full', 0))
    },
  },
  {
    name: 'sync-eio',
    title: 'a sync of the log fails once (EIO)',
    flushes: BOTH,
    needsShim: true,
    errors: ['store.failed'],
    async run(scene) {
      const { disk } = scene
      disk.set({ call: 'sync', result: 'EIO', path: 'commitlog/', times: 1 })
      await expectRefusedForGood(scene)
    },
  },
]

/** The disk has no space: sends stop, all else goes on. */
async function expectFull(scene: Scene): Promise<void> {
  await scene.step('sends are refused', async () => `after ${await untilRefused(scene, LARGE)} more messages`)
  await scene.step('refusals name the cause, within 1 s', () => expectRefused(scene, FULL))
  await scene.step('messages are delivered and acknowledged', () => expectReads(scene))
  await scene.step('the health port tells of the full disk', () =>
    expectHealth(scene, { ready: true, tells: /disk is full/, metric: 'rocketmq_ts_disk_full' }),
  )
}

/** The log failed: nothing is taken until a restart, which has everything that was acknowledged. */
async function expectRefusedForGood(scene: Scene): Promise<void> {
  const { disk, broker } = scene
  const { pid } = broker
  await scene.step('sends are refused', async () => `after ${await untilRefused(scene)} more`)
  await scene.step('the fault was met', async () => {
    expectThat(disk.hits().length > 0, 'no call met it')
    return disk.hits()[0]
  })
  await scene.step('refusals name the cause, within 1 s', () => expectRefused(scene, REFUSED))
  await scene.step('messages are delivered and acknowledged', () => expectReads(scene))
  await scene.step('the health port is red', () =>
    expectHealth(scene, { ready: false, tells: /refuses appends/, metric: 'rocketmq_ts_store_refuses' }),
  )
  disk.heal()
  await scene.step('a healthy disk is not believed', () => expectRefused(scene, REFUSED))
  await scene.step('the process lives on', async () => expectThat(broker.isRunning && broker.pid === pid, 'it ended'))
  await scene.step('a restart takes messages again', async () => {
    await scene.restart('stop', { forgets: true })
    await expectTaken(scene)
  })
}
