import { expect, test } from '@jest/globals'
import { MqError } from '@rocketmq-ts/model'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { measureUpstream } from '../../src/upstream/measured-upstream.ts'
import type { Delivery, OutgoingRecord, PopRequest, Upstream } from '../../src/upstream/upstream.ts'

const RECORD = {} as OutgoingRecord

function deliveryAt(brokerName: string): Delivery {
  return { group: 'G', topic: 'T', handle: { brokerName } } as Delivery
}

test('measured upstream: answers → their time by request, but for those that wait; failures → by broker and code', async () => {
  const { clock, advance } = createManualEffects()
  const told: unknown[] = []
  const inner = {
    send: () => advance(7).then(() => 'stored'),
    pop: () => Promise.resolve({ kind: 'none' }),
    ack: () => Promise.reject(new MqError('unavailable', 'away')),
    changeInvisible: () => Promise.reject(new TypeError('defect')),
  } as unknown as Upstream
  const upstream = measureUpstream(
    inner,
    {
      answered: (request, tookMs) => told.push([request, tookMs]),
      failed: (brokerName, request, error) => told.push([brokerName, request, error]),
    },
    clock,
  )
  await upstream.send('broker-a', RECORD, 100)
  await upstream.pop({ brokerName: 'broker-a' } as PopRequest)
  await expect(upstream.ack([deliveryAt('broker-a')])).rejects.toThrow('away')
  await expect(upstream.changeInvisible(deliveryAt('broker-a'), 1)).rejects.toThrow('defect')
  expect(told).toEqual([
    ['send', 7],
    ['pop', undefined],
    ['broker-a', 'ack', 'unavailable'],
    ['broker-a', 'change-invisible', 'defect'],
  ])
})

test('measured upstream: a handle that names a broker of nobody → counted as unknown, whatever it says', async () => {
  const { clock } = createManualEffects()
  const names: string[] = []
  const inner = { ack: () => Promise.reject(new MqError('unavailable', 'away')) } as unknown as Upstream
  const upstream = measureUpstream(inner, { answered() {}, failed: (name) => names.push(name) }, clock)
  for (const name of ['x', 'y']) await expect(upstream.ack([deliveryAt(name)])).rejects.toThrow('away')
  expect(names).toEqual(['unknown', 'unknown'])
})
