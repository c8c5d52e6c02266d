import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { fileName, listPositions, openSegments } from '../../src/commit-log/segment.ts'

const FOLDER = '/log'

async function folderWith(sizes: Readonly<Record<string, number>>) {
  const effects = createManualEffects()
  await effects.files.makeFolder(FOLDER, { durable: true })
  for (const [name, bytes] of Object.entries(sizes)) {
    const file = await effects.files.open(`${FOLDER}/${name}`, 'create')
    await file.truncate(bytes)
    await file.close()
  }
  return effects
}

test('segments: names → 20 digits of the first position; other files and folders are not looked at', async () => {
  expect([fileName(0), fileName(1_073_741_824)]).toEqual(['00000000000000000000', '00000000001073741824'])
  const { files } = await folderWith({ [fileName(1024)]: 1024, '123': 5, '0000000000000000x000': 7 })
  await files.makeFolder(`${FOLDER}/${fileName(2048)}`)
  expect(await listPositions(files, FOLDER)).toEqual([1024])
})

test('segments: a folder whose first files were deleted → min is the first one left', async () => {
  const { files } = await folderWith({ [fileName(2048)]: 1024, [fileName(3072)]: 1024 })
  const segments = await openSegments({ files, folder: FOLDER, segmentBytes: 1024 })
  expect([segments.min, segments.end]).toEqual([2048, 4096])
  expect([segments.at(2047), segments.at(2048)?.base, segments.at(4095)?.base, segments.at(4096)]).toEqual([
    undefined,
    2048,
    3072,
    undefined,
  ])
})

test('segments: short, empty and missing ones → full size, zeros', async () => {
  const { files } = await folderWith({ [fileName(0)]: 10, [fileName(2048)]: 0 })
  const segments = await openSegments({ files, folder: FOLDER, segmentBytes: 1024 })
  for (const base of [0, 1024, 2048]) expect(await segments.at(base)!.file.size()).toBe(1024)
  expect(segments.end).toBe(3072)
})

test('segments: one that is longer, or starts between two → refused by name with the setting', async () => {
  const long = await folderWith({ [fileName(0)]: 1025 })
  await expect(openSegments({ files: long.files, folder: FOLDER, segmentBytes: 1024 })).rejects.toMatchObject({
    code: 'parameter-invalid',
    message: expect.stringContaining('has 1025 bytes'),
  })
  const between = await folderWith({ [fileName(1000)]: 1024 })
  await expect(openSegments({ files: between.files, folder: FOLDER, segmentBytes: 1024 })).rejects.toMatchObject({
    code: 'parameter-invalid',
  })
})

test('segments: prepared ahead and asked for at once → made one time; a failure shows to who waits', async () => {
  const effects = await folderWith({})
  const segments = await openSegments({ files: effects.files, folder: FOLDER, segmentBytes: 1024 })
  segments.prepare(0)
  const [first, second] = await Promise.all([segments.ensure(0), segments.ensure(0)])
  expect(first).toBe(second)
  effects.machine.disk.fail({ on: 'change', path: fileName(1024), error: 'no-space' })
  segments.prepare(1024)
  await segments.settled()
  expect((await segments.ensure(1024)).base).toBe(1024)
  effects.machine.disk.fail({ on: 'change', path: fileName(2048), error: 'no-space' })
  await expect(segments.ensure(2048)).rejects.toMatchObject({ code: 'no-space' })
})

test('segments: the first one of an empty folder at a later position → min is there', async () => {
  const effects = await folderWith({})
  const segments = await openSegments({ files: effects.files, folder: FOLDER, segmentBytes: 1024 })
  await segments.ensure(5120)
  expect([segments.min, segments.end]).toEqual([5120, 6144])
})

test('segments: the sync of the folder fails while one is prepared → whoever needs it is told, and no second try hides it', async () => {
  const effects = await folderWith({})
  const segments = await openSegments({ files: effects.files, folder: FOLDER, segmentBytes: 1024 })
  effects.machine.disk.fail({ on: 'sync', call: 'sync-folder', error: 'io' })
  segments.prepare(0)
  await segments.settled()
  await expect(segments.ensure(0)).rejects.toThrow('injected')
  await expect(segments.ensure(0)).rejects.toThrow('injected')
})

test('segments: no space for one at first → the next try makes it, and syncs its folder', async () => {
  const effects = await folderWith({})
  const { disk } = effects.machine
  const segments = await openSegments({ files: effects.files, folder: FOLDER, segmentBytes: 1024 })
  disk.fail({ on: 'sync', call: 'sync', error: 'no-space' })
  await expect(segments.ensure(0)).rejects.toThrow('injected')
  const synced: string[] = []
  disk.watcher = { before: () => undefined, after: (call, path) => void (call === 'sync-folder' && synced.push(path)) }
  await segments.ensure(0)
  expect(synced).toEqual([FOLDER])
})

test('segments: made by a process that was killed before its name was safe → safe before anything is written into it', async () => {
  const effects = await folderWith({ [fileName(0)]: 1024 })
  const segments = await openSegments({ files: effects.files, folder: FOLDER, segmentBytes: 1024 })
  const { file } = segments.at(0)!
  file.writeSync(0, [Buffer.from('promised')])
  await file.sync()
  effects.machine.losePower()
  expect(await listPositions(effects.machine.start('again', () => undefined).effects.files, FOLDER)).toEqual([0])
})
