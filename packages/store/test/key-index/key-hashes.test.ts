import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { decodeProperties, javaStringHash } from '@rocketmq-ts/model'
import { hasKey, KeyHashes, keyHash } from '../../src/key-index/key-hashes.ts'
import { indexHash } from '../../src/key-index/layout.ts'

const VECTOR_A = 'KEYS\u0001k1 k2\u0002UNIQ_KEY\u00010A0000010000000000000000000A0000\u0002TAGS\u0001TagA\u0002'

function hashesOf(topic: string, text: string): number[] {
  const keys = new KeyHashes()
  const count = keys.read(topic, Buffer.from(text))
  return [...keys.hashes.subarray(0, count)]
}

/** What Java does with the decoded properties. */
function expected(topic: string, text: string): number[] {
  const properties = decodeProperties(Buffer.from(text).toString())
  const unique = properties.get('UNIQ_KEY')
  const tokens = (properties.get('KEYS') ?? '').split(' ').filter((token) => token !== '')
  const tag = properties.get('TAGS')
  const keys = [...(unique === undefined ? [] : [unique]), ...tokens, ...(tag === undefined ? [] : [`T#${tag}`])]
  return keys.map((key) => indexHash(javaStringHash(`${topic}#${key}`)))
}

test("keys: Apache's golden record → the unique key first, then each of KEYS, with Apache's hashes", () => {
  const [unique, first, second] = hashesOf('TopicTest', VECTOR_A)
  expect([unique, first]).toEqual([411_086_107, 2_746_024])
  expect(second).toBe(keyHash('TopicTest', 'k2'))
})

test('keys: the tag of a message → the last entry, as Apache 5.5.0 has written it', () => {
  const text = 'UNIQ_KEY\u00017F000001000000000000000000000000\u0002TAGS\u0001tag-0\u0002KEYS\u0001key-0 shared-0\u0002'
  const hashes = hashesOf('exchange-01', text)
  expect(hashes).toHaveLength(4)
  expect(hashes[3]).toBe(1_669_048_118)
  expect(hashes[3]).toBe(keyHash('exchange-01', 'tag-0', 'tag'))
  expect(hashesOf('exchange-02', 'TAGS\u0001tag-1\u0002')).toEqual([138_406_344])
})

test('keys: a hash of −2^31 → 0', () => {
  expect(keyHash('', 'x')).toBe(indexHash(javaStringHash('#x')))
  expect(indexHash(javaStringHash('polygenelubricants'))).toBe(0)
})

test('keys: empty tokens, empty values, doubled properties, names that only begin alike → as readers take them', () => {
  const cases = [
    '',
    'KEYS\u0001',
    'KEYS\u0001\u0002UNIQ_KEY\u0001\u0002',
    'KEYS\u0001  a   b \u0002',
    'KEYS\u0001a\u0002KEYS\u0001b c\u0002',
    'UNIQ_KEY\u0001a\u0002UNIQ_KEY\u0001b\u0002',
    'KEYS2\u0001a\u0002UNIQ_KEYS\u0001b\u0002XKEYS\u0001c\u0002',
    'KEYS\u0001a\u0001b\u0002',
    'TAGS\u0001\u0002',
    'TAGS\u0001t\u0002KEYS\u0001k\u0002UNIQ_KEY\u0001u\u0002',
    'TAGS\u0001a b\u0002TAGS\u0001ü\u0002TAGS2\u0001c\u0002KEYS\u0001k\u0002',
    'KEYS\u0002KEYS\u0001a',
    '\u0001\u0002\u0002\u0001KEYS\u0001a\u0002',
    'KEYS\u0001Schlüssel 键 😀\u0002UNIQ_KEY\u0001ä\u0002',
  ]
  for (const text of cases) expect([text, hashesOf('T', text)]).toEqual([text, expected('T', text)])
})

test('keys: any properties of any topic → the hashes that Java takes from the decoded text', () => {
  const part = fc.constantFrom(
    'KEYS',
    'UNIQ_KEY',
    'TAGS',
    '\u0001',
    '\u0002',
    ' ',
    'a',
    'bc',
    'ü',
    '键',
    '😀',
    '#',
    'K',
  )
  const texts = fc.array(part, { maxLength: 24 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.constantFrom('T', 'Thema-ü', 'x'.repeat(40)), texts, (topic, text) => {
      expect(hashesOf(topic, text)).toEqual(expected(topic, text))
    }),
    { numRuns: 500 },
  )
})

test('keys: hundreds of them → all', () => {
  const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`)
  expect(hashesOf('T', `KEYS\u0001${keys.join(' ')}\u0002`)).toEqual(keys.map((key) => keyHash('T', key)))
})

test('has key: the unique key as a whole, KEYS by its tokens, and nothing else', () => {
  const text = 'KEYS\u0001a bc\u0002UNIQ_KEY\u0001u v\u0002'
  const cases = { a: true, bc: true, 'u v': true, 'a bc': false, b: false, u: false, '': false }
  for (const [key, has] of Object.entries(cases)) expect([key, hasKey(text, key)]).toEqual([key, has])
})

test('has tag: the whole tag, no key', () => {
  const text = 'KEYS\u0001a\u0002TAGS\u0001t u\u0002'
  const cases = { 't u': true, t: false, a: false, '': false }
  for (const [key, has] of Object.entries(cases)) expect([key, hasKey(text, key, 'tag')]).toEqual([key, has])
  expect(hasKey(text, 't u')).toBe(false)
})
