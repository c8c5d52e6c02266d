import { expect, test } from '@jest/globals'
import { readGenerations, writeGeneration } from '@rocketmq-ts/runtime'
import { createWorld } from '../../src/sim/index.ts'

const PATH = '/store/config/offsets'

/** Writes generations one after the other and dies; what was acknowledged must be found, or something newer. */
async function crashWhileWriting(seed: number): Promise<void> {
  const world = createWorld({ seed })
  const machine = world.machine('host')
  let acknowledged = 0
  let attempts = 0
  for (let crash = 0; crash < 4; crash += 1) {
    const writer = machine.start('writer', async ({ files }) => {
      await files.makeFolder('/store/config', { durable: true })
      for (;;) {
        attempts += 1
        const payload = Buffer.alloc(world.random.integer(5000), attempts)
        acknowledged = await writeGeneration(files, PATH, { kind: 'OFFS', version: 1, coversTo: 0, payload })
      }
    })
    await world.run(world.random.within([0, 60]))
    writer.crash({ powerLoss: world.random.chance(0.7) })
    const reader = machine.start('reader', ({ files }) => readGenerations(files, PATH, { kind: 'OFFS', versionMax: 1 }))
    await world.run(() => reader.state === 'running')
    const { valid, damaged } = reader.handle
    reader.exit()
    const newest = valid[0]?.generation ?? 0
    expect({ seed, damaged }).toEqual({ seed, damaged: [] })
    expect(newest).toBeGreaterThanOrEqual(acknowledged)
    expect(newest).toBeLessThanOrEqual(attempts)
    for (const { payload } of valid) expect(payload.every((byte) => byte === payload[0])).toBe(true)
  }
  expect(attempts).toBeGreaterThan(0)
}

test('generations: killed or without power at any point → the last acknowledged one is there, whole', async () => {
  for (let seed = 0; seed < 150; seed += 1) await crashWhileWriting(seed)
})
