// A disk that lost or damaged what it had promised to keep: nothing may point to what is not there any more.
import { expect, test } from '@jest/globals'
import { startBroker } from './broker-harness.ts'

const FIRST_SEGMENT = '/store/commitlog/00000000000000000000'
const SEGMENT_BYTES = 64 * 1024
const RECORD_MAGIC = Buffer.from('daa320a7', 'hex')

const bodies = (popped: readonly { record: { body: Uint8Array } }[]) =>
  popped.map(({ record }) => Buffer.from(record.body).toString())

type Harness = Awaited<ReturnType<typeof startBroker>>

/** The segment as another process reads it, and where the record with this body lies in it. */
async function findRecord(broker: Harness, body: string) {
  const { effects } = broker.machine.start('operator', () => undefined)
  const bytes = Buffer.from((await broker.settled(effects.files.readWhole(FIRST_SEGMENT, SEGMENT_BYTES)))!)
  const bodyAt = bytes.indexOf(body)
  return { files: effects.files, bodyAt, recordAt: bytes.lastIndexOf(RECORD_MAGIC, bodyAt) - 4 }
}

test('lost log: the last message of a queue is damaged after it was popped → the next message is delivered', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: SEGMENT_BYTES })
  await broker.send('T', 'first')
  await broker.send('T', 'soon damaged')
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['first', 'soon damaged'])
  broker.crash({ powerLoss: false })
  broker.machine.disk.flipBit(FIRST_SEGMENT, (await findRecord(broker, 'soon damaged')).bodyAt, 0)
  await broker.restart()
  await broker.send('T', 'next')
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['next'])
})

test('lost log: the last message of a queue is damaged, head and body, after it was popped → the next message is delivered', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: SEGMENT_BYTES })
  await broker.send('T', 'first')
  await broker.send('T', 'soon damaged')
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['first', 'soon damaged'])
  broker.crash({ powerLoss: false })
  broker.machine.disk.flipBit(FIRST_SEGMENT, (await findRecord(broker, 'soon damaged')).recordAt + 4, 0)
  await broker.restart()
  await broker.send('T', 'next')
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['next'])
})

test('lost log: the start cache covers more than is left → it is refused, the messages that are left come again', async () => {
  const broker = await startBroker({ mappedFileSizeCommitLog: SEGMENT_BYTES })
  await broker.send('T', 'left')
  await broker.send('T', 'soon lost')
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['left', 'soon lost'])
  await broker.advance(6000)
  broker.crash({ powerLoss: false })
  const { files, recordAt } = await findRecord(broker, 'soon lost')
  expect(await broker.settled(files.list('/store/config'))).toContainEqual({ name: 'broker-start.1', kind: 'file' })
  const segment = await broker.settled(files.open(FIRST_SEGMENT, 'must-exist'))
  segment.writeSync(recordAt, [Buffer.alloc(SEGMENT_BYTES - recordAt)])
  await broker.restart()
  expect(broker.events.map(({ event }) => event)).toContain('snapshot.rejected')
  await broker.send('T', 'new')
  expect(bodies(await broker.pop('T', 'G'))).toStrictEqual(['left', 'new'])
})
