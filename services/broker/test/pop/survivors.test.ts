// What is pending when retention takes its records: each message goes on as exactly one copy, whatever comes between.
import { describe, expect, test } from '@jest/globals'
import { decodeProperties, popRetryTopicOf } from '@rocketmq-ts/model'
import { AckMessage, GetConsumeStats, ResponseCode, decodeConsumeStats } from '@rocketmq-ts/remoting'
import { SURVIVORS_PER_TURN_MAX } from '../../src/pop/survivors.ts'
import { type BrokerHarness, type Popped, startBroker } from '../broker-harness.ts'

const HOUR_MS = 3_600_000
const SEGMENT_BYTES = 64 * 1024
const EVERY_HOUR = Array.from({ length: 24 }, (_, hour) => hour).join(';')
const SETTINGS = { mappedFileSizeCommitLog: SEGMENT_BYTES, deleteWhen: EVERY_HOUR, fileReservedTime: 1 }
const RECORD_MAGIC = Buffer.from('daa320a7', 'hex')
const RETRY = popRetryTopicOf('G', 'T')

/** Rolls the log over so many files, with messages of another topic. */
async function fill(broker: BrokerHarness, segments: number): Promise<void> {
  const rolled = () => broker.events.filter(({ event }) => event === 'segment.rolled').length
  for (const before = rolled(); rolled() < before + segments;) {
    expect((await broker.send('filler', 'x'.repeat(10_000))).code).toBe(ResponseCode.SUCCESS)
    await broker.advance(20)
  }
}

const bucketsOf = (broker: BrokerHarness, topic: string) =>
  broker.broker.ledger().find((each) => each.topic === topic && each.group === 'G' && each.queueId === 0)?.buckets

const bodiesOf = (popped: readonly { record: { body: Uint8Array } }[]) =>
  popped.map(({ record }) => Buffer.from(record.body).toString())

/** One acknowledged, one released, one in flight, one that nobody was given. */
async function pending(): Promise<BrokerHarness> {
  const broker = await startBroker(SETTINGS)
  for (const body of ['acked', 'released', 'in flight', 'waiting']) {
    await broker.send('T', body, { properties: `TAGS\u0001${body.slice(0, 2)}\u0002KEYS\u0001k\u0002` })
  }
  const [acked] = await broker.pop('T', 'G', { max: 1, queueId: 0 })
  await broker.ack('T', 'G', acked!)
  await broker.pop('T', 'G', { max: 1, queueId: 0, invisibleMs: 1000 })
  await broker.pop('T', 'G', { max: 1, queueId: 0, invisibleMs: 10 * HOUR_MS })
  await fill(broker, 2)
  return broker
}

/** A message in flight for a long time whose record goes: its handle, and the broker with the copy. */
async function movedOn(invisibleMs = 10 * HOUR_MS): Promise<{ broker: BrokerHarness; popped: Popped }> {
  const broker = await startBroker(SETTINGS)
  await broker.send('T', 'in flight')
  const [popped] = await broker.pop('T', 'G', { max: 1, queueId: 0, invisibleMs })
  await fill(broker, 2)
  await broker.advance(2 * HOUR_MS)
  expect(broker.events).toContainEqual({ event: 'survivors.copied', topic: 'T', group: 'G', queueId: 0, messages: 1 })
  expect(broker.events.some(({ event }) => event === 'store.segment-removed')).toBe(true)
  return { broker, popped: popped! }
}

/** An ack that acts elsewhere than its handle says, so that the harness can not count it. */
async function ackMoved(broker: BrokerHarness, { record, handle }: Popped): Promise<number> {
  const { queueId, queueOffset } = record
  const header = { consumerGroup: 'G', topic: 'T', queueId, extraInfo: handle, queueOffset }
  return (await broker.ask(AckMessage, header)).code
}

/** Of a killed broker: nothing but the copy reached the disk. */
async function cutBehindCopy(broker: BrokerHarness): Promise<void> {
  const { files } = broker.machine.start('operator', () => undefined).effects
  await broker.settled(files.remove('/store/config'))
  const last = (await broker.settled(files.list('/store/commitlog'))).map(({ name }) => `/store/commitlog/${name}`)
  for (const path of last.toReversed()) {
    const bytes = Buffer.from((await broker.settled(files.readWhole(path, SEGMENT_BYTES)))!)
    const at = bytes.lastIndexOf(RECORD_MAGIC, bytes.lastIndexOf('in flight')) - 4
    if (at < 0) continue
    const end = at + bytes.readInt32BE(at)
    expect(bytes.subarray(end).some((byte) => byte !== 0)).toBe(true)
    const segment = await broker.settled(files.open(path, 'must-exist'))
    segment.writeSync(end, [Buffer.alloc(bytes.length - end)])
    await broker.settled(segment.close())
    break
  }
}

