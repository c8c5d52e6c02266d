// Answers that are no success, as callers see them.
import { expect, test } from '@jest/globals'
import { MqError } from '@rocketmq-ts/model'
import { errorOf, failureOf, ResponseCode } from '../src/index.ts'

const APACHE_FULL =
  'service not available now. It may be caused by one of the following reasons: the broker’s disk is full [CL:  0.95 CQ:  0.95 INDEX:  0.95], messages are put to the slave, message store has been shut down, etc.'

test('answers: SERVICE_NOT_AVAILABLE → a full or broken disk is told apart from a broker that is away', () => {
  const codeOf = (remark: string) => errorOf({ code: ResponseCode.SERVICE_NOT_AVAILABLE, remark }, 'SEND').code
  expect([
    codeOf('no space is left on the disk of the store; free some, sending goes on by itself'),
    codeOf(APACHE_FULL),
    codeOf('the store takes nothing more after a failed write or sync (EIO); check the disk, then restart the broker'),
    codeOf('this broker is stopping; ask another'),
    codeOf(''),
  ]).toEqual(['disk-full', 'disk-full', 'store-refused', 'unavailable', 'unavailable'])
})

test('answers: an operating error → the same one at the caller, where its response code is its own', () => {
  for (const code of ['disk-full', 'busy', 'topic-not-found', 'no-permission'] as const) {
    const answer = failureOf(new MqError(code, 'no space is left on the disk'))
    expect(errorOf(answer, 'SEND')).toMatchObject({ code, message: `SEND: answer ${answer.code}: ${answer.remark}` })
  }
})
