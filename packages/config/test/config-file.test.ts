import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { CONFIG_FILE_BYTES_MAX, formatFaults, readConfigFile } from '../src/index.ts'
import { readJsonText } from '../src/json-text.ts'

function read(path: string, content: string) {
  const { name, entries, faults } = readConfigFile(path, Buffer.from(content))
  return { name, entries: entries.map((entry) => [entry.name, entry.text, entry.line]), faults: formatFaults(faults) }
}

test.each([
  ['/etc/rmq-proxy.json', '{"a": 1}', [['a', '1', 1]]],
  [
    'proxy.conf',
    '\n {\n "a": "x",\n "b": true }\n',
    [
      ['a', 'x', 3],
      ['b', 'true', 4],
    ],
  ],
  ['C:\\etc\\broker.conf', 'a=1', [['a', '1', 1]]],
  ['broker.properties', '\ufeffa=1', [['a', '1', 1]]],
  ['x.JSON', '\ufeff{}', []],
  ['x.conf', '', []],
])('file: %s with %j → its entries with their lines', (path, content, entries) => {
  expect(read(path, content)).toMatchObject({ entries, faults: '' })
})

test.each([
  [
    '{"a": 1, "a": 2}',
    [
      ['a', '1', 1],
      ['a', '2', 1],
    ],
  ],
  [
    '{"broker": {"name": "b",\n"deep": {"x": -1.5e3}}}',
    [
      ['broker.name', 'b', 1],
      ['broker.deep.x', '-1.5e3', 2],
    ],
  ],
  ['{"a": "\\u0041\\n\\""}', [['a', 'A\n"', 1]]],
  ['{"a": 4194304}', [['a', '4194304', 1]]],
])('json: %j → names of sections before those of settings', (content, entries) => {
  expect(read('a.json', content)).toMatchObject({ entries, faults: '' })
})

test.each([
  ['', 'a.json:1: is not JSON: { is expected, not the end of the file'],
  ['{"a": 1\n"b": 2}', 'a.json:2: is not JSON: , or } is expected, not "b"'],
  ['{"a": 1,}', 'a.json:1: is not JSON: a name in quotes is expected, not }'],
  ['{\n"a":\n}', 'a.json:3: is not JSON: a value is expected, not }'],
  ['{"a" 1}', 'a.json:1: is not JSON: : is expected, not 1'],
  ['{"a": 1} {', 'a.json:1: is not JSON: the end is expected, not {'],
  ['{"a": 01}', 'a.json:1: is not JSON at "01"'],
  ['{\n// no comments\n}', 'a.json:2: is not JSON at "// no comments\\n}"'],
  [
    '{"a": [1, {"b": 2}],\n"c": null}',
    'a.json:1: a: a list is no value of a setting\na.json:2: c: null is no value of a setting',
  ],
  ['{"a": [', 'a.json:1: is not JSON: an array is not closed'],
  ['[1]', 'a.json:1: is not JSON: { is expected, not ['],
  [`${'{"a":'.repeat(9)}1`, 'a.json:1: a.a.a.a.a: sections are nested too deep'],
])('json: %j → the fault with its line', (content, faults) => {
  expect(read('a.json', content).faults).toBe(faults)
})

test('json: any text of its characters → never throws; what JSON.parse takes as flat texts has the same entries', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', 'a', '1', '\\', '\n', 'null') }),
      (text) => {
        readJsonText(text)
      },
    ),
  )
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (object) => {
      const { entries, faults } = readJsonText(JSON.stringify(object, null, 2))
      expect(faults).toEqual([])
      expect(entries.map(({ name, text }) => [name, text])).toEqual(Object.entries(object))
    }),
  )
})

test('file: not UTF-8, or too long → one fault, no entries', () => {
  expect(formatFaults(readConfigFile('a.conf', Buffer.from([0x61, 0x3d, 0xff])).faults)).toBe(
    'a.conf: is not UTF-8 text; save it as UTF-8',
  )
  const long = readConfigFile('a.conf', Buffer.alloc(CONFIG_FILE_BYTES_MAX + 1, 'a'))
  expect(formatFaults(long.faults)).toBe('a.conf: is longer than 1048576 bytes; name a configuration file')
  expect(long.entries).toEqual([])
})