/** What a restart knows of copies: its start cache, or the log alone. */
const RESTARTS: readonly (readonly [string, (broker: BrokerHarness) => Promise<void>])[] = [
  ['without a restart', async () => {}],
  [
    'after an orderly restart',
    async (broker) => {
      await broker.stop()
      await broker.restart()
    },
  ],
  [
    'after a kill, the start cache lost',
    async (broker) => {
      broker.crash({ powerLoss: false })
      const { files } = broker.machine.start('operator', () => undefined).effects
      await broker.settled(files.remove('/store/config'))
      await broker.restart()
    },
  ],
]

describe.each(RESTARTS)('%s', (_name, restarted) => {
  test('survivors: the topic is reset → the copy is not of its queues, and the handle of the origin acts on it still', async () => {
    const { broker, popped } = await movedOn()
    await broker.reset()
    await restarted(broker)
    expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 1 })
    expect(await ackMoved(broker, popped)).toBe(ResponseCode.SUCCESS)
    expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 0, acked: 1 })
  })

  test('survivors: the retry topic is reset to its end → the copy does not come, and the handle does nothing', async () => {
    const { broker, popped } = await movedOn()
    await broker.reset({ topic: RETRY, timestampMs: -1 })
    await restarted(broker)
    // Where nothing is in flight, nothing is remembered of what went on elsewhere.
    expect([ResponseCode.SUCCESS, ResponseCode.NO_MESSAGE]).toContain(await ackMoved(broker, popped))
    await broker.advance(11 * HOUR_MS)
    expect(bucketsOf(broker, RETRY)).toMatchObject({ skipped: 1, acked: 0 })
    expect(await broker.pop('T', 'G')).toHaveLength(0)
  })

  test('survivors: the copy of a message that is in flight → hidden until the deadline of its origin', async () => {
    const { broker } = await movedOn()
    await restarted(broker)
    expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 1, ready: 0, waiting: 0 })
    expect(await broker.pop('T', 'G')).toHaveLength(0)
    await broker.advance(7 * HOUR_MS)
    expect(await broker.pop('T', 'G')).toHaveLength(0)
    await broker.advance(HOUR_MS)
    const again = await broker.pop('T', 'G')
    expect(bodiesOf(again)).toStrictEqual(['in flight'])
    expect(again[0]!.record.reconsumeTimes).toBe(1)
    await broker.ack('T', 'G', again[0]!)
    expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 0, acked: 1 })
    expect(broker.broker.ledger().every(({ balanced }) => balanced)).toBe(true)
  })

  test('survivors: an ack with the handle of the origin → settles the copy', async () => {
    const { broker, popped } = await movedOn()
    await restarted(broker)
    expect(await ackMoved(broker, popped)).toBe(ResponseCode.SUCCESS)
    expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 0, acked: 1 })
    await restarted(broker)
    await broker.advance(11 * HOUR_MS)
    expect(await broker.pop('T', 'G')).toHaveLength(0)
  })

  test('survivors: another invisible time with the handle of the origin → holds for the copy, with the new handle', async () => {
    const { broker, popped } = await movedOn()
    await restarted(broker)
    const changed = await broker.changeInvisible('T', 'G', popped, 60_000)
    expect(changed.code).toBe(ResponseCode.SUCCESS)
    const { popTimeMs } = changed.header as { popTimeMs: number }
    expect(await ackMoved(broker, popped)).toBe(ResponseCode.SUCCESS)
    expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 1, acked: 0 })
    await broker.advance(59_000)
    expect(await broker.pop('T', 'G')).toHaveLength(0)
    const handle = popped.handle.replace(String(popped.popTimeMs), String(popTimeMs))
    expect(await ackMoved(broker, { ...popped, handle })).toBe(ResponseCode.SUCCESS)
    expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 0, acked: 1 })
  })
})

test('survivors: a copy that was hidden, given and released goes on → the next copy waits, by its own word alone, too', async () => {
  const { broker } = await movedOn(3 * HOUR_MS)
  await broker.advance(2 * HOUR_MS)
  expect(await broker.pop('T', 'G', { max: 1, invisibleMs: 1000 })).toHaveLength(1)
  await broker.advance(2000)
  await fill(broker, 2)
  await broker.advance(2 * HOUR_MS)
  const moved = bucketsOf(broker, RETRY)
  expect(moved).toMatchObject({ inFlight: 0, scheduled: 1, waiting: 1 })
  broker.crash({ powerLoss: false })
  await cutBehindCopy(broker)
  await broker.restart()
  expect(bucketsOf(broker, RETRY)).toEqual(moved)
})

