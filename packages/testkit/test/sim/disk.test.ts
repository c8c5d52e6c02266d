import { expect, test } from '@jest/globals'
import type { File, Files } from '@rocketmq-ts/runtime'
import * as fc from 'fast-check'
import { createWorld, type FaultChances, type SimMachine, type World } from '../../src/sim/index.ts'

const SECTOR_BYTES = 512

interface Bench {
  readonly world: World
  readonly machine: SimMachine
  /** Runs code in a process of the machine until it has ended. */
  run<Result>(body: (files: Files) => Promise<Result>): Promise<Result>
}

function createBench(seed: number, faults?: Partial<FaultChances>): Bench {
  const world = createWorld({ seed, ...(faults === undefined ? {} : { faults }) })
  const machine = world.machine('host')
  return {
    world,
    machine,
    async run(body) {
      const process = machine.start('test', ({ files }) => body(files))
      await world.run(() => process.state !== 'starting')
      const { handle } = process
      process.exit()
      return handle
    },
  }
}

function filled(sectors: number, value: number): Uint8Array {
  return new Uint8Array(sectors * SECTOR_BYTES).fill(value)
}

async function openDurable(files: Files, path: string): Promise<File> {
  await files.makeFolder('/data', { durable: true })
  const file = await files.open(path, 'create')
  await files.syncFolder('/data')
  return file
}

async function readAll(files: Files, path: string): Promise<Uint8Array> {
  return (await files.readWhole(path, 2 ** 24)) ?? new Uint8Array(0)
}

test('kill -9: what was written stays, synced or not', async () => {
  const { machine, run, world } = createBench(1)
  const process = machine.start('victim', async ({ files }) => {
    await files.makeFolder('/data')
    const file = await files.open('/data/log', 'create')
    file.writeSync(0, [filled(20, 7)])
    await new Promise(() => {})
  })
  await world.run(10)
  process.crash()
  await run(async (files) => {
    expect(await readAll(files, '/data/log')).toEqual(filled(20, 7))
  })
  expect(world.counters.crashes.get('victim')).toBe(1)
})

test('power loss: what was synced stays; of the rest each sector stays, goes or tears', async () => {
  const seen = { kept: 0, lost: 0, torn: 0 }
  for (let seed = 0; seed < 150; seed += 1) {
    const { machine, run, world } = createBench(seed)
    await run(async (files) => {
      const file = await openDurable(files, '/data/log')
      file.writeSync(0, [filled(10, 1)])
      await file.sync()
      file.writeSync(5 * SECTOR_BYTES, [filled(10, 2)])
    })
    machine.losePower()
    const bytes = await run((files) => readAll(files, '/data/log'))
    expect(Buffer.compare(bytes.subarray(0, 5 * SECTOR_BYTES), filled(5, 1))).toBe(0)
    expect(bytes.length).toBeGreaterThanOrEqual(10 * SECTOR_BYTES)
    for (let at = 5 * SECTOR_BYTES; at + SECTOR_BYTES <= bytes.length; at += SECTOR_BYTES) {
      const sector = bytes.subarray(at, at + SECTOR_BYTES)
      const old = at < 10 * SECTOR_BYTES ? 1 : 0
      expect(sector.every((byte) => byte === old || byte === 2)).toBe(true)
      if (sector.every((byte) => byte === 2)) seen.kept += 1
      else if (sector.every((byte) => byte === old)) seen.lost += 1
      else seen.torn += 1
    }
    expect(world.counters.powerLosses).toBe(1)
  }
  expect(seen.kept).toBeGreaterThan(100)
  expect(seen.lost).toBeGreaterThan(100)
  expect(seen.torn).toBeGreaterThan(10)
})

test('power loss: during a sync → each sector may be there or not; counters say what was lost', async () => {
  let lost = 0
  for (let seed = 0; seed < 50; seed += 1) {
    const { machine, run, world } = createBench(seed)
    await run(async (files) => {
      const file = await openDurable(files, '/data/log')
      file.writeSync(0, [filled(8, 1)])
      await file.sync()
      file.writeSync(0, [filled(8, 2)])
      void file.sync()
      file.writeSync(0, [filled(4, 3)])
    })
    machine.losePower()
    const bytes = await run((files) => readAll(files, '/data/log'))
    expect(bytes.length).toBe(8 * SECTOR_BYTES)
    expect(bytes.subarray(4 * SECTOR_BYTES).every((byte) => byte === 1 || byte === 2)).toBe(true)
    lost += world.counters.lostSectors
  }
  expect(lost).toBeGreaterThan(50)
})

