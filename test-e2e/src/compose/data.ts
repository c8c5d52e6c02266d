// The data outlives its containers: a backlog is there after `down` and `up`, and what was acknowledged stays so.
import { fileURLToPath } from 'node:url'
import { someOf } from '../checks.ts'
import { expectThat } from '../steps.ts'
import { readLogs } from './logs.ts'
import { type Scene, until } from './scene.ts'

const SCALE = { broker: 3, proxy: 2 } as const
const SETTLED_MS_MAX = 60_000
/** Receives of a load that find nothing, through all proxies and from all queues: there is nothing. */
const EMPTY_RECEIVES = 24
/** The SDK takes its time to connect again after it was refused for long. */
const EMPTY_MS_MAX = 90_000
const LIMITS = fileURLToPath(new URL('limits.yml', import.meta.url))
/** As limits.yml says. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024

export async function checkData(scene: Scene): Promise<void> {
  const { cluster, loads, rmq } = scene
  const againOfAll = () => loads.reduce((sum, { counts }) => sum + counts.again, 0)

  await scene.step('down, up: a backlog is there and arrives, nothing else does', async () => {
    const backlog = await scene.leaveBacklog()
    for (const load of loads) await load.stopProducing()
    await scene.complaints()
    await cluster.down()
    await scene.up(SCALE)
    for (const load of loads) load.consume()
    const arrived = await scene.allArrives()
    for (const { foreign } of loads) expectThat(foreign.length === 0, `nobody sent ${someOf(foreign)}`)
    return `${backlog} messages waited; ${arrived}`
  })
  await scene.step('down, up with 256 MiB for each container: what consumers acknowledged stays so', async () => {
    for (const { group } of loads) {
      await until(`${group} has settled all`, SETTLED_MS_MAX, async () => (await rmq.lagOf(group)) === 0)
    }
    for (const load of loads) await load.stopConsuming()
    await scene.complaints()
    await cluster.down()
    await scene.up(SCALE, [LIMITS])
    const before = loads.map(({ counts }) => counts.receives)
    const againBefore = againOfAll()
    for (const load of loads) load.consume()
    await until('all queues are asked', EMPTY_MS_MAX, () =>
      loads.every(({ counts }, index) => counts.receives >= (before[index] ?? 0) + EMPTY_RECEIVES),
    )
    const again = againOfAll() - againBefore
    expectThat(again === 0, `${again} messages came again`)
  })
  await scene.step('256 MiB for each container: all plan with it, and the loads go on', async () => {
    const planned = (await readLogs(cluster)).flatMap(({ event }) =>
      event?.['event'] === 'memory.planned' ? [event] : [],
    )
    const containers = await cluster.running()
    for (const { name, memoryBytesMax } of containers) {
      expectThat(memoryBytesMax === MEMORY_BYTES_MAX, `${name} may use ${memoryBytesMax} bytes`)
    }
    expectThat(
      planned.length === containers.length,
      `${planned.length} of ${containers.length} say what they plan with`,
    )
    for (const event of planned) {
      const isRight = event['limitBytes'] === MEMORY_BYTES_MAX && event['limitFrom'] === 'container'
      expectThat(isRight, `it plans with another limit: ${JSON.stringify(event)}`)
    }
    for (const load of loads) load.produce()
    await scene.goesOn()
    return scene.allArrives()
  })
}
