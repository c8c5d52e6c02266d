import { expect, test } from '@jest/globals'
import { protocolOf, wrongPortText } from '@rocketmq-ts/runtime'

const frame = (declared: number, headerBytes: number, type = 0): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(declared)
  bytes.writeUInt32BE(headerBytes, 4)
  bytes.writeUInt8(type, 4)
  return bytes
}

test.each([
  ['a browser', Buffer.from('GET / HTTP/1.1\r\n'), 'http1'],
  ['OPTIONS of all', Buffer.from('OPTIONS * HTTP/1.1\r\n'), 'http1'],
  ['a gRPC client', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 'http2'],
  ['a TLS client', Buffer.from([0x16, 3, 1, 2, 0]), 'tls'],
  ['a remoting client', frame(104, 100), 'remoting'],
  ['a remoting client with binary headers', frame(104, 100, 1), 'remoting'],
  ['a header longer than its frame', frame(50, 100), undefined],
  ['an unknown serialization', frame(104, 100, 2), undefined],
  ['zeros', Buffer.alloc(100), undefined],
  ['three bytes', Buffer.from('PRI'), undefined],
  ['nothing', Buffer.alloc(0), undefined],
])('wrong port: the first bytes of %s → are told apart', (_name, bytes, protocol) => {
  expect(protocolOf(bytes)).toBe(protocol)
})

test('wrong port: the sentence → names the port that it is and the one that was meant', () => {
  expect(wrongPortText('the remoting port of a broker', 'http2')).toBe(
    'this is the remoting port of a broker: gRPC clients (5.x SDKs) connect to the gRPC port of a proxy, 8081 unless it was changed',
  )
})
