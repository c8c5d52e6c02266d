import { expect, test } from '@jest/globals'
import { type SubscriptionGroupConfig, subscriptionGroupConfig } from '@rocketmq-ts/model'
import { RETRY_TIMES_MAX, attemptsMax, createGroupTable } from '../../src/groups/group-table.ts'
import { GROUPS_MAX } from '../../src/limits.ts'

test('group table: put, changed and removed → each change is a new version, no change is none', () => {
  const table = createGroupTable()
  const versions = [table.dataVersion]
  table.put(subscriptionGroupConfig('G'), 1)
  versions.push(table.dataVersion)
  table.put(subscriptionGroupConfig('G', { retryMaxTimes: 3 }), 2)
  versions.push(table.dataVersion)
  expect(table.get('G')?.retryMaxTimes).toBe(3)
  expect(table.remove('G', 3)).toBe(true)
  versions.push(table.dataVersion)
  expect(table.remove('G', 4)).toBe(false)
  expect(table.dataVersion).toStrictEqual(versions.at(-1))
  expect(new Set(versions.map(({ counter }) => counter)).size).toBe(versions.length)
})

test.each([
  ['none: the default of Java', undefined, 17],
  ['no retry', subscriptionGroupConfig('G', { retryMaxTimes: 0 }), 1],
  ['three', subscriptionGroupConfig('G', { retryMaxTimes: 3 }), 4],
  ['no bound', subscriptionGroupConfig('G', { retryMaxTimes: -1 }), Number.MAX_SAFE_INTEGER],
])('attempts: settings with %s → the first delivery counts too', (_name, config, attempts) => {
  expect(attemptsMax(config)).toBe(attempts)
})

const wrong: readonly [string, SubscriptionGroupConfig, string][] = [
  ['no name', subscriptionGroupConfig(''), 'group'],
  [
    'an unknown unit of order',
    subscriptionGroupConfig('G', { attributes: new Map([['order.unit', 'queue']]) }),
    'order.unit',
  ],
  ['a space in its name', subscriptionGroupConfig('a b'), 'group'],
  ['a name too long', subscriptionGroupConfig('x'.repeat(121)), 'group'],
  ['retries below −1', subscriptionGroupConfig('G', { retryMaxTimes: -2 }), 'retryMaxTimes'],
  ['too many retries', subscriptionGroupConfig('G', { retryMaxTimes: RETRY_TIMES_MAX + 1 }), 'retryMaxTimes'],
]

test.each(wrong)('group table: a group with %s → refused, the field is named', (_name, config, field) => {
  expect(() => createGroupTable().check(config)).toThrow(field)
})

test('group table: a retry policy of Apache that requests may not ask for → kept, so that a folder of Apache opens', () => {
  const next = [-1, 86_400_000]
  const config = subscriptionGroupConfig('G', {
    groupRetryPolicy: { type: 'CUSTOMIZED', customizedRetryPolicy: { next } },
  })
  expect(() => createGroupTable().check(config)).not.toThrow()
})

test('group table: full → one more is refused as busy, one that is there may change', () => {
  const table = createGroupTable()
  for (let index = 0; index < GROUPS_MAX; index += 1) table.put(subscriptionGroupConfig(`G${index}`), 1)
  expect(() => table.check(subscriptionGroupConfig('one-more'))).toThrow(expect.objectContaining({ code: 'busy' }))
  expect(() => table.check(subscriptionGroupConfig('G0', { retryMaxTimes: 1 }))).not.toThrow()
})
