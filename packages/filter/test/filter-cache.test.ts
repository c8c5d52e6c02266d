import { expect, test } from '@jest/globals'
import { ALL_TAGS, createFilterCache, FILTER_CHARS_CACHED_MAX, FILTERS_CACHED_MAX } from '../src/index.ts'

test('cache: the same subscription again → the same filter, not compiled again; of another type → another one', () => {
  const cache = createFilterCache()
  const filter = cache.filter('SQL92', 'a = 1')
  expect(cache.filter('SQL92', 'a = 1')).toBe(filter)
  expect(cache.filter('TAG', 'a = 1')).not.toBe(filter)
  expect(cache.filter('TAG', '*')).toBe(ALL_TAGS)
  expect(cache.size).toBe(2)
})

test('cache: more subscriptions than it holds → those used last stay', () => {
  const cache = createFilterCache()
  const first = cache.filter('TAG', 'first')
  const second = cache.filter('TAG', 'second')
  for (let index = 2; index < FILTERS_CACHED_MAX; index += 1) cache.filter('TAG', `t${index}`)
  expect(cache.filter('TAG', 'first')).toBe(first)
  cache.filter('TAG', 'one more')
  expect(cache.size).toBe(FILTERS_CACHED_MAX)
  expect(cache.filter('TAG', 'first')).toBe(first)
  expect(cache.filter('TAG', 'second')).not.toBe(second)
})

test('cache: long expressions → no more of them than their characters allow', () => {
  const cache = createFilterCache()
  const chars = 60_000
  for (let index = 0; index < 40; index += 1) cache.filter('TAG', `${index}${'x'.repeat(chars)}`)
  expect(cache.size).toBe(Math.floor(FILTER_CHARS_CACHED_MAX / (chars + 6)))
})

test('cache: an expression that is refused → refused each time, and not kept', () => {
  const cache = createFilterCache()
  for (const _ of [1, 2]) expect(() => cache.filter('SQL92', 'a >')).toThrow('SQL92 expression')
  expect(cache.size).toBe(0)
})