test('survivors: a message that was released goes on → the progress of its group shows it in the retry topic, once', async () => {
  const broker = await startBroker(SETTINGS)
  await broker.send('T', 'released')
  await broker.pop('T', 'G', { max: 1, queueId: 0, invisibleMs: 1000 })
  await fill(broker, 2)
  await broker.advance(2 * HOUR_MS)
  expect(broker.events.some(({ event }) => event === 'store.segment-removed')).toBe(true)
  async function lags(): Promise<Record<string, number>> {
    const { body } = await broker.ask(GetConsumeStats, { consumerGroup: 'G' })
    const queues = decodeConsumeStats(body!).filter(({ queueId }) => queueId === 0)
    return Object.fromEntries(
      queues.map(({ topic, brokerOffset, consumerOffset }) => [topic, brokerOffset - consumerOffset]),
    )
  }
  expect(await lags()).toStrictEqual({ T: 0, [RETRY]: 1 })
  expect(broker.broker.ledger().find(({ topic }) => topic === RETRY)).toMatchObject({ lag: 1, buckets: { waiting: 1 } })
  const [popped] = await broker.pop('T', 'G')
  await broker.ack('T', 'G', popped!)
  expect(await lags()).toStrictEqual({ T: 0, [RETRY]: 0 })
})

test('survivors: a copy that waits in front of one that is in flight → delivered now, the other one is not', async () => {
  const broker = await pending()
  await broker.advance(2 * HOUR_MS)
  expect(bucketsOf(broker, RETRY)).toMatchObject({ ready: 1, inFlight: 1, waiting: 0 })
  const popped = await broker.pop('T', 'G')
  expect(bodiesOf(popped)).toStrictEqual(['released'])
  expect(popped[0]!.record.reconsumeTimes).toBe(1)
})

test('survivors: the record of a copy in flight goes, too → the next copy is as hidden, and the first handle acts on it', async () => {
  const broker = await startBroker(SETTINGS)
  await broker.send('T', 'in flight')
  const [popped] = await broker.pop('T', 'G', { max: 1, queueId: 0, invisibleMs: 10 * HOUR_MS })
  const copied = () => broker.events.filter(({ event }) => event === 'survivors.copied').length
  for (let copies = 1; copies <= 3; copies += 1) {
    await fill(broker, 2)
    await broker.advance(2 * HOUR_MS)
    expect(copied()).toBe(copies)
  }
  expect(await broker.pop('T', 'G')).toHaveLength(0)
  expect(await ackMoved(broker, popped!)).toBe(ResponseCode.SUCCESS)
  expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 0, scheduled: 2, acked: 1 })
})

test('survivors: a copy is the first record of the log, the start cache lost → the handle of the origin acts on it', async () => {
  const broker = await startBroker(SETTINGS)
  await broker.send('T', 'x'.repeat(20_000))
  const [popped] = await broker.pop('T', 'G', { max: 1, queueId: 0, invisibleMs: 10 * HOUR_MS })
  await fill(broker, 2)
  for (let left = 5; left > 0; left -= 1) await broker.send('filler', 'x'.repeat(10_000))
  const { files } = broker.machine.start('operator', () => undefined).effects
  const segments = async () => (await broker.settled(files.list('/store/commitlog'))).length
  for (let minutes = 0; (await segments()) > 1; minutes += 1) {
    expect(minutes).toBeLessThan(180)
    await broker.advance(60_000)
  }
  broker.crash({ powerLoss: false })
  await broker.settled(files.remove('/store/config'))
  await broker.restart()
  expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 1 })
  expect(await ackMoved(broker, popped!)).toBe(ResponseCode.SUCCESS)
  expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 0, acked: 1 })
})

test('survivors: records of pending messages go → each goes on in the retry topic, the others as retention says', async () => {
  const broker = await pending()
  await broker.advance(2 * HOUR_MS)
  expect(broker.events.some(({ event }) => event === 'store.segment-removed')).toBe(true)
  expect(broker.events).toContainEqual({ event: 'survivors.copied', topic: 'T', group: 'G', queueId: 0, messages: 2 })
  expect(bucketsOf(broker, 'T')).toMatchObject({ acked: 1, scheduled: 2, expired: 1, inFlight: 0, ready: 0 })
  const copies = await broker.pop(RETRY, 'watchers')
  expect(bodiesOf(copies)).toStrictEqual(['released', 'in flight'])
  expect(copies.map(({ record }) => record.reconsumeTimes)).toStrictEqual([1, 1])
  const properties = decodeProperties(Buffer.from(copies[0]!.record.properties).toString())
  expect(Object.fromEntries(properties)).toMatchObject({ TAGS: 're', KEYS: 'k', '1ST_POP_TIME': expect.any(String) })
})

