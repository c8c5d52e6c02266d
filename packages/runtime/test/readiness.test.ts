import { expect, test } from '@jest/globals'
import { partsWithin, readinessOf } from '../src/index.ts'

const store = { name: 'store', ready: false, reason: 'the log refuses appends' }
const known = { name: 'registration', ready: true }

test('readiness: all parts are ready → ready, with what is to be known of them', () => {
  const disk = { name: 'disk', ready: true, reason: 'full' }
  expect(readinessOf([known, disk])).toEqual({ ready: true, parts: [known, disk] })
})

test('readiness: a part is not ready → not ready, for its reason, or by its name', () => {
  expect(readinessOf([known, store])).toEqual({
    ready: false,
    reason: 'the log refuses appends',
    parts: [known, store],
  })
  expect(readinessOf([{ name: 'store', ready: false }])).toMatchObject({ reason: 'store is not ready' })
})

test('readiness: services within a process → parts named after their service', () => {
  expect(partsWithin('broker', readinessOf([known, store])).map(({ name }) => name)).toEqual([
    'broker/registration',
    'broker/store',
  ])
  expect(partsWithin('proxy', { ready: false, reason: 'starting' })).toEqual([
    { name: 'proxy', ready: false, reason: 'starting' },
  ])
  expect(partsWithin('proxy', { ready: true })).toEqual([{ name: 'proxy', ready: true }])
})
