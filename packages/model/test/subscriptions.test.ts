import { expect, test } from '@jest/globals'
import { subscriptionsText } from '../src/index.ts'

const tag = (expression: string, topic = 't') => ({ topic, type: 'TAG', expression })
const sql = (expression: string) => ({ topic: 't', type: 'SQL92', expression })

test.each([
  [[tag('b||a')], [tag(' a || b || a ')], 't a || b'],
  [[tag('')], [tag('*')], 't *'],
  [[tag('a', 'u'), tag('*')], [tag('*'), tag('a', 'u')], 't *; u a'],
  [[sql(' x > 1')], [sql('x > 1')], 't SQL92 x > 1'],
])('subscriptions: %j and %j → the same text', (one, other, text) => {
  expect([subscriptionsText(one), subscriptionsText(other)]).toEqual([text, text])
})

test.each([
  [[tag('a')], [tag('A')]],
  [[tag('a')], [tag('a', 'u')]],
  [[tag('a')], [sql('a')]],
  [[tag('a')], [tag('a'), tag('b', 'u')]],
  [[sql('x > 1')], [sql('x>1')]],
])('subscriptions: %j and %j → different texts', (one, other) => {
  expect(subscriptionsText(one)).not.toBe(subscriptionsText(other))
})
