import { nodeScheduler, createNodeOffload } from '@rocketmq-ts/runtime/node'
import { describeOffloadContract } from '../../src/contracts/index.ts'
import { createManualEffects, createWorld } from '../../src/sim/index.ts'

describeOffloadContract('node', async (body) => {
  const offload = createNodeOffload({ scheduler: nodeScheduler })
  try {
    await body(offload)
  } finally {
    await offload.close()
  }
})

describeOffloadContract('simulated', async (body) => {
  const world = createWorld({ seed: 7 })
  const process = world.machine('host').start('test', ({ offload }) => body(offload))
  await world.run(() => process.state !== 'starting')
})

describeOffloadContract('manual', (body) => body(createManualEffects().offload))
