import { expect, test } from '@jest/globals'
import { Code } from '@rocketmq-ts/grpc/v2'
import { MQ_ERROR_CODES, MqError } from '@rocketmq-ts/model'
import { commonStatus, statusOf } from '../src/status.ts'

test('status: every code of an MqError → a code of the protocol that clients know, with the text of the error', () => {
  const known = new Set<number>(Object.values(Code))
  for (const code of MQ_ERROR_CODES) {
    const status = statusOf(new MqError(code, `because of ${code}`))
    expect(known.has(status.code)).toBe(true)
    expect(status).toMatchObject({ message: `because of ${code}` })
    expect(status.code).toBeGreaterThanOrEqual(Code.BAD_REQUEST)
  }
})

test('status: equal codes → that status; different ones → MULTIPLE_RESULTS', () => {
  const ok = { code: Code.OK, message: 'OK' }
  const busy = { code: Code.TOO_MANY_REQUESTS, message: 'busy' }
  expect(commonStatus([busy, { ...busy }])).toBe(busy)
  expect(commonStatus([ok, busy]).code).toBe(Code.MULTIPLE_RESULTS)
})
