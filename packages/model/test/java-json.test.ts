import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { MqError, parseJavaJson, stringifyJavaJson, type JavaJson } from '../src/index.ts'
import { codeOf } from './thrown.ts'

test('Java JSON: bare integer keys → members by their text', () => {
  expect(parseJavaJson('{"offsetTable":{"T@G":{0:123,-1:456}}}')).toEqual({
    offsetTable: { 'T@G': { 0: 123, '-1': 456 } },
  })
})

test('Java JSON: objects as keys → a Map, in order', () => {
  const parsed = parseJavaJson('{{"brokerName":"b","queueId":1,"topic":"T"}:{"maxOffset":5},"plain":1}')
  expect(parsed).toEqual(
    new Map<JavaJson, JavaJson>([
      [{ brokerName: 'b', queueId: 1, topic: 'T' }, { maxOffset: 5 }],
      ['plain', 1],
    ]),
  )
})

test('Java JSON: text keys before an object as a key → all entries in order', () => {
  const parsed = parseJavaJson('{"a":1,{}:2,"b":3}')
  expect([...(parsed as Map<JavaJson, JavaJson>).values()]).toEqual([1, 2, 3])
})

test('Java JSON: integers beyond 2^53 → BigInt, exact through both directions', () => {
  const text = '{"max":9223372036854775807,"safe":9007199254740991,"sub":1700000000000000001}'
  expect(parseJavaJson(text)).toEqual({
    max: 9_223_372_036_854_775_807n,
    safe: Number.MAX_SAFE_INTEGER,
    sub: 1_700_000_000_000_000_001n,
  })
  expect(stringifyJavaJson(parseJavaJson(text))).toBe(text)
})

test('Java JSON: reference to a value before it → the same value', () => {
  const parsed = parseJavaJson('{"a":{"list":[{"x":1}]},"b":{"$ref":"$.a.list[0]"},"c":[{"$ref":"$.b"}]}')
  expect(parsed).toEqual({ a: { list: [{ x: 1 }] }, b: { x: 1 }, c: [{ x: 1 }] })
})

test.each([
  ['its own container', '{"a":{"$ref":"$"}}'],
  ['something later', '{"a":{"$ref":"$.b"},"b":{}}'],
  ['what holds references', '{"a":{},"b":[{"$ref":"$.a"}],"c":{"$ref":"$.b"}}'],
  ['a path that nobody can follow', '{"a":{"$ref":"$.mqPopTable.null"}}'],
  ['the inherited', '{"a":{"$ref":"$.constructor"}}'],
])('Java JSON: reference to %s → stays as written', (_what, text) => {
  const parsed = parseJavaJson(text) as { [name: string]: JavaJson }
  expect(Object.values(parsed).at(text.includes('"c"') ? -1 : 0)).toHaveProperty('$ref')
})

test('Java JSON: __proto__ as a member → a member like any other', () => {
  const parsed = parseJavaJson('{"__proto__":{"admin":true}}') as { [name: string]: JavaJson }
  expect(Object.keys(parsed)).toEqual(['__proto__'])
  expect(parsed['admin']).toBeUndefined()
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
})

test.each([
  ['', 'ends early'],
  ['{', 'no text, integer or object'],
  ['{"a"}', "misses a ':'"],
  ['{"a":1', "misses a '}'"],
  ['[1 2]', "misses a ']'"],
  ['"a', 'without an end'],
  ['"\\x"', 'unknown escape'],
  ['1 2', 'behind its end'],
  ['nul', 'unexpected character'],
  ['1'.repeat(65), 'more than 64 digits'],
  ['['.repeat(33), 'nested deeper than 32'],
])("Java JSON: '%.20s' → refused, it %s", (text, reason) => {
  expect(() => parseJavaJson(text)).toThrow(reason)
  expect(codeOf(() => parseJavaJson(text))).toBe('parameter-invalid')
})

test('Java JSON: more bytes than allowed, or no UTF-8 → refused', () => {
  expect(codeOf(() => parseJavaJson('"äöü"', { bytesMax: 7 }))).toBe('parameter-invalid')
  expect(codeOf(() => parseJavaJson(new Uint8Array([0x22, 0xff, 0x22])))).toBe('parameter-invalid')
})

test('Java JSON printer: keys in order, absent members left out, numeric keys bare or quoted', () => {
  const route = {
    brokerDatas: [
      {
        cluster: 'C',
        brokerName: 'broker-a',
        brokerAddrs: new Map([
          [1, 'b:2'],
          [0, 'a:1'],
        ]),
        zoneName: undefined,
      },
    ],
    a: null,
  }
  expect(stringifyJavaJson(route)).toBe(
    '{"brokerDatas":[{"brokerAddrs":{0:"a:1",1:"b:2"},"brokerName":"broker-a","cluster":"C"}]}',
  )
  expect(stringifyJavaJson(route, { integerKeys: 'quoted' })).toContain('{"0":"a:1","1":"b:2"}')
})

test('Java JSON printer: objects as keys → raw objects, never text', () => {
  const table = new Map([[{ topic: 'T', brokerName: 'b', queueId: 0 }, { maxOffset: 1 }]])
  expect(stringifyJavaJson(table)).toBe('{{"brokerName":"b","queueId":0,"topic":"T"}:{"maxOffset":1}}')
})

test('Java JSON: any standard JSON → what JSON.parse gives', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      const safe = JSON.parse(text) as unknown
      expect(
        JSON.stringify(parseJavaJson(text), (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
      ).toBe(JSON.stringify(safe))
    }),
  )
})

test('Java JSON: any texts, numbers and maps → the same after printing', () => {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }).map((big) => parseJavaJson(String(big))),
      fc.string({ unit: 'binary' }),
      fc.array(tie('value')),
      fc.dictionary(fc.string(), tie('value')).filter((members) => !Object.hasOwn(members, '$ref')),
      fc
        .array(fc.tuple(fc.record({ queueId: fc.nat() }), tie('value')), { minLength: 1, maxLength: 1 })
        .map((list) => new Map(list)),
    ),
  }))
  fc.assert(
    fc.property(value, (any) => {
      expect(parseJavaJson(stringifyJavaJson(any))).toEqual(any)
    }),
  )
})

test('Java JSON: any text → a value or MqError', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '1', '\\', '$ref', '{"$ref":"$"}', 'null', '-', '.'),
    }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseJavaJson(text)
      } catch (error) {
        expect(error).toBeInstanceOf(MqError)
      }
    }),
    { numRuns: 1000 },
  )
})
