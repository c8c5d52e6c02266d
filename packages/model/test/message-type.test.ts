import { expect, test } from '@jest/globals'
import { messageTypeOf } from '../src/index.ts'

test.each([
  [{}, 'NORMAL'],
  [{ TRAN_MSG: 'false' }, 'NORMAL'],
  [{ TRAN_MSG: 'true', DELAY: '1' }, 'TRANSACTION'],
  [{ DELAY: '1', __SHARDINGKEY: 'k' }, 'DELAY'],
  [{ TIMER_DELIVER_MS: '1' }, 'DELAY'],
  [{ __SHARDINGKEY: 'k' }, 'FIFO'],
  [{ _SYS_MSG_PRIORITY_: '3' }, 'PRIORITY'],
  [{ __LITE_TOPIC: 'l' }, 'LITE'],
])('message type: properties %j → %s', (properties, type) => {
  expect(messageTypeOf(new Map(Object.entries(properties)))).toBe(type)
})
