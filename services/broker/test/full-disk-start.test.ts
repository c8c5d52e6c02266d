// A broker that starts on a full disk with nothing kept for it: consumers go on, producers are told, and it mends itself.
import { expect, test } from '@jest/globals'
import { ResponseCode } from '@rocketmq-ts/remoting'
import { startBroker } from './broker-harness.ts'

test.each([
  ['kill', false],
  ['power loss', true],
])(
  'full disk: a start after a %s → messages are given and acknowledged, sends go on with the space',
  async (_n, powerLoss) => {
    const broker = await startBroker({ mappedFileSizeCommitLog: 65_536 })
    const { disk } = broker.machine
    for (const body of ['one', 'two', 'three']) await broker.send('T', body)
    const [held] = await broker.pop('T', 'G', { max: 1, queueId: 0, invisibleMs: 600_000 })
    await broker.advance(20_000)
    broker.crash({ powerLoss })
    const { files } = broker.machine.start('operator', () => undefined).effects
    await broker.settled(files.remove('/store/reserve'))
    disk.capacityBytes = disk.usedBytes
    await broker.restart()
    expect(broker.events).toContainEqual(expect.objectContaining({ event: 'store.note-waits' }))
    const bodies = (await broker.pop('T', 'G', { queueId: 0 })).map(({ record }) => Buffer.from(record.body).toString())
    expect(bodies).toStrictEqual(['two', 'three'])
    expect((await broker.ack('T', 'G', held!)).code).toBe(ResponseCode.SUCCESS)
    expect((await broker.send('T', 'four')).code).not.toBe(ResponseCode.SUCCESS)
    disk.capacityBytes = Infinity
    await broker.advance(3000)
    expect((await broker.send('T', 'five')).code).toBe(ResponseCode.SUCCESS)
    broker.crash({ powerLoss })
    await broker.restart()
    const ledger = broker.broker.ledger().find(({ topic, queueId }) => topic === 'T' && queueId === 0)
    expect(ledger).toMatchObject({ balanced: true, buckets: { acked: 1, inFlight: 2, waiting: 1 } })
  },
)
