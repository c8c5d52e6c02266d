// What the broker tells a check of a stopped store: of its journal, and of its own files.
import { expect, test } from '@jest/globals'
import { crc32Of31Bits } from '@rocketmq-ts/bytes'
import { createRecordPeek, peekRecord } from '@rocketmq-ts/model'
import { type CheckReport, checkStore } from '@rocketmq-ts/store'
import { brokerCheckOwner } from '../../src/check/check-owner.ts'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'

const SEGMENT = '/store/commitlog/00000000000000000000'

async function stoppedBroker(): Promise<BrokerHarness> {
  const broker = await startBroker()
  for (let index = 0; index < 5; index += 1) await broker.send('T', `message ${index}`)
  await broker.pop('T', 'G', { max: 2 })
  await broker.stop()
  return broker
}

/** Changes a file as an operator would, and checks. */
async function checkAfter(
  broker: BrokerHarness,
  path: string,
  change: (bytes: Buffer) => Buffer,
): Promise<CheckReport> {
  const { files } = broker.machine.start('operator', () => undefined).effects
  async function edit(): Promise<CheckReport> {
    const bytes = change(Buffer.from((await files.readWhole(path, 64 * 1024 * 1024)) ?? []))
    const file = await files.open(path, 'create')
    await file.truncate(bytes.length)
    file.writeSync(0, [bytes])
    await file.close()
    return checkStore({ folder: '/store', owner: brokerCheckOwner }, { files })
  }
  return broker.settled(edit())
}

/** Makes the body of the first journal record one of another version, with a CRC that fits. */
function spoilJournal(bytes: Buffer): Buffer {
  const peek = createRecordPeek()
  for (let at = 0; peekRecord(bytes, at, peek) === 'record'; at += peek.totalSize) {
    if (bytes.toString('utf8', peek.topicAt, peek.topicAt + peek.topicLength) !== 'rmq_sys_INFLIGHT_LOG') continue
    bytes[peek.bodyAt] = 0xff
    bytes.writeInt32BE(crc32Of31Bits(bytes.subarray(peek.bodyAt, peek.bodyAt + peek.bodyLength)), at + 8)
    return bytes
  }
  throw new Error('the log has no journal record')
}

test('check: a folder as the broker left it → sound, nothing unknown in it', async () => {
  const report = await checkAfter(await stoppedBroker(), SEGMENT, (bytes) => bytes)
  expect([report.isSound, report.findings, report.unchecked]).toEqual([true, [], []])
})

test.each<[string, string, (bytes: Buffer) => Buffer]>([
  [
    'settings-file',
    '/store/config/topics.json',
    (bytes) => Buffer.from(bytes.toString().replace('"perm":6', '"perm":4')),
  ],
  ['timer-image', '/store/timer/image.1', () => Buffer.from('?')],
  ['join-mark', '/store/join.pending', () => Buffer.from('?')],
  ['journal-damaged', SEGMENT, spoilJournal],
])('check: %s → found in %s', async (kind, path, change) => {
  const report = await checkAfter(await stoppedBroker(), path, change)
  expect([report.isSound, Object.keys(report.counts)]).toEqual([false, expect.arrayContaining([kind])])
})
