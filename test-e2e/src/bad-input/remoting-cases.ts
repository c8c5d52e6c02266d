// What the remoting ports refuse: frames that are none, headers that lie, and each request with each field missing or
// of the wrong kind.
import {
  BROKER,
  type FieldTable,
  fieldCases,
  INVALID_PARAMETER,
  type RemotingCase,
  type RemotingPort,
  REQUESTS,
  samplesOf,
  TOPIC,
} from './remoting-requests.ts'
import { meaningCases } from './remoting-meanings.ts'
import { type RemotingRequest, remotingFrame } from './remoting-wire.ts'

const FRAME_BYTES_MAX = 16 * 1024 * 1024
const HEADER_BYTES_MAX = 256 * 1024
const OK = 0
const NOT_SUPPORTED = 3
const UNKNOWN_CODE = 9999
const PORTS: readonly RemotingPort[] = ['broker', 'nameserver']

type FrameRow = readonly [
  name: string,
  pieces: readonly Buffer[],
  expected: RemotingCase['expected'],
  names?: string,
  end?: boolean,
]

const unknown = (rest: Partial<RemotingRequest> = {}) => remotingFrame({ code: UNKNOWN_CODE, ...rest })
const bytesOf = (...bytes: number[]) => Buffer.from(bytes)
const headerText = (rest: string) => `{"code":${UNKNOWN_CODE},"flag":0,"opaque":7,${rest}}`
const withHeader = (header: string | Buffer) => unknown({ header })
const named = String(UNKNOWN_CODE)

/** With one field, whose value says to have this length. */
function binaryHeader(valueLength: number): Buffer {
  const fields = Buffer.concat([bytesOf(0, 1), Buffer.from('x'), int32Of(valueLength), Buffer.from('y')])
  const fixed = Buffer.concat([bytesOf(0x27, 0x0f, 0, 1, 0xdf), int32Of(7), int32Of(0), int32Of(0)])
  return Buffer.concat([fixed, int32Of(fields.length), fields])
}