test('sync: writes after it began are not covered by it', async () => {
  let lost = 0
  for (let seed = 0; seed < 40; seed += 1) {
    const { machine, run } = createBench(seed)
    await run(async (files) => {
      const file = await openDurable(files, '/data/log')
      file.writeSync(0, [filled(1, 1)])
      const syncing = file.sync()
      file.writeSync(SECTOR_BYTES, [filled(1, 2)])
      await syncing
    })
    machine.losePower()
    const bytes = await run((files) => readAll(files, '/data/log'))
    expect(bytes.subarray(0, SECTOR_BYTES)).toEqual(filled(1, 1))
    if (bytes.length === SECTOR_BYTES) lost += 1
  }
  expect(lost).toBeGreaterThan(5)
})

test('sync: fails → the sectors count as clean, and a second sync that succeeds does not save them', async () => {
  let lost = 0
  for (let seed = 0; seed < 40; seed += 1) {
    const { machine, run, world } = createBench(seed)
    await run(async (files) => {
      const file = await openDurable(files, '/data/log')
      file.writeSync(0, [filled(2, 1)])
      await file.sync()
      file.writeSync(0, [filled(1, 2)])
      machine.disk.fail({ on: 'sync', error: 'io' })
      await expect(file.sync()).rejects.toMatchObject({ code: 'io' })
      await file.sync()
      const into = new Uint8Array(1)
      file.readSync(0, into)
      expect(into[0]).toBe(2)
    })
    expect(world.counters.syncErrors).toBe(1)
    machine.losePower()
    const bytes = await run((files) => readAll(files, '/data/log'))
    if (bytes[0] === 1) lost += 1
  }
  expect(lost).toBeGreaterThan(5)
})

test('power loss: files, renames and removals whose folder was not synced may be undone; synced ones never', async () => {
  const names = { created: 0, renamed: 0, removed: 0 }
  for (let seed = 0; seed < 60; seed += 1) {
    const { machine, run } = createBench(seed)
    await run(async (files) => {
      await files.makeFolder('/data', { durable: true })
      for (const name of ['kept', 'source', 'doomed']) await (await files.open(`/data/${name}`, 'create')).close()
      await files.syncFolder('/data')
      await files.open('/data/created', 'create')
      await files.rename('/data/source', '/data/renamed')
      await files.remove('/data/doomed')
    })
    machine.losePower()
    const found = (await run((files) => files.list('/data'))).map(({ name }) => name)
    expect(found).toContain('kept')
    expect(found.includes('source')).toBe(!found.includes('renamed'))
    if (found.includes('created')) names.created += 1
    if (found.includes('renamed')) names.renamed += 1
    if (!found.includes('doomed')) names.removed += 1
  }
  for (const count of Object.values(names)) {
    expect(count).toBeGreaterThan(5)
    expect(count).toBeLessThan(55)
  }
})

test('power loss: a folder that was not made durable may be gone with all that is in it', async () => {
  let gone = 0
  for (let seed = 0; seed < 40; seed += 1) {
    const { machine, run } = createBench(seed)
    await run(async (files) => {
      await files.makeFolder('/a/b')
      const file = await files.open('/a/b/file', 'create')
      await file.sync()
      await files.syncFolder('/a/b')
    })
    machine.losePower()
    if ((await run((files) => files.list('/a/b'))).length === 0) gone += 1
  }
  expect(gone).toBeGreaterThan(5)
  expect(gone).toBeLessThan(40)
})

test('swap: of files whose folders were never synced → each name has one file, also after a sync of them and a power loss', async () => {
  const { machine, run } = createBench(1)
  const paths = ['/data/one', '/data/two'] as const
  await run(async (files) => {
    await files.makeFolder('/data', { durable: true })
    for (const [at, path] of paths.entries()) {
      const file = await files.open(path, 'create')
      file.writeSync(0, [filled(1, at + 1)])
      await file.sync()
    }
  })
  machine.disk.swap(...paths)
  await run((files) => files.syncFolder('/data'))
  machine.losePower()
  await run(async (files) => {
    const found = await Promise.all(paths.map((path) => readAll(files, path)))
    expect(found.map(([first]) => first)).toEqual([2, 1])
  })
})

