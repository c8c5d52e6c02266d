import { expect, test } from '@jest/globals'
import { RetentionAttribute, topicRetention } from '../src/index.ts'

function read(...attributes: (readonly [string, string])[]) {
  return topicRetention({ attributes: new Map(attributes) })
}

test('topic retention: attributes → bounds; none, or -1 → no bound', () => {
  expect(read()).toEqual({ ms: undefined, bytes: undefined, count: undefined })
  expect(read([RetentionAttribute.ms, '86400000'], [RetentionAttribute.bytes, '-1'])).toEqual({
    ms: 86_400_000,
    bytes: undefined,
    count: undefined,
  })
  expect(read([RetentionAttribute.count, '9007199254740991'])).toMatchObject({ count: Number.MAX_SAFE_INTEGER })
})

test.each(['0', '-2', '1.5', '24h', '', ' 1', '9007199254740992', '99999999999999999'])(
  "topic retention: '%s' → refused with the name of the attribute",
  (text) => {
    for (const name of Object.values(RetentionAttribute)) {
      expect(() => read([name, text])).toThrow(
        expect.objectContaining({ code: 'parameter-invalid', message: expect.stringContaining(name) }),
      )
    }
  },
)
