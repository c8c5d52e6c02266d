import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { FRAME_BYTES_MAX } from '../../src/codec/limits.ts'
import { createFrameDecoder } from '../../src/codec/frame-decoder.ts'
import {
  decodeCommand,
  encodeCommand,
  type OutgoingCommand,
  type RemotingCommand,
} from '../../src/codec/remoting-command.ts'

function roundTrip(command: OutgoingCommand): RemotingCommand {
  return decodeBytes(Buffer.concat(encodeCommand(command)))
}

function decodeBytes(bytes: Uint8Array): RemotingCommand {
  const commands: RemotingCommand[] = []
  createFrameDecoder().push(bytes, (frame) => commands.push(decodeCommand(frame)))
  expect(commands).toHaveLength(1)
  return commands[0] as RemotingCommand
}

function hex(command: OutgoingCommand): string {
  return Buffer.concat(encodeCommand(command)).toString('hex')
}

function jsonFrame(header: string, body = ''): Buffer {
  const headerBytes = Buffer.from(header)
  const prefix = Buffer.alloc(8)
  prefix.writeInt32BE(4 + headerBytes.length + body.length, 0)
  prefix.writeUIntBE(headerBytes.length, 5, 3)
  return Buffer.concat([prefix, headerBytes, Buffer.from(body)])
}

const routeRequest: OutgoingCommand = {
  code: 105,
  language: 'JAVA',
  version: 479,
  opaque: 1,
  flag: 0,
  remark: undefined,
  extFields: [['topic', 'T1']],
  serialization: 'json',
  body: new Uint8Array(0),
}

test('command: route request with a JSON header → the bytes of Java', () => {
  const header =
    '{"code":105,"extFields":{"topic":"T1"},"flag":0,"language":"JAVA","opaque":1,"serializeTypeCurrentRPC":"JSON","version":479}'
  expect(hex(routeRequest)).toBe(`000000800000007c${Buffer.from(header).toString('hex')}`)
})

test('command: route request with a binary header → the bytes of Java', () => {
  const expected = '000000260100002200690001df0000000100000000000000000000000d0005746f706963000000025431'
  expect(hex({ ...routeRequest, serialization: 'binary' })).toBe(expected)
})

const texts = fc.string({ unit: 'grapheme', maxLength: 40 })
const commands = fc.record({
  code: fc.integer({ min: -32_768, max: 32_767 }),
  language: fc.constantFrom('JAVA', 'CPP', 'GO', 'NODE_JS'),
  version: fc.integer({ min: 0, max: 32_767 }),
  opaque: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  flag: fc.constantFrom(0, 1, 2),
  remark: fc.option(fc.string({ minLength: 1, maxLength: 40 }), { nil: undefined }),
  extFields: fc.uniqueArray(fc.tuple(texts, texts), { selector: ([name]) => name, maxLength: 8 }),
  serialization: fc.constantFrom('json' as const, 'binary' as const),
  body: fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.uint8Array({ minLength: 2040, maxLength: 2060 })),
})

test('command: decode(encode(x)) → x, in both serializations', () => {
  fc.assert(
    fc.property(commands, (command) => {
      // These two codes stand for POP requests when they come in a binary header.
      fc.pre(command.code < 3442 || command.code > 3543)
      const decoded = roundTrip(command)
      expect({ ...decoded, extFields: [...decoded.extFields].sort(), body: [...decoded.body] }).toEqual({
        ...command,
        extFields: [...command.extFields].sort(),
        body: [...command.body],
      })
    }),
    { numRuns: 300 },
  )
})

test('command: a code beyond 16 bits → goes as JSON also where binary is asked for', () => {
  expect(roundTrip({ ...routeRequest, code: 200_050, serialization: 'binary' })).toMatchObject({
    code: 200_050,
    serialization: 'json',
  })
})

test.each([
  [3442, 200_050],
  [3443, 200_051],
  [3444, 200_052],
  [3445, 200_053],
  [3446, 200_054],
  [3447, 200_055],
  [3448, 200_056],
  [3543, 200_151],
])('command: binary request code %i, cut by Java → %i', (cut, full) => {
  expect(roundTrip({ ...routeRequest, code: cut, serialization: 'binary' }).code).toBe(full)
  expect(roundTrip({ ...routeRequest, code: cut, flag: 1, serialization: 'binary' }).code).toBe(cut)
})

test('command: a body of some KiB → lent as a chunk of its own', () => {
  const body = new Uint8Array(4096)
  const chunks = encodeCommand({ ...routeRequest, body })
  expect(chunks).toHaveLength(2)
  expect(chunks[1]).toBe(body)
})

test('command: a frame above 16 MiB → message-too-large', () => {
  const body = new Uint8Array(FRAME_BYTES_MAX)
  expect(() => encodeCommand({ ...routeRequest, body })).toThrow(/does not fit into a frame/)
})

