import { expect, test } from '@jest/globals'
import { decodeProperties, encodeProperties } from '@rocketmq-ts/model'
import fc from 'fast-check'
import { findProperty, propertiesThatFit, withProperty, withoutProperties } from '../../src/send/property-text.ts'

const name = fc.stringMatching(/^[A-Z_]{1,8}$/)
const value = fc.stringMatching(/^[a-zA-Z0-9=]{1,12}$/)
const properties = fc.array(fc.tuple(name, value), { maxLength: 12 })

test('find: any properties → what a full parse gives for every name', () => {
  fc.assert(
    fc.property(properties, name, (entries, other) => {
      const text = encodeProperties(entries)
      const map = decodeProperties(text)
      for (const key of [...map.keys(), other]) expect(findProperty(text, key)).toBe(map.get(key))
    }),
  )
})

test('find: a name inside of a value or at the end of another name → is not the property', () => {
  expect(findProperty('AXTAGS\u0001b\u0002', 'TAGS')).toBeUndefined()
  expect(findProperty('A\u0001TAGS\u0002', 'TAGS')).toBeUndefined()
  expect(findProperty('A\u0001b', 'A')).toBe('b')
})

test('without and with: the other properties stay as they were', () => {
  fc.assert(
    fc.property(properties, (entries) => {
      const text = withProperty(
        withoutProperties(encodeProperties(entries), (each) => each === 'KEYS'),
        'KEYS',
        'k',
      )
      const expected = decodeProperties(encodeProperties(entries))
      expected.delete('KEYS')
      expected.set('KEYS', 'k')
      expect(decodeProperties(text)).toStrictEqual(expected)
    }),
  )
})

test('without: any text, also one that nobody encodes so → the properties with other names, each with its end', () => {
  const text = fc.string({ unit: fc.constantFrom('A', 'B', '\u0001', '\u0002'), maxLength: 24 })
  fc.assert(
    fc.property(text, fc.subarray(['A', 'B', 'AB']), (any, names) => {
      const entries = any.split('\u0002').filter((entry) => {
        const nameEnd = entry.indexOf('\u0001')
        return nameEnd > 0 && !names.includes(entry.slice(0, nameEnd))
      })
      const expected = entries.map((entry) => `${entry}\u0002`).join('')
      expect(withoutProperties(any, (each) => names.includes(each))).toBe(expected)
    }),
    { numRuns: 1000 },
  )
})

test('properties that fit: too many → those that do, in their order, never more than the bound', () => {
  expect(propertiesThatFit('a\u00011\u0002b\u00012\u0002', 8)).toBe('a\u00011\u0002b\u00012\u0002')
  expect(propertiesThatFit('long\u0001xxxxxxxx\u0002b\u00012\u0002', 8)).toBe('b\u00012\u0002')
  fc.assert(
    fc.property(properties, fc.nat(50), (entries, charsMax) => {
      const fitting = propertiesThatFit(encodeProperties(entries), charsMax)
      expect(fitting.length).toBeLessThanOrEqual(charsMax)
      for (const each of decodeProperties(fitting)) expect(entries).toContainEqual(each)
    }),
  )
})
