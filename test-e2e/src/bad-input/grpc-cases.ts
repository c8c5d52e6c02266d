// What goes wrong in the same way whatever the gRPC method: headers, bytes, times, frames. And all gRPC tables.
import { gzipSync } from 'node:zlib'
import type { GrpcCase } from './grpc-case.ts'
import {
  group,
  message,
  message_queue,
  methodCases,
  publishing,
  seconds,
  sends,
  topic,
  WELL_MADE,
} from './grpc-methods.ts'
import { illegalNames } from './grpc-names.ts'
import { frameOf } from './grpc-wire.ts'

const KIB = 1024
const MIB = 1024 * KIB
/** Of the server in one process. */
const REQUEST_BYTES_MAX = 4 * MIB + 256 * KIB
/** Replaced by bytes that are no UTF-8. */
const NO_UTF8 = '@no-utf-8@'

/** Answered NOT_IMPLEMENTED, never with silence. */
const LATER = ['SyncLiteSubscription', 'UpdateOffset', 'GetOffset', 'QueryOffset', 'PullMessage']
const ALL = [...Object.keys(WELL_MADE), ...LATER]

function anyMethod(): GrpcCase[] {
  const cases: GrpcCase[] = []
  for (const method of ALL) {
    const base = { method, request: WELL_MADE[method] ?? { group, topic, message_queue } }
    const add = (name: string, rest: Omit<GrpcCase, 'name' | 'method' | 'request'>) =>
      cases.push({ ...base, name: `${method}: ${name}`, ...rest })
    const id = (value: string | undefined) => ({ headers: { 'x-mq-client-id': value } })
    const named = 'x-mq-client-id'
    add('no client id', { ...id(undefined), expected: 'CLIENT_ID_REQUIRED', names: named })
    add('a blank client id', { ...id(' '), expected: 'CLIENT_ID_REQUIRED', names: named })
    add('a client id of 1,025 characters', { ...id('c'.repeat(1025)), expected: 'BAD_REQUEST', names: named })
    add('a message cut off', { edit: (bytes) => bytes.subarray(0, -1), expected: 'grpc 3', names: `not a ${method}` })
    add('a field of an unknown kind', {
      edit: (bytes) => Buffer.concat([bytes, Buffer.from([0x0f])]),
      expected: 'grpc 3',
    })
    add('a message of zeros', { edit: () => Buffer.alloc(1024), expected: 'grpc 3' })
    add('a length beyond the message', {
      edit: () => Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07]),
      expected: 'grpc 3',
    })
    add('a message longer than any', {
      data: frameOf(Buffer.alloc(64), { declared: REQUEST_BYTES_MAX + 1 }),
      expected: 'grpc 8',
    })
    add('a message of 4 GiB − 1', { data: frameOf(Buffer.alloc(64), { declared: 0xffff_ffff }), expected: 'grpc 8' })
    add('an unknown compression', {
      data: frameOf(Buffer.alloc(64), { flag: 1 }),
      headers: { 'grpc-encoding': 'snappy' },
      expected: 'grpc 12',
      names: 'snappy',
    })
    add('another content type', { headers: { 'content-type': 'text/plain' }, expected: 'http 415' })
  }
  for (const method of LATER) {
    cases.push({ name: `${method}: not there yet`, method, request: {}, expected: 'NOT_IMPLEMENTED', names: method })
  }
  return cases
}

/** Puts bytes that are no UTF-8 where a text was. */
function withoutUtf8(message: Buffer): Buffer {
  const at = message.indexOf(NO_UTF8)
  return Buffer.concat([
    message.subarray(0, at),
    Buffer.alloc(NO_UTF8.length, 0xff),
    message.subarray(at + NO_UTF8.length),
  ])
}

function noUtf8(): GrpcCase[] {
  const places: readonly (readonly [name: string, method: string, change: object])[] = [
    ['the topic', 'SendMessage', sends(message({ topic: { name: NO_UTF8 } }))],
    ['a property', 'SendMessage', sends(message({ user_properties: { k: NO_UTF8 } }))],
    ['the message id', 'SendMessage', sends(message({ system: { message_id: NO_UTF8 } }))],
    ['the tag', 'SendMessage', sends(message({ system: { tag: NO_UTF8 } }))],
    ['a key', 'SendMessage', sends(message({ system: { keys: [NO_UTF8] } }))],
    ['the group', 'ReceiveMessage', { group: { name: NO_UTF8 } }],
    ['the filter', 'ReceiveMessage', { filter_expression: { type: 'TAG', expression: NO_UTF8 } }],
    ['the handle', 'AckMessage', { entries: [{ receipt_handle: NO_UTF8 }] }],
    ['the handle', 'ChangeInvisibleDuration', { receipt_handle: NO_UTF8 }],
    ['the topic', 'QueryRoute', { topic: { name: NO_UTF8 } }],
    ['the host', 'QueryRoute', { endpoints: { scheme: 'IPv4', addresses: [{ host: NO_UTF8 }] } }],
    ['the group', 'QueryAssignment', { group: { name: NO_UTF8 } }],
    ['the group', 'Heartbeat', { group: { name: NO_UTF8 } }],
    ['the group', 'NotifyClientTermination', { group: { name: NO_UTF8 } }],
    ['the topic', 'Telemetry', publishing({ name: NO_UTF8 })],
  ]
  return places.map(([place, method, change]) => ({
    name: `${method}: no UTF-8 in ${place}`,
    method,
    request: { ...WELL_MADE[method], ...change },
    edit: withoutUtf8,
    expected: 'grpc 3',
    names: `not a ${method === 'Telemetry' ? 'TelemetryCommand' : method}`,
  }))
}