test('truncate: cut and made longer again → zeros, also after a power loss', async () => {
  for (let seed = 0; seed < 30; seed += 1) {
    const { machine, run } = createBench(seed)
    await run(async (files) => {
      const file = await openDurable(files, '/data/log')
      file.writeSync(0, [filled(30, 9)])
      await file.sync()
      await file.truncate(100)
      await file.truncate(30 * SECTOR_BYTES)
      await file.sync()
    })
    machine.losePower()
    const bytes = await run((files) => readAll(files, '/data/log'))
    expect(bytes.length).toBe(30 * SECTOR_BYTES)
    expect(bytes.subarray(100).every((byte) => byte === 0)).toBe(true)
    expect(bytes.subarray(0, 100).every((byte) => byte === 9)).toBe(true)
  }
})

test('disk full: a write beyond the budget → no-space, what fitted is there; room again after a removal', async () => {
  const { machine, run, world } = createBench(1)
  machine.disk.capacityBytes = 64 * 1024
  await run(async (files) => {
    const first = await openDurable(files, '/data/first')
    await openDurable(files, '/data/second')
    first.writeSync(0, [new Uint8Array(48 * 1024)])
    const second = await files.open('/data/second', 'must-exist')
    expect(() => second.writeSync(0, [new Uint8Array(32 * 1024)])).toThrow(
      expect.objectContaining({ code: 'no-space' }),
    )
    await first.truncate(2 ** 30)
    expect(machine.disk.usedBytes).toBe(48 * 1024)
    await files.remove('/data/first')
    second.writeSync(0, [new Uint8Array(32 * 1024)])
  })
  expect(world.counters.diskFull).toBe(1)
})

test('faults: read and write errors as asked for, once or until cleared, by path', async () => {
  const { machine, run, world } = createBench(1)
  await run(async (files) => {
    const log = await openDurable(files, '/data/log')
    const other = await openDurable(files, '/data/other')
    const write = machine.disk.fail({ on: 'write', path: '/data/log', error: 'io' })
    other.writeSync(0, [filled(1, 1)])
    expect(() => log.writeSync(0, [filled(4, 1)])).toThrow(expect.objectContaining({ code: 'io', path: '/data/log' }))
    expect(write.hits).toBe(1)
    log.writeSync(0, [filled(4, 1)])
    const read = machine.disk.fail({ on: 'read', path: /log$/u, error: 'io', times: Infinity })
    const into = new Uint8Array(4)
    for (let count = 0; count < 3; count += 1) {
      expect(() => log.readSync(0, into)).toThrow('injected')
      await expect(log.read(0, into)).rejects.toMatchObject({ code: 'io' })
    }
    expect(read.hits).toBe(6)
    read.clear()
    expect(log.readSync(0, into)).toBe(4)
  })
  expect(world.counters).toMatchObject({ writeErrors: 1, readErrors: 6 })
})

test('faults: by chance → as often as the chance says, and counted', async () => {
  const { run, world } = createBench(1, { readError: 0.1, writeError: 0.1, syncError: 0.1, slowSync: 0.1 })
  let failures = 0
  await run(async (files) => {
    await files.makeFolder('/data')
    const file = await files.open('/data/log', 'create')
    for (let count = 0; count < 300; count += 1) {
      try {
        file.writeSync(0, [filled(1, 1)])
        await file.sync()
        file.readSync(0, new Uint8Array(1))
      } catch {
        failures += 1
      }
    }
  })
  const { readErrors, writeErrors, syncErrors, slowSyncs } = world.counters
  for (const count of [readErrors, writeErrors, syncErrors, slowSyncs]) expect(count).toBeGreaterThan(10)
  expect(failures).toBe(readErrors + writeErrors + syncErrors)
})

test('faults: a sync that stalls → takes as long as asked for', async () => {
  const { machine, run, world } = createBench(1)
  await run(async (files) => {
    const file = await openDurable(files, '/data/log')
    machine.disk.fail({ on: 'sync', delayMs: 30_000 })
    const startMs = world.nowMs
    await file.sync()
    expect(world.nowMs - startMs).toBeGreaterThanOrEqual(30_000)
  })
})

