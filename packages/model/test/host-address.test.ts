import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { hostBytesLength, readHost, writeHost } from '../src/index.ts'
import { codeOf } from './thrown.ts'

function throughBytes(host: string): string {
  const bytes = new Uint8Array(16)
  return readHost(bytes, 0, writeHost(host, bytes, 0))
}

test.each([
  ['10.0.0.255', '10.0.0.255'],
  ['::ffff:192.168.0.1', '192.168.0.1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:0db8:0:0:0:ff00:0042:8329', '2001:db8::ff00:42:8329'],
  ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
])('host: %s → %s after a round trip', (host, expected) => {
  expect(throughBytes(host)).toBe(expected)
})

test.each([
  '',
  'localhost',
  '1.2.3',
  '1.2.3.4.5',
  '256.0.0.1',
  '1.2.3.',
  '1:2',
  ':::',
  '1::2::3',
  'g::1',
  '1:2:3:4:5:6:7:8:9',
])("host: '%s' → parameter-invalid", (host) => {
  expect(codeOf(() => throughBytes(host))).toBe('parameter-invalid')
})

test('host: addresses that take turns → each has its own bytes every time', () => {
  const hosts = [
    '0.0.0.0',
    '10.0.0.1',
    '10.0.0.2',
    '::1',
    '::ffff:10.0.0.3',
    '10.0.0.1',
    '10.0.0.2',
    '10.0.0.1',
    '10.0.0.1',
  ]
  const shown = hosts.map((host) => [throughBytes(host), hostBytesLength(host)])
  expect(shown.map(([host]) => host)).toEqual(hosts.map((host) => host.replace('::ffff:', '')))
  expect(shown.map(([, length]) => length)).toEqual(hosts.map((host) => (host === '::1' ? 16 : 4)))
})

test('host: any address → the announced length, and stable text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (host) => {
      const text = throughBytes(host)
      expect(throughBytes(text)).toBe(text)
      expect(writeHost(host, new Uint8Array(16), 0)).toBe(hostBytesLength(host))
    }),
  )
})