/** Times that are no times, or longer than any timer. */
function timeouts(): GrpcCase[] {
  const times: Record<string, string> = {
    '99999999H': 'OK',
    '525600M': 'OK',
    '31536000S': 'OK',
    '9999999999999999999999S': 'OK',
    '100000000000u': 'OK',
    '-1S': 'grpc 13',
    '1e3S': 'grpc 13',
    soon: 'grpc 13',
  }
  return Object.entries(times).map(([time, expected]) => ({
    name: `QueryRoute: a timeout of ${time}`,
    method: 'QueryRoute',
    request: WELL_MADE['QueryRoute'] ?? {},
    headers: { 'grpc-timeout': time },
    expected,
  }))
}

/** Calls whose client never ends its request; a telemetry stream may stay open. */
function unfinished(): GrpcCase[] {
  const headers = { 'grpc-timeout': '1S' }
  const timed = { headers, unfinished: true, expected: 'grpc 4', names: 'not complete' } as const
  return ALL.filter((method) => method !== 'Telemetry').flatMap((method): GrpcCase[] => {
    const base = { method, request: WELL_MADE[method] ?? {}, ...timed }
    return [
      { ...base, name: `${method}: never ended after its message` },
      { ...base, name: `${method}: never ended within its message`, data: frameOf(Buffer.alloc(9), { declared: 99 }) },
      { ...base, name: `${method}: nothing comes after the headers`, data: Buffer.alloc(0) },
    ]
  })
}

/** Slow, and nothing else. */
function trickles(): GrpcCase[] {
  return ['SendMessage', 'QueryRoute', 'Telemetry'].map((method) => ({
    name: `${method}: byte by byte`,
    method,
    request: WELL_MADE[method] ?? {},
    trickled: true,
    expected: 'OK',
  }))
}

/** Calls that take longer than their client waits. */
function deadlines(): GrpcCase[] {
  const method = 'ReceiveMessage'
  const request = {
    ...WELL_MADE[method],
    message_queue: { topic: { name: 'empty' }, id: -1 },
    long_polling_timeout: seconds(9e15),
  }
  const half = { headers: { 'grpc-timeout': '500m' } }
  return [
    { name: 'a poll of ages, a deadline of 0.5 s', method, request, ...half, expected: 'MESSAGE_NOT_FOUND' },
    {
      name: 'headers of 256 KiB',
      method,
      request,
      headers: { 'x-mq-session-token': 't'.repeat(256 * 1024) },
      expected: 'no answer',
      alone: true,
    },
  ]
}

/** A message of this size, by a field that nobody knows. */
function padded(message: Buffer, bytes: number): Buffer {
  const rest = bytes - message.length - 5
  const length = [0, 7, 14, 21].map((shift) => ((rest >>> shift) & 0x7f) | (shift < 21 ? 0x80 : 0))
  return Buffer.concat([message, Buffer.from([0x7a, ...length]), Buffer.alloc(rest)])
}

function framing(): GrpcCase[] {
  const method = 'QueryRoute'
  const base = { method, request: WELL_MADE[method] ?? {} }
  const nothing = frameOf(Buffer.alloc(0))
  return [
    {
      ...base,
      name: 'an unknown method',
      method: 'DropDatabase',
      data: nothing,
      expected: 'grpc 12',
      names: 'DropDatabase',
    },
    { ...base, name: 'the name of no method', method: '__proto__', data: nothing, expected: 'grpc 12' },
    { ...base, name: 'a call without a message', data: Buffer.alloc(0), expected: 'grpc 12' },
    { ...base, name: 'half of a prefix', data: Buffer.alloc(3), expected: 'grpc 12' },
    { ...base, name: 'half of a message', data: frameOf(Buffer.alloc(10), { declared: 20 }), expected: 'grpc 12' },
    { ...base, name: 'two messages in a unary call', data: Buffer.concat([nothing, nothing]), expected: 'grpc 12' },
    {
      ...base,
      name: 'compressed, without saying how',
      data: frameOf(Buffer.alloc(10), { flag: 1 }),
      expected: 'grpc 3',
    },
    { ...base, name: 'a compression flag of 255', data: frameOf(Buffer.alloc(10), { flag: 255 }), expected: 'grpc 3' },
    { ...base, name: 'the longest message', edit: (bytes) => padded(bytes, REQUEST_BYTES_MAX), expected: 'OK' },
    { ...base, name: 'a byte more', edit: (bytes) => padded(bytes, REQUEST_BYTES_MAX + 1), expected: 'grpc 8' },
    {
      ...base,
      name: 'gzip that is none',
      data: frameOf(Buffer.alloc(10, 7), { flag: 1 }),
      headers: { 'grpc-encoding': 'gzip' },
      expected: 'grpc 13',
    },
    {
      ...base,
      name: 'gzip that unpacks to more than any message has',
      data: frameOf(gzipSync(Buffer.alloc(64 * MIB), { level: 1 }), { flag: 1 }),
      headers: { 'grpc-encoding': 'gzip' },
      expected: 'grpc 8',
    },
  ]
}

/** Groups of rows; after each, other clients must be as well as before. */
export const GRPC_TABLES: Readonly<Record<string, readonly GrpcCase[]>> = {
  'illegal names': illegalNames(),
  'what methods take': methodCases(),
  'any method': anyMethod(),
  'bytes, times and frames': [...noUtf8(), ...timeouts(), ...deadlines(), ...framing(), ...trickles()],
  'calls that are never ended': unfinished(),
}
