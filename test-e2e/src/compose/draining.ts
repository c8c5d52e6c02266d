// Brokers that are drained can be taken away: no message is on them that a group still waits for.
import { expectThat } from '../steps.ts'
import type { Scene } from './scene.ts'
import { scaleUp } from './scaling.ts'

/** Those that go when the cluster is scaled to one broker. */
const TAKEN_AWAY = ['broker-2', 'broker-3'] as const

export async function checkDraining(scene: Scene): Promise<void> {
  const { rmq } = scene
  await scene.step('broker drain: its backlog becomes empty, sends go to the other broker', async () => {
    const drain = async (container: string) => {
      const name = await rmq.brokerAt((await scene.container(container)).address)
      const said = await rmq.drain(name)
      expectThat(said.includes('it can be stopped'), `rmq says ${said}`)
      return name
    }
    // It takes half a minute, so that all producers notice.
    const names = await Promise.all(TAKEN_AWAY.map(drain))
    await scene.goesOn()
    return names.join(', ')
  })
  await scene.step('brokers 3 → 1 after the drain: all acknowledged messages arrive without those two', async () => {
    await scene.up({ broker: 1, proxy: 2 })
    await scene.goesOn()
    return scene.allArrives()
  })
  await scene.step('brokers 1 → 3 after the drain: they take part as before', () => scaleUp(scene, 2))
}