function int32Of(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const FRAMES: readonly FrameRow[] = [
  ['a length of 0', [unknown({ frameLength: 0 })], 'closed'],
  ['a length of 3', [unknown({ frameLength: 3 })], 'closed'],
  ['a negative length', [unknown({ frameLength: -1 })], 'closed'],
  ['the longest frame', [unknown({ body: Buffer.alloc(FRAME_BYTES_MAX - 8 - 91, 1) })], NOT_SUPPORTED, named],
  ['a frame one byte too long', [unknown({ frameLength: FRAME_BYTES_MAX - 3 })], 'closed'],
  ['a length of 2 GiB', [unknown({ frameLength: 0x7fff_ffff })], 'closed'],
  ['a header beyond the frame', [unknown({ headerLength: 200, frameLength: 100 })], 'closed'],
  ['a header length of 16 MiB − 1', [unknown({ headerLength: 0xff_ffff })], 'closed'],
  ['a header of 256 KiB + 1', [unknown({ header: ' '.repeat(HEADER_BYTES_MAX + 1) })], 'closed'],
  ['an unknown serialization', [unknown({ type: 7 })], 'closed'],
  ['no header', [withHeader('')], 'closed'],
  ['a header that is no JSON', [withHeader('hello')], 'closed'],
  ['a header that is an array', [withHeader('[]')], 'closed'],
  ['a header that is null', [withHeader('null')], 'closed'],
  ['a code that is a text', [withHeader('{"code":"x"}')], 'closed'],
  ['a code beyond 32 bits', [withHeader('{"code":4294967296}')], 'closed'],
  ['fields that are an array', [withHeader(headerText('"extFields":["a"]'))], 'closed'],
  [
    '4,097 fields',
    [unknown({ fields: Object.fromEntries(Array.from({ length: 4097 }, (_, at) => [at, ''])) })],
    'closed',
  ],
  ['a deep header', [withHeader('['.repeat(100_000))], 'closed'],
  ['a deep member', [withHeader(headerText(`"x":${'['.repeat(50_000)}${']'.repeat(50_000)}`))], NOT_SUPPORTED, named],
  ['a deep field', [withHeader(headerText(`"extFields":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`))], 'closed'],
  [
    'a field named __proto__',
    [withHeader(headerText('"extFields":{"__proto__":{"polluted":"yes"}}'))],
    NOT_SUPPORTED,
    named,
  ],
  ['a member named __proto__', [withHeader(headerText('"__proto__":{"code":0}'))], NOT_SUPPORTED, named],
  ['a code twice', [withHeader(`{"code":1,"code":${named},"opaque":7}`)], NOT_SUPPORTED, named],
  [
    'a header that is no UTF-8',
    [withHeader(Buffer.concat([Buffer.from('{"code":'), bytesOf(0xff, 0xfe, 0x7d)]))],
    'closed',
  ],
  ['a remark of 200 KiB', [withHeader(headerText(`"remark":"${'r'.repeat(200_000)}"`))], NOT_SUPPORTED, named],
  ['an unknown code', [unknown()], NOT_SUPPORTED, named],
  ['a negative code', [remotingFrame({ code: -1 })], NOT_SUPPORTED, '-1'],
  ['the largest code', [remotingFrame({ code: 2_147_483_647 })], NOT_SUPPORTED, '2147483647'],
  ['an unknown code, one way', [unknown({ oneway: true })], 'silent'],
  ['an answer that nobody asked for', [withHeader(headerText('"x":1').replace('"flag":0', '"flag":1'))], 'silent'],
  ['a frame byte by byte', [...unknown()].map((byte) => bytesOf(byte)), NOT_SUPPORTED, named],
  [
    'a field that is no UTF-8',
    [
      withHeader(
        Buffer.concat([Buffer.from(headerText('"extFields":{"x":"').slice(0, -1)), bytesOf(0xff), Buffer.from('"}}')]),
      ),
    ],
    NOT_SUPPORTED,
    named,
  ],
  ['a control character in a field', [withHeader(headerText('"extFields":{"x":"\u0001"}'))], 'closed'],
  [
    'a binary header with a field longer than the header',
    [unknown({ type: 1, header: binaryHeader(0x7fff_ffff) })],
    'closed',
  ],
  ['a binary header with a field of a negative length', [unknown({ type: 1, header: binaryHeader(-1) })], 'closed'],
  ['half a prefix, then the end', [unknown().subarray(0, 5)], 'closed', '', true],
  ['half a frame, then the end', [unknown().subarray(0, 30)], 'closed', '', true],
  ['half a frame, then nothing', [unknown().subarray(0, 30)], 'silent'],
  ['a binary header too short', [unknown({ type: 1, header: Buffer.alloc(20) })], 'closed'],
  ['a binary header with a negative length', [unknown({ type: 1, header: Buffer.alloc(21, 0xff) })], 'closed'],
  ['zeros', [Buffer.alloc(4096)], 'closed'],
  ['ones', [Buffer.alloc(4096, 0xff)], 'closed'],
  ['text', [Buffer.from('hello, is this RocketMQ?\r\n')], 'closed'],
  ['TLS', [bytesOf(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03)], 'closed'],
]

function frameCases(port: RemotingPort): RemotingCase[] {
  return FRAMES.map(([name, pieces, expected, names = '', end = false]) => ({
    name: `${port}: ${name}`,
    port,
    pieces,
    expected,
    names,
    end,
  }))
}

/** Bodies that no JSON body may be, and how the remark calls them. */
const BODIES: readonly (readonly [name: string, body: string | Buffer, names: string])[] = [
  ['a body that is no JSON', 'hello', 'JSON'],
  ['a body that is no UTF-8', Buffer.alloc(10, 0xff), 'JSON'],
  ['a body cut off', '{"a":', 'JSON'],
  ['a body 33 levels deep', `${'['.repeat(33)}${']'.repeat(33)}`, 'JSON'],
  ['a body a million levels deep', '['.repeat(1_000_000), 'JSON'],
  ['a body that is an array', '[]', ''],
  ['a body that is a number', '1e999', ''],
]
/** Where nothing in a body is mandatory, as in Apache's servers, these say nothing. */
const EMPTY_BODIES: readonly (readonly [name: string, body: string, codes: readonly number[]])[] = [
  ['a body with __proto__ alone', '{"__proto__":{"topic":"x","acks":[1]}}', [200151, 103, 322]],
  ['a member named twice', '{"acks":[1],"acks":[],"dataVersion":1,"dataVersion":{}}', [200151, 103, 322]],
  ['an empty body', '', [103]],
]
const BODY_OF: readonly (readonly [port: RemotingPort, code: number, fields: FieldTable])[] = [
  ['broker', 200, {}],
  ['broker', 200151, {}],
  ['nameserver', 103, BROKER],
  ['nameserver', 322, BROKER],
]

function bodyCases(): RemotingCase[] {
  return BODY_OF.flatMap(([port, code, fields]) => {
    const row = (name: string, body: string | Buffer, expected: number, names: string): RemotingCase => ({
      name: `${port} ${code}: ${name}`,
      port,
      pieces: [remotingFrame({ code, fields: samplesOf(fields), body })],
      expected,
      names,
    })
    return [
      ...BODIES.map(([name, body, names]) => row(name, body, INVALID_PARAMETER, names)),
      ...EMPTY_BODIES.map(([name, body, codes]) => row(name, body, codes.includes(code) ? OK : INVALID_PARAMETER, '')),
    ]
  })
}

const batch = { c: 'g', t: TOPIC, r: '0', so: 0, q: 0, rq: 0, pt: 1, it: 1, b: 'AQ==' }
const acksOf = (change: object, count = 1) => ({
  brokerName: 'broker-a',
  acks: Array.from({ length: count }, () => ({ ...batch, ...change })),
})

/** Code 200151: everything is in the body. */
const BATCH_ACKS: readonly (readonly [name: string, body: object, names: string])[] = [
  ['acks that are no list', { acks: {} }, 'acks'],
  ['an ack that is a number', { acks: [1] }, 'acks[0]'],
  ['no group', acksOf({ c: undefined }), '.c'],
  ['no topic', acksOf({ t: undefined }), '.t'],
  ['an unknown kind of topic', acksOf({ r: '9' }), '.r'],
  ['an offset that is a text', acksOf({ so: 'x' }), '.so'],
  ['a queue that is a fraction', acksOf({ q: 1.5 }), '.q'],
  ['a queue beyond 32 bits', acksOf({ q: 2 ** 32 }), '.q'],
  ['a pop time that is null', acksOf({ pt: null }), '.pt'],
  ['no bits', acksOf({ b: undefined }), '.b'],
  ['bits that are no base64', acksOf({ b: '***' }), 'bitset'],
  ['4,097 batches', acksOf({}, 4097), 'acks'],
  ['bits for millions of messages', acksOf({ b: Buffer.alloc(1_000_000, 0xff).toString('base64') }), 'bitset'],
]

function batchAckCases(): RemotingCase[] {
  return BATCH_ACKS.map(([name, body, names]) => ({
    name: `broker 200151: ${name}`,
    port: 'broker',
    pieces: [remotingFrame({ code: 200151, body: JSON.stringify(body) })],
    expected: INVALID_PARAMETER,
    names,
  }))
}

/** Groups of rows; after each, other clients must be as well as before. */
export const REMOTING_TABLES: Readonly<Record<string, readonly RemotingCase[]>> = {
  frames: PORTS.flatMap(frameCases),
  fields: REQUESTS.flatMap(fieldCases),
  bodies: [...bodyCases(), ...batchAckCases()],
  meanings: meaningCases(),
}
