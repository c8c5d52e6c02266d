import fs from 'node:fs/promises'
import os from 'node:os'
import { join } from 'node:path'
import { createNodeFiles } from '@rocketmq-ts/runtime/node'
import { describeFilesContract } from '../../src/contracts/index.ts'
import { createManualEffects, createWorld } from '../../src/sim/index.ts'

describeFilesContract('node', async (body) => {
  const folder = await fs.mkdtemp(join(os.tmpdir(), 'rmq-files-'))
  try {
    await body(createNodeFiles(), folder)
  } finally {
    await fs.rm(folder, { recursive: true })
  }
})

describeFilesContract('simulated', async (body) => {
  const world = createWorld({ seed: 3 })
  const process = world.machine('host').start('test', async ({ files }) => {
    await files.makeFolder('/work')
    await body(files, '/work')
  })
  await world.run(() => process.state !== 'starting')
})

describeFilesContract('manual', async (body) => {
  const { files } = createManualEffects()
  await files.makeFolder('/work')
  await body(files, '/work')
})