test('command: a header above 256 KiB → message-too-large', () => {
  const extFields: [string, string][] = [['a', 'x'.repeat(300_000)]]
  for (const serialization of ['json', 'binary'] as const) {
    expect(() => encodeCommand({ ...routeRequest, extFields, serialization })).toThrow(/does not fit into a frame/)
  }
})

test('command: an unknown serialization type → protocol error that names it', () => {
  const bytes = Buffer.concat(encodeCommand(routeRequest))
  bytes[4] = 7
  expect(() => decodeBytes(bytes)).toThrow(/serialization type 7/)
})

test('JSON header: of a C++ client, with numbers, booleans and a trailing newline → all fields as text', () => {
  const header =
    '{ "code" : 10, "opaque":3, "flag":0,"version":333,"language":"CPP",\n "extFields":{"queueId":4,"unitMode":false,"subVersion":1700000000000000001,"ratio":1.50,"topic":"T"}}\n'
  const command = decodeBytes(jsonFrame(header, 'b'))
  expect(Object.fromEntries(command.extFields)).toEqual({
    queueId: '4',
    unitMode: 'false',
    subVersion: '1700000000000000001',
    ratio: '1.50',
    topic: 'T',
  })
  expect(command).toMatchObject({ code: 10, opaque: 3, version: 333, language: 'CPP', remark: undefined })
})

test('JSON header: without extFields, language, version and flag → defaults', () => {
  expect(decodeBytes(jsonFrame('{"code":34,"opaque":-7}'))).toMatchObject({
    code: 34,
    opaque: -7,
    language: 'OTHER',
    version: 0,
    flag: 0,
    extFields: new Map(),
  })
})

test('JSON header: null fields and an empty remark → absent', () => {
  const command = decodeBytes(jsonFrame('{"code":1,"opaque":1,"remark":"","extFields":{"a":null,"b":"x"}}'))
  expect(command.remark).toBeUndefined()
  expect([...command.extFields]).toEqual([['b', 'x']])
  expect(decodeBytes(jsonFrame('{"code":1,"remark":null,"extFields":null}')).extFields.size).toBe(0)
})

test('JSON header: __proto__ among the fields → a field like any other', () => {
  const command = decodeBytes(
    jsonFrame('{"code":1,"__proto__":{"flag":1},"extFields":{"__proto__":"x","constructor":"y"}}'),
  )
  expect(command.flag).toBe(0)
  expect([...command.extFields]).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
})

test.each([
  ['no JSON', 'nonsense', /not JSON/],
  ['an array', '[1]', /not an object/],
  ['deep nesting', '['.repeat(100_000), /not JSON/],
  ['a code that is no integer', '{"code":1.5}', /'code' is no 32-bit integer/],
  ['an opaque beyond 32 bits', '{"opaque":4294967296}', /'opaque' is no 32-bit integer/],
  ['a flag of another type', '{"flag":{}}', /'flag' is no 32-bit integer/],
  ['fields that are no object', '{"extFields":[1]}', /'extFields' is no object/],
  [
    'too many fields',
    `{"extFields":{${Array.from({ length: 5000 }, (_, index) => `"${index}":""`).join(',')}}}`,
    /more than 4096/,
  ],
])('JSON header: %s → protocol error', (_case, header, reason) => {
  expect(() => decodeBytes(jsonFrame(header))).toThrow(reason)
})

test.each(['"remark":', '"extFields":{"a":'])('JSON header: %s a tower of arrays → protocol error', (member) => {
  const tower = '['.repeat(50_000) + ']'.repeat(50_000)
  const header = `{"code":105,${member}${tower}${member.endsWith('a":') ? '}' : ''}}`
  expect(() => decodeBytes(jsonFrame(header))).toThrow(/JSON header refused: a text is nested too deeply/)
})

const binaryHeader = Buffer.concat(encodeCommand({ ...routeRequest, remark: 'why', serialization: 'binary' })).subarray(
  8,
)

function binaryFrame(header: Buffer): Buffer {
  const prefix = Buffer.alloc(8)
  prefix.writeInt32BE(4 + header.length, 0)
  prefix[4] = 1
  prefix.writeUIntBE(header.length, 5, 3)
  return Buffer.concat([prefix, header])
}

test('binary header: cut anywhere → protocol error', () => {
  for (let length = 0; length < binaryHeader.length; length += 1) {
    expect(() => decodeBytes(binaryFrame(binaryHeader.subarray(0, length)))).toThrow(/binary header refused/)
  }
})

test.each([
  ['remark', 13, -1, /length -1 of 'remark'/],
  ['remark', 13, 1000, /length 1000 of 'remark'/],
  ['extFields', 20, 1000, /length 1000 of 'extFields'/],
  ['extFields', 20, -2, /length -2 of 'extFields'/],
  ['field', 31, 0x7fff_ffff, /length 2147483647 of 'topic'/],
])('binary header: length of %s at %i is %i → protocol error that names it', (_part, at, value, reason) => {
  const header = Buffer.from(binaryHeader)
  header.writeInt32BE(value, at)
  expect(() => decodeBytes(binaryFrame(header))).toThrow(reason)
})
