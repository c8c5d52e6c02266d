import { expect, test } from '@jest/globals'
import { subscriptionsText } from '../src/index.ts'

const tag = (expression: string, topic = 't') => ({ topic, type: 'TAG', expression })
const sql = (expression: string) => ({ topic: 't', type: 'SQL92', expression })

test.each([
  ['t a || b', [tag('b||a')], [tag(' a || b || a ')]],
  ['t *', [tag('')], [tag('*')]],
  ['t *; u a', [tag('a', 'u'), tag('*')], [tag('*'), tag('a', 'u')]],
  ['t SQL92 x > 1', [sql(' x > 1')], [sql('x > 1')]],
])('subscriptions: two spellings of %s → the same text', (text, one, other) => {
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
