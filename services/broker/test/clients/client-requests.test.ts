// What brokers keep of clients: which connections have producers of a group.
import { expect, test } from '@jest/globals'
import { ResponseCode, UnregisterClient, HeartBeat } from '@rocketmq-ts/remoting'
import { PRODUCERS_MAX, PRODUCER_SILENT_MS_MAX, createProducers } from '../../src/clients/producers.ts'
import { startBroker } from '../broker-harness.ts'
import { SECOND_MS, connectProducer, sendHalf } from '../transaction/transaction-harness.ts'
import { fakePeer } from './client-harness.ts'

test('producers: two connections of a group → picked in turn, until one is gone', () => {
  const producers = createProducers({ clock: { monotonicMs: () => 0 } })
  const [a, b] = [fakePeer(), fakePeer()]
  producers.seen(a, ['G', 'H'])
  producers.seen(b, ['G'])
  expect([producers.pick('G'), producers.pick('G'), producers.pick('G')]).toEqual([a, b, a])
  a.end()
  expect([producers.pick('G'), producers.pick('G'), producers.pick('H')]).toEqual([b, b, undefined])
  expect(producers.size).toBe(1)
  producers.left(b, 'G')
  expect([producers.pick('G'), producers.size]).toEqual([undefined, 0])
})

test('producers: silent for too long → not picked; heard of again → picked', () => {
  let nowMs = 0
  const producers = createProducers({ clock: { monotonicMs: () => nowMs } })
  const peer = fakePeer()
  producers.seen(peer, ['G'])
  nowMs = PRODUCER_SILENT_MS_MAX
  expect(producers.pick('G')).toBe(peer)
  nowMs += 1
  expect(producers.pick('G')).toBeUndefined()
  expect(producers.size).toBe(0)
  producers.seen(peer, ['G'])
  expect(producers.pick('G')).toBe(peer)
})

test('producers: a connection that is gone already → no producer', () => {
  const producers = createProducers({ clock: { monotonicMs: () => 0 } })
  const peer = fakePeer()
  peer.end()
  producers.seen(peer, ['G'])
  expect([producers.pick('G'), producers.size]).toEqual([undefined, 0])
})

test('producers: at the bound → further groups are left out, known ones stay', () => {
  const producers = createProducers({ clock: { monotonicMs: () => 0 } })
  const peer = fakePeer()
  producers.seen(
    peer,
    Array.from({ length: PRODUCERS_MAX }, (_, index) => `G${index}`),
  )
  producers.seen(peer, ['more', 'G0'])
  expect([producers.size, producers.pick('more'), producers.pick('G0')]).toEqual([PRODUCERS_MAX, undefined, peer])
})

test('producers: at the bound, and some were silent for too long → these make room, looked for every 10 s', () => {
  let nowMs = 0
  const producers = createProducers({ clock: { monotonicMs: () => nowMs } })
  const [peer, other] = [fakePeer(), fakePeer()]
  producers.seen(
    peer,
    Array.from({ length: PRODUCERS_MAX }, (_, index) => `G${index}`),
  )
  nowMs = PRODUCER_SILENT_MS_MAX - 5 * SECOND_MS
  producers.seen(peer, ['G0'])
  producers.seen(other, ['more'])
  nowMs = PRODUCER_SILENT_MS_MAX + 1
  producers.seen(other, ['more'])
  expect([producers.size, producers.pick('more')]).toEqual([PRODUCERS_MAX, undefined])
  nowMs = PRODUCER_SILENT_MS_MAX + 5 * SECOND_MS
  producers.seen(other, ['more'])
  expect([producers.size, producers.pick('more'), producers.pick('G0')]).toEqual([2, other, peer])
})

test('UNREGISTER_CLIENT: a producer leaves its group → it is not asked about transactions', async () => {
  const broker = await startBroker()
  const { peer, questions } = await connectProducer(broker)
  const header = { clientId: 'producer', producerGroup: 'P' }
  const answer = await broker.settled(peer.request(UnregisterClient, header, { timeoutMs: SECOND_MS }))
  expect(answer.code).toBe(ResponseCode.SUCCESS)
  await sendHalf(broker, 'T', 'one')
  await broker.advance(10 * SECOND_MS)
  expect(questions).toEqual([])
})

test('HEART_BEAT: a body that is no heartbeat → INVALID_PARAMETER', async () => {
  const broker = await startBroker()
  expect((await broker.ask(HeartBeat, {}, Buffer.from('{'))).code).toBe(ResponseCode.INVALID_PARAMETER)
})