/** Milliseconds from `pending` until the first copy is told of; runs of one world are all alike. */
async function momentOfCopy(): Promise<number> {
  let moment = 0
  for (const stepMs of [60_000, 1000, 20, 1]) {
    const broker = await pending()
    await broker.advance(moment)
    while (!broker.events.some(({ event }) => event === 'survivors.copied')) {
      await broker.advance(stepMs)
      moment += stepMs
    }
    moment -= stepMs
  }
  return moment
}

test.each([
  ['kill', false],
  ['power loss', true],
])(
  'survivors: %s at any moment of it, the start cache lost → no message is gone, none is there twice',
  async (_n, powerLoss) => {
    const moment = await momentOfCopy()
    let before = 0
    let after = 0
    for (let shiftMs = -6; shiftMs < 26; shiftMs += 2) {
      const broker = await pending()
      await broker.advance(moment + shiftMs)
      if (!broker.events.some(({ event }) => event === 'survivors.copied')) before += 1
      if (!broker.events.some(({ event }) => event === 'store.segment-removed')) after += 1
      broker.crash({ powerLoss })
      const { files } = broker.machine.start('operator', () => undefined).effects
      await broker.settled(files.remove('/store/config'))
      await broker.restart()
      await broker.advance(2 * HOUR_MS)
      expect(broker.broker.ledger().every(({ balanced }) => balanced)).toBe(true)
      expect(bucketsOf(broker, 'T')).toMatchObject({ acked: 1, scheduled: 2, inFlight: 0, ready: 0 })
      expect(bucketsOf(broker, RETRY)).toMatchObject({ ready: 1, inFlight: 1, waiting: 0 })
      expect(bodiesOf(await broker.pop(RETRY, 'watchers'))).toStrictEqual(['released', 'in flight'])
    }
    expect(before).toBeGreaterThan(2)
    expect(after).toBeGreaterThan(before)
    expect(after).toBeLessThan(16)
  },
)

test('survivors: nothing but the copy reached the disk → the copy alone has settled its origin', async () => {
  const moment = await momentOfCopy()
  const broker = await pending()
  await broker.advance(moment + 1)
  broker.crash({ powerLoss: false })
  await cutBehindCopy(broker)
  // The copy alone says that it is in flight, too: now, and after the next record of the journal.
  for (let starts = 0; starts < 2; starts += 1) {
    await broker.restart()
    expect(bucketsOf(broker, 'T')).toMatchObject({ acked: 1, scheduled: 2, inFlight: 0, ready: 0 })
    expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 1 })
    await broker.send('T', 'x')
    await broker.pop('T', 'H', { invisibleMs: 60_000 })
    broker.crash({ powerLoss: true })
    const again = broker.machine.start('operator', () => undefined).effects
    await broker.settled(again.files.remove('/store/config'))
  }
})

test('survivors: a message is popped for the first time at any moment of it → it is delivered again, or nobody got it', async () => {
  const moment = await momentOfCopy()
  const outcomes = new Set<string>()
  for (let shiftMs = -4; shiftMs < 26; shiftMs += 1) {
    const broker = await pending()
    await broker.advance(moment + shiftMs)
    const got = bodiesOf(await broker.pop('T', 'G', { invisibleMs: 1000 })).includes('waiting')
    await broker.advance(2 * HOUR_MS)
    const later = bodiesOf(await broker.pop('T', 'G'))
    outcomes.add(`${got ? 'given' : 'not given'}, ${later.includes('waiting') ? 'given again' : 'gone'}`)
    expect(broker.broker.ledger().every(({ balanced }) => balanced)).toBe(true)
  }
  expect([...outcomes].sort()).toStrictEqual(['given, given again', 'not given, gone'])
})

