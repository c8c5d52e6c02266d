import { expect, test } from '@jest/globals'
import { MqError, tagsCodeOf } from '@rocketmq-ts/model'
import * as fc from 'fast-check'
import { ALL_TAGS, parseTagExpression, TAG_EXPRESSION_CHARS_MAX, TAGS_MAX } from '../src/index.ts'

test.each([undefined, '', '*'])("tags: expression '%s' → every message, also one without a tag", (text) => {
  const filter = parseTagExpression(text)
  expect(filter).toBe(ALL_TAGS)
  expect([filter.matchesTag('A'), filter.matchesTag(undefined), filter.matchesCode(0)]).toEqual([true, true, true])
})

test("tags: 'TagA ||  TagB||' → exactly these tags, by code and by text", () => {
  const filter = parseTagExpression('TagA ||  TagB||')
  expect([...filter.tags]).toEqual(['TagA', 'TagB'])
  expect([...filter.codes]).toEqual([2_598_919, 2_598_920])
  expect(['TagA', 'TagB', 'taga', 'TagC'].map((tag) => filter.matchesTag(tag))).toEqual([true, true, false, false])
  expect(filter.matchesCode(tagsCodeOf('TagC'))).toBe(false)
})

test('tags: spaces and control characters around a tag → dropped as Java does it, others are part of it', () => {
  expect([...parseTagExpression('\t A \u0000|| \u3000B\u00a0 ').tags]).toEqual(['A', '\u3000B\u00a0'])
})

test('tags: asked with the properties of a message → the text of its tag decides', () => {
  const filter = parseTagExpression('Aa')
  expect(filter.matches((name) => ({ TAGS: 'Aa' })[name])).toBe(true)
  expect(filter.matches((name) => ({ TAGS: 'BB' })[name])).toBe(false)
  expect(filter.matches(() => undefined)).toBe(false)
})

test('tags: message without a tag → only received by all', () => {
  const filter = parseTagExpression('A')
  expect([filter.matchesTag(undefined), filter.matchesTag(''), filter.matchesCode(0)]).toEqual([false, false, false])
})

test("tags: hash twins 'Aa' and 'BB' → pass by code, told apart by text", () => {
  const filter = parseTagExpression('Aa')
  expect(filter.matchesCode(tagsCodeOf('BB'))).toBe(true)
  expect(filter.matchesTag('BB')).toBe(false)
})

test("tags: '*' among others → a tag like any other", () => {
  const filter = parseTagExpression('* || A')
  expect(filter.all).toBe(false)
  expect([filter.matchesTag('*'), filter.matchesTag('B')]).toEqual([true, false])
})

test.each([
  ['||', 'names no tag'],
  ['   ', 'names no tag'],
  ['a'.repeat(TAG_EXPRESSION_CHARS_MAX + 1), 'is longer than'],
  [Array.from({ length: TAGS_MAX + 1 }, (_, index) => index).join('||'), 'names more than'],
])("tags: '%.10s' → filter-illegal, it %s", (text, reason) => {
  expect(() => parseTagExpression(text)).toThrow(MqError)
  expect(() => parseTagExpression(text)).toThrow(reason)
})

test('tags: any tag of an expression → matched by text and by code', () => {
  const tag = fc.stringMatching(/^[^|\s*][^|]{0,10}$/).map((text) => text.trim())
  fc.assert(
    fc.property(fc.array(tag, { minLength: 1, maxLength: 8 }), fc.constantFrom('||', ' || '), (tags, separator) => {
      const filter = parseTagExpression(tags.join(separator))
      for (const each of tags) {
        expect(filter.matchesTag(each)).toBe(true)
        expect(filter.matchesCode(tagsCodeOf(each))).toBe(true)
      }
    }),
  )
})
