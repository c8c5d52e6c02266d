// Lengths of files that are fixed for the life of a folder: Apache's broker refuses a folder with files of another length.
import { expect, test } from '@jest/globals'
import { startBroker } from '../broker-harness.ts'

test('file sizes: mappedFileSizeConsumeQueue → files of that length in whole entries, as Java rounds it up', async () => {
  const broker = await startBroker({ mappedFileSizeConsumeQueue: 2_010 })
  for (let count = 0; count < 102; count += 1) await broker.send('T', 'x')
  await broker.stop()
  const { files } = broker.machine.start('operator', () => undefined).effects
  const folder = '/store/consumequeue/T/0'
  const names = (await broker.settled(files.list(folder))).map(({ name }) => name)
  expect(names).toStrictEqual(['00000000000000000000', '00000000000000002020'])
  for (const name of names) {
    const file = await broker.settled(files.open(`${folder}/${name}`, 'must-exist'))
    expect(await broker.settled(file.size())).toBe(2_020)
  }
})
