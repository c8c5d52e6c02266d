import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { fieldLines, tableLines } from '../../src/output/table.ts'
import { durationText, jsonText, printable, printableLines, timeText } from '../../src/output/text.ts'

test('table: columns as wide as their widest cell, numbers to the right, nothing behind the last', () => {
  expect(
    tableLines(
      [{ title: 'NAME' }, { title: 'N', align: 'right' }, { title: 'NOTE' }],
      [
        ['a', 100, 'x'],
        ['much longer', 2, ''],
      ],
    ),
  ).toEqual(['NAME           N  NOTE', 'a            100  x', 'much longer    2'])
})

test('table: characters beyond 16 bits → one column each', () => {
  expect(tableLines([{ title: 'A' }, { title: 'B' }], [['😀', 'x']])).toEqual(['A  B', '😀  x'])
})

test('table: no cell is cut, whatever it holds', () => {
  const cells = fc.array(fc.tuple(fc.string().map(printable), fc.nat()), { maxLength: 20 })
  fc.assert(
    fc.property(cells, (rows) => {
      const lines = tableLines([{ title: 'A' }, { title: 'B', align: 'right' }], rows)
      expect(lines).toHaveLength(rows.length + 1)
      for (const [index, [name, count]] of rows.entries()) {
        expect(lines[index + 1]?.startsWith(name)).toBe(true)
        expect(lines[index + 1]?.endsWith(String(count))).toBe(true)
      }
    }),
  )
})

test('fields: names as wide as the longest', () => {
  expect(
    fieldLines([
      ['Topic', 't'],
      ['Permission', 'rw'],
    ]),
  ).toEqual(['Topic       t', 'Permission  rw'])
})

test('text: nothing that drives a terminal comes through, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // oxlint-disable-next-line no-control-regex
      expect(printable(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      // oxlint-disable-next-line no-control-regex
      expect(printableLines(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      const json = jsonText({ text })
      // oxlint-disable-next-line no-control-regex
      expect(json).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
      expect(JSON.parse(json)).toEqual({ text })
    }),
  )
  expect(printable('a\u001b[31m\n\u202e')).toBe('a\\x1b[31m\\x0a\\u202e')
  expect(printableLines('a\n\tb\r')).toBe('a\n\tb\\x0d')
})

test('times: as people read them', () => {
  expect([0, 999, 1000, 61_000, 3_600_000, 7_385_000, 93_784_000].map(durationText)).toEqual([
    '0s',
    '0s',
    '1s',
    '1m 1s',
    '1h',
    '2h 3m',
    '1d 2h',
  ])
  expect([0, -1, Number.NaN, 1_767_225_600_123].map(timeText)).toEqual(['-', '-', '-', '2026-01-01 00:00:00Z'])
})