test('survivors: more than fit into one Turn → all of them, each once', async () => {
  const broker = await startBroker(SETTINGS)
  const count = 2 * SURVIVORS_PER_TURN_MAX + 5
  for (let index = 0; index < count; index += 1) await broker.send('T', `message ${index}`)
  for (let left = count; left > 0; left -= 32) await broker.pop('T', 'G', { queueId: 0, invisibleMs: 10 * HOUR_MS })
  await fill(broker, 2)
  await broker.advance(2 * HOUR_MS)
  expect(bucketsOf(broker, 'T')).toMatchObject({ scheduled: count, inFlight: 0 })
  const bodies = new Set<string>()
  for (let copies = await broker.pop(RETRY, 'w'); copies.length > 0; copies = await broker.pop(RETRY, 'w')) {
    for (const body of bodiesOf(copies)) bodies.add(body)
  }
  expect(bodies.size).toBe(count)
})

/** Messages in flight whose copies wait for room on a full disk. */
async function waitingForRoom(): Promise<{ broker: BrokerHarness; popped: Popped[] }> {
  const broker = await startBroker(SETTINGS)
  for (let index = 0; index < 8; index += 1) await broker.send('T', `${index}`.padEnd(10_000, 'x'))
  const popped = await broker.pop('T', 'G', { queueId: 0, invisibleMs: 3 * HOUR_MS })
  await fill(broker, 2)
  const { disk } = broker.machine
  disk.capacityBytes = disk.usedBytes
  while (!broker.events.some(({ event }) => event === 'store.retention-failed')) await broker.advance(1000)
  return { broker, popped }
}

test('survivors: copies wait for room on a full disk → the next try leaves them alone, and their handles act when there is room', async () => {
  const { broker, popped } = await waitingForRoom()
  await broker.advance(60_000)
  // Those of the first file: it stays, and so the next one does not leave.
  const copies = popped.length - 2
  expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: copies, damaged: 0 })
  broker.machine.disk.capacityBytes = Infinity
  await broker.advance(60_000)
  for (const each of popped.slice(0, copies)) expect(await ackMoved(broker, each)).toBe(ResponseCode.SUCCESS)
  expect(bucketsOf(broker, RETRY)).toMatchObject({ inFlight: 0, acked: copies })
})

test('survivors: a copy that waits for room on a full disk is released → nobody gets it yet, then it comes', async () => {
  const { broker, popped } = await waitingForRoom()
  await broker.changeInvisible('T', 'G', popped[0]!, 0)
  expect(await broker.pop('T', 'G')).toHaveLength(0)
  broker.machine.disk.capacityBytes = Infinity
  await broker.advance(60_000)
  expect((await broker.pop('T', 'G')).map(({ record }) => record.body)).toEqual([popped[0]!.record.body])
})

test('survivors: a copy that waits for room on a full disk is given up → not now, and it is not lost', async () => {
  const { broker, popped } = await waitingForRoom()
  expect((await broker.sendBack('T', 'G', popped[0]!)).code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE)
  broker.machine.disk.capacityBytes = Infinity
  await broker.advance(60_000)
  expect(bucketsOf(broker, RETRY)).toMatchObject({ damaged: 0 })
})

test('survivors: a record that is damaged → settled as such, the others go on', async () => {
  const broker = await pending()
  const { files } = broker.machine.start('operator', () => undefined).effects
  const log = '/store/commitlog/00000000000000000000'
  const at = Buffer.from((await broker.settled(files.readWhole(log, SEGMENT_BYTES)))!).indexOf('released')
  broker.machine.disk.flipBit(log, at, 0)
  await broker.advance(2 * HOUR_MS)
  expect(bucketsOf(broker, 'T')).toMatchObject({ acked: 1, scheduled: 1, damaged: 1, inFlight: 0, ready: 0 })
  expect(bodiesOf(await broker.pop(RETRY, 'watchers'))).toStrictEqual(['in flight'])
})

test.each([
  ['for minutes', 240_000, { scheduled: 2, damaged: 0 }],
  ['for good', 2 * HOUR_MS, { scheduled: 0, damaged: 2 }],
] as const)(
  'survivors: the disk gives their records back no more, %s → they keep their file for a while, not for ever',
  async (_name, forMs, buckets) => {
    const broker = await pending()
    await broker.advance(HOUR_MS - 60_000)
    const path = '/store/commitlog/00000000000000000000'
    const fault = broker.machine.disk.fail({ on: 'read', path, error: 'io', times: Infinity })
    await broker.advance(forMs)
    expect(fault.hits).toBeGreaterThan(0)
    fault.clear()
    await broker.advance(HOUR_MS)
    expect(bucketsOf(broker, 'T')).toMatchObject({ acked: 1, inFlight: 0, ready: 0, ...buckets })
    expect(broker.events.filter(({ event }) => event === 'store.segment-removed')).not.toHaveLength(0)
  },
)
