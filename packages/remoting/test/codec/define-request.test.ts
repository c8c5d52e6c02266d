import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { defineRequest, type AnswerHeaderOf, type RequestHeaderOf } from '../../src/codec/define-request.ts'
import { bool, int32, int64, optional, text } from '../../src/codec/fields.ts'

const Example = defineRequest({
  code: 1,
  name: 'EXAMPLE',
  header: {
    topic: text({ wire: 'b' }),
    queueId: int32(),
    bornMs: int64({ wire: 'born' }),
    order: bool(),
    tag: optional(text()),
    count: optional(int32()),
  },
  answer: { offset: int64() },
  answerCodes: [0, 10],
})
type Header = RequestHeaderOf<typeof Example>

const header: Header = { topic: 'T', queueId: -1, bornMs: 1_700_000_000_000, order: false }
const wire = { b: 'T', queueId: '-1', born: '1700000000000', order: 'false' }

function decode(changes: Record<string, string | undefined>): Header {
  const fields = Object.entries({ ...wire, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return Example.header.decode(new Map(fields))
}

test('declaration: a domain object → text by wire name, absent optional fields left out', () => {
  expect(Object.fromEntries(Example.header.encode(header))).toEqual(wire)
})

test('declaration: text fields → a frozen domain object; undeclared fields are ignored', () => {
  const decoded = decode({ ns: 'x', bname: 'y' })
  expect(decoded).toEqual(header)
  expect(Object.isFrozen(decoded)).toBe(true)
})

test('declaration: any domain object → decode(encode(x)) is x', () => {
  const headers = fc.record(
    {
      topic: fc.string(),
      queueId: fc.integer(),
      bornMs: fc.maxSafeInteger(),
      order: fc.boolean(),
      tag: fc.string(),
      count: fc.integer(),
    },
    { requiredKeys: ['topic', 'queueId', 'bornMs', 'order'] },
  )
  fc.assert(
    fc.property(headers, (example) => {
      expect(Example.header.decode(new Map(Example.header.encode(example)))).toEqual(example)
      expect(Example.header.validate(example)).toEqual(example)
    }),
  )
})

test.each([
  ['queueId', { queueId: '1x' }, /EXAMPLE: field 'queueId': expected a decimal number, got "1x"/],
  ['queueId', { queueId: '' }, /field 'queueId': expected a decimal number, got ""/],
  ['queueId', { queueId: ' 1' }, /expected a decimal number/],
  ['queueId', { queueId: '1.0' }, /expected a decimal number/],
  ['queueId', { queueId: '0x10' }, /expected a decimal number/],
  ['queueId', { queueId: '2147483648' }, /field 'queueId': expected a 32-bit integer, got 2147483648/],
  ['bornMs', { born: '9007199254740993' }, /field 'bornMs': expected an integer within/],
  ['bornMs', { born: '9'.repeat(100) }, /field 'bornMs': expected a decimal number.* \('born' on the wire\)$/],
  ['topic', { b: undefined }, /field 'topic': is mandatory and missing \('b' on the wire\)/],
  ['order', { order: undefined }, /field 'order': is mandatory and missing$/],
  ['count', { count: 'many' }, /field 'count'/],
])('declaration: wrong text for %s → parameter-invalid that names field and reason', (_field, changes, reason) => {
  expect(() => decode(changes)).toThrow(reason)
  expect(() => decode(changes)).toThrow(expect.objectContaining({ name: 'MqError', code: 'parameter-invalid' }))
})

test('declaration: numbers and booleans in the spellings of Java → read as Java does', () => {
  expect(decode({ queueId: '+7', born: '-0', order: 'TRUE', count: '0012' })).toMatchObject({
    queueId: 7,
    bornMs: 0,
    order: true,
    count: 12,
  })
  expect(decode({ order: 'yes' }).order).toBe(false)
})

test('declaration: validate → the checks of the wire, declared fields only, frozen', () => {
  const given = { ...header, extra: 1 }
  const validated = Example.header.validate(given)
  expect(validated).toEqual(header)
  expect(Object.isFrozen(validated)).toBe(true)
  const wrong = { ...header, queueId: 1.5 }
  expect(() => Example.header.validate(wrong)).toThrow(/field 'queueId': expected a 32-bit integer, got 1.5/)
  const missing = { ...header, topic: undefined } as unknown as Header
  expect(() => Example.header.validate(missing)).toThrow(/field 'topic'/)
  expect(() => Example.header.encode(missing)).toThrow(/field 'topic'/)
})

test('declaration: answers → fields only where the code carries them', () => {
  expect([0, 10, 1].map((code) => Example.carriesHeader(code))).toEqual([true, true, false])
})

test('declaration: types → required fields are required, optional ones may be absent', () => {
  const answer: AnswerHeaderOf<typeof Example> = { offset: 1 }
  const tag: string | undefined = header.tag
  // @ts-expect-error a text is no number
  const wrong: Header = { ...header, queueId: '1' }
  // @ts-expect-error topic is required
  const short: Header = { queueId: 1, bornMs: 1, order: true }
  // @ts-expect-error an optional field may be undefined
  const sure: string = header.tag
  expect([answer, tag, wrong, short, sure]).toHaveLength(5)
})
