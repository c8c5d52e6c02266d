import { createNodeNetwork } from '@rocketmq-ts/runtime/node'
import { describeNetworkContract } from '../../src/contracts/index.ts'
import { createManualEffects, createWorld } from '../../src/sim/index.ts'

describeNetworkContract('node', (body) => body(createNodeNetwork()))

describeNetworkContract('simulated', async (body) => {
  const world = createWorld({ seed: 5, faults: { splitChunk: 0.5, stallConnection: 0.1 } })
  const process = world.machine('host').start('test', ({ network }) => body(network))
  await world.run(() => process.state !== 'starting')
})

describeNetworkContract('manual', (body) => body(createManualEffects().network))
