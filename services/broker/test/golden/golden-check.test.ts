// The check of folders that Apache's broker left: what it writes in order is no fault.
import { expect, test } from '@jest/globals'
import { checkStore } from '@rocketmq-ts/store'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { brokerCheckOwner } from '../../src/check/check-owner.ts'
import { startBroker } from '../broker-harness.ts'
import { readExpected, unpackFolder } from './golden-folder.ts'

test.each(['clean-stop', 'killed', 'popped'])(
  "check: Apache's folder %s → sound, every record counted",
  async (name) => {
    const effects = createManualEffects()
    await unpackFolder(name, effects.files, '/store')
    const report = await checkStore({ folder: '/store', owner: brokerCheckOwner }, effects)
    expect(report.findings.filter(({ severity }) => severity !== 'note')).toEqual([])
    expect(report.log.records).toBeGreaterThan(readExpected(name).messages.length - 1)
  },
)

test("check: Apache's folder after a broker of ours had it → sound", async () => {
  const broker = await startBroker(readExpected('clean-stop').settings)
  await broker.stop()
  const { files } = broker.machine.start('apache', () => undefined).effects
  await broker.settled(files.remove('/store'))
  await broker.settled(unpackFolder('clean-stop', files, '/store'))
  await broker.restart()
  await broker.send('later', 'one')
  await broker.stop()
  const report = await broker.settled(checkStore({ folder: '/store', owner: brokerCheckOwner }, { files }))
  expect(report.findings.filter(({ severity }) => severity !== 'note')).toEqual([])
})
