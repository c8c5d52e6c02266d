import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { readPropertiesText, writeProperty } from '../src/properties-text.ts'

function read(content: string) {
  return readPropertiesText(content).entries.map(({ name, text, line }) => [name, text, line])
}

// As java.util.Properties.load documents it.
test.each([
  ['Truth = Beauty', [['Truth', 'Beauty', 1]]],
  [' Truth:Beauty', [['Truth', 'Beauty', 1]]],
  ['Truth  \t :Beauty', [['Truth', 'Beauty', 1]]],
  ['Truth Beauty', [['Truth', 'Beauty', 1]]],
  ['cheeses', [['cheeses', '', 1]]],
  ['cheeses=', [['cheeses', '', 1]]],
  ['a==b', [['a', '=b', 1]]],
  ['a = = b', [['a', '= b', 1]]],
  ['a=b ', [['a', 'b ', 1]]],
  ['# no\n! nor this\n\n  # nor this\na=1', [['a', '1', 5]]],
  [
    'a=1\r\nb=2\rc=3',
    [
      ['a', '1', 1],
      ['b', '2', 2],
      ['c', '3', 3],
    ],
  ],
  [
    'fruits  apple, banana, \\\n    cantaloupe, \\\n\tgrape\nb=1',
    [
      ['fruits', 'apple, banana, cantaloupe, grape', 1],
      ['b', '1', 4],
    ],
  ],
  ['a=1\\\n# still a value', [['a', '1# still a value', 1]]],
  [
    'a=b\\\\\nc=d',
    [
      ['a', 'b\\', 1],
      ['c', 'd', 2],
    ],
  ],
  ['a=b\\', [['a', 'b', 1]]],
  ['# a comment is not continued \\\na=1', [['a', '1', 2]]],
  ['a\\=b\\:c\\ d=e', [['a=b:c d', 'e', 1]]],
  ['a=\\t\\n\\r\\f\\q\\"', [['a', '\t\n\r\fq"', 1]]],
  ['a=\\u0041\\u00e9', [['a', 'Aé', 1]]],
  ['a=C:\\\\data\\\\store', [['a', 'C:\\data\\store', 1]]],
  [
    'listenPort=10911\nlistenPort=10912',
    [
      ['listenPort', '10911', 1],
      ['listenPort', '10912', 2],
    ],
  ],
])('properties: %j', (content, expected) => {
  expect(read(content)).toEqual(expected)
})

test('properties: \\u without four digits → a fault of its line, the others are read', () => {
  const { entries, faults } = readPropertiesText('a=1\nb=\\u12g4\n\\u1=2\nc=3')
  expect(entries.map(({ name }) => name)).toEqual(['a', 'c'])
  expect(faults.map(({ line }) => line)).toEqual([2, 3])
})

test('properties: any text → never throws, and lines are those of the text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', ' ', '\\', 'u', '\n', '\r', '=', ':', '#', '\t', '0') }),
      (content) => {
        const lines = content.split(/\r\n|\r|\n/).length
        for (const { line } of readPropertiesText(content).entries) {
          expect(line).toBeGreaterThanOrEqual(1)
          expect(line).toBeLessThanOrEqual(lines)
        }
      },
    ),
  )
})

test('properties: what is written → is read again', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'B', ' ', '\\', 'u', '\n', '\r', '\f', '=', ':', '#', '!', '\t', 'é'),
  })
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          text.filter((name) => name !== ''),
          text,
        ),
      ),
      (pairs) => {
        const content = pairs.map(([name, value]) => writeProperty(name, value)).join('\n')
        expect(readPropertiesText(content).entries.map(({ name, text: value }) => [name, value])).toEqual(pairs)
      },
    ),
  )
})