test('syncs of one file: a later one that ends first → covers what the earlier one has under way', async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const { machine, run } = createBench(seed)
    await run(async (files) => {
      const file = await openDurable(files, '/data/log')
      file.writeSync(0, [filled(1, 1)])
      machine.disk.fail({ on: 'sync', delayMs: 5000 })
      void file.sync()
      file.writeSync(SECTOR_BYTES, [filled(1, 2)])
      await file.sync()
    })
    machine.losePower()
    const bytes = await run((files) => readAll(files, '/data/log'))
    expect(Buffer.compare(bytes, Buffer.concat([filled(1, 1), filled(1, 2)]))).toBe(0)
  }
})

test('bit flips: at rest → exactly one bit differs, and it stays over a power loss', async () => {
  const { machine, run, world } = createBench(4)
  await run(async (files) => {
    const file = await openDurable(files, '/data/log')
    file.writeSync(0, [filled(20, 0)])
    await file.sync()
  })
  machine.disk.flipBit('/data/log')
  machine.losePower()
  const bytes = await run((files) => readAll(files, '/data/log'))
  let bits = 0
  for (const byte of bytes) for (let bit = 0; bit < 8; bit += 1) bits += (byte >> bit) & 1
  expect(bits).toBe(1)
  expect(world.counters.bitFlips).toBe(1)
})

test('disk: any writes, cuts and syncs, then power losses → synced bytes are exactly there', async () => {
  const change = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), at: fc.nat(20_000), length: fc.integer({ min: 1, max: 6000 }) }),
    fc.record({ kind: fc.constant('truncate' as const), at: fc.nat(20_000) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 4 }), async (seed, rounds) => {
      const { machine, run } = createBench(seed)
      let model = new Uint8Array(0)
      let value = 0
      await run((files) => openDurable(files, '/data/log').then((file) => file.sync()))
      for (const round of rounds) {
        await run(async (files) => {
          const file = await files.open('/data/log', 'must-exist')
          for (const one of round) {
            value = (value % 250) + 1
            const size = one.kind === 'write' ? Math.max(model.length, one.at + one.length) : one.at
            const next = new Uint8Array(size)
            next.set(model.subarray(0, size))
            model = next
            if (one.kind === 'truncate') await file.truncate(one.at)
            else {
              model.fill(value, one.at, one.at + one.length)
              file.writeSync(one.at, [new Uint8Array(one.length).fill(value)])
            }
          }
          await file.sync()
        })
        machine.losePower()
        const bytes = await run((files) => readAll(files, '/data/log'))
        expect(Buffer.compare(bytes, model)).toBe(0)
      }
    }),
    { numRuns: 100 },
  )
})

test('disk: a watcher ends the process before a write → nothing of it is there, and nobody is told', async () => {
  const world = createWorld({ seed: 1 })
  const machine = world.machine('a')
  let isTold = false
  const process = machine.start('p', async ({ files }) => {
    const file = await files.open('/f', 'create')
    file.writeSync(0, [Buffer.from('x')])
    await file.sync()
    isTold = true
  })
  machine.disk.watcher = {
    before: (call) => (call === 'write' ? process.crash() : undefined),
    after: () => undefined,
  }
  await world.run(1000)
  expect([process.alive, isTold, machine.disk.file('/f').pages.size]).toEqual([false, false, 0])
})

test('disk: one that writes whole pages, power lost → each page is as before or as after', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const world = createWorld({ seed })
    const { disk } = world.machine('a')
    disk.atomicBytes = 4096
    const file = disk.openFile('/f', true)
    disk.syncFolder(disk.folder('/'))
    disk.write(file, 0, new Uint8Array(8192).fill(1))
    file.pages.finishSync(file.pages.beginSync())
    disk.write(file, 0, new Uint8Array(8192).fill(2))
    disk.losePower()
    if (world.counters.tornSectors > 0) continue
    const page = new Uint8Array(4096)
    for (const at of [0, 4096]) {
      file.pages.read(at, page)
      expect(new Set(page).size).toBe(1)
    }
  }
})
