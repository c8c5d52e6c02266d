import { expect, test } from '@jest/globals'
import { Code } from '@rocketmq-ts/grpc/v2'
import { createAdmission } from '../../src/rpc/admission.ts'

function admission(limits: { readonly inFlightMax: number; readonly requestBytesMax?: number }) {
  let full = 0
  const made = createAdmission({ what: 'calls', ...limits, onFull: () => (full += 1) })
  return { ...made, full: () => full }
}

test('admission: as many calls as may be under way → the next is refused, until one has left', () => {
  const { enter, leave, full } = admission({ inFlightMax: 2 })
  expect([enter(), enter()]).toEqual([undefined, undefined])
  expect(enter()).toMatchObject({ code: Code.TOO_MANY_REQUESTS, message: expect.stringContaining('2 calls') })
  leave()
  expect(enter()).toBe(undefined)
  expect(full()).toBe(1)
})

test('admission: requests as large as may be under way → the next is refused, a small one is not', () => {
  const { enter, leave, full } = admission({ inFlightMax: 100, requestBytesMax: 1000 })
  expect([enter(600), enter(300)]).toEqual([undefined, undefined])
  expect(enter(101)).toMatchObject({ code: Code.TOO_MANY_REQUESTS, message: expect.stringContaining('1000 bytes') })
  expect(enter(100)).toBe(undefined)
  leave(600)
  expect(enter(600)).toBe(undefined)
  expect(full()).toBe(1)
})

test('admission: closed → everybody is refused, and it is idle when the last has left', async () => {
  const { enter, leave, close } = admission({ inFlightMax: 2 })
  enter(5)
  const closed = close()
  expect(enter()).toMatchObject({ message: expect.stringContaining('stopping') })
  leave(5)
  await closed
})
