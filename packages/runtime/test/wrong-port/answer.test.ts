import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { Duplex } from 'node:stream'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createWrongPortAnswer, type Protocol, STRANGER_BYTES_MAX, type WrongPortAnswer } from '@rocketmq-ts/runtime'

const TEXT = `this is the wrong port: 100 % sure, ${'and at length '.repeat(20)}– so`

function answerTo(protocol: Protocol): WrongPortAnswer {
  const answer = createWrongPortAnswer(protocol, TEXT)
  if (answer === undefined) throw new Error(`no answer to ${protocol}`)
  return answer
}

/** A client's end of a connection whose other end gives the answer. */
function connectTo(answer: WrongPortAnswer): Duplex {
  let isOver = false
  const client = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      if (!isOver) {
        const { bytes, isDone } = answer.take(chunk)
        client.push(Buffer.from(bytes))
        isOver = isDone
        if (isOver) client.push(null)
      }
      done()
    },
  })
  return client
}

test('wrong port: a gRPC client → its call fails with the sentence', async () => {
  const session = http2.connect('http://any', { createConnection: () => connectTo(answerTo('http2')) as net.Socket })
  session.on('error', () => {})
  const stream = session.request({ ':method': 'POST', ':path': '/a/B', 'content-type': 'application/grpc' })
  stream.end('request')
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
  session.destroy()
  expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' })
  expect(decodeURIComponent(String(headers['grpc-message']))).toBe(TEXT)
})

test('wrong port: a browser → an answer of HTTP/1.1 with the sentence', () => {
  const { bytes, isDone } = answerTo('http1').take(Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'))
  const [head = '', body] = Buffer.from(bytes).toString().split('\r\n\r\n')
  expect(isDone).toBe(true)
  expect(head.split('\r\n')[0]).toBe('HTTP/1.1 400 Bad Request')
  expect(head).toContain(`content-length: ${Buffer.byteLength(`${TEXT}\n`)}`)
  expect(body).toBe(`${TEXT}\n`)
})

function remotingFrame(header: Buffer, type: number): Buffer {
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32BE(4 + header.length)
  prefix.writeUInt32BE(header.length, 4)
  prefix.writeUInt8(type, 4)
  return Buffer.concat([prefix, header])
}
const binaryHeader = Buffer.from([0, 105, 0, 1, 0xdf, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

test.each([
  ['JSON', remotingFrame(Buffer.from('{"code":105,"opaque":77,"flag":0}'), 0)],
  ['binary', remotingFrame(binaryHeader, 1)],
])('wrong port: a remoting client with %s headers → its request fails with the sentence', (_name, frame) => {
  const { bytes, isDone } = answerTo('remoting').take(frame)
  const reply = Buffer.from(bytes)
  expect(isDone).toBe(true)
  expect(reply.readUInt32BE(0)).toBe(reply.length - 4)
  expect(JSON.parse(reply.toString('utf8', 8))).toMatchObject({ code: 1, flag: 1, opaque: 77, remark: TEXT })
})

test('wrong port: TLS → has no place for a sentence', () => {
  expect(createWrongPortAnswer('tls', TEXT)).toBeUndefined()
})

test.each(['http2', 'remoting'] as const)('wrong port: endless %s → given up at the bound', (protocol) => {
  const answer = answerTo(protocol)
  const prefix = protocol === 'http2' ? Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') : Buffer.alloc(0)
  const frame = Buffer.alloc(9)
  frame.writeUInt8(6, 3)
  answer.take(prefix)
  const piece = protocol === 'http2' ? Buffer.concat(Array.from({ length: 1000 }, () => frame)) : Buffer.from([0, 0, 1])
  let taken = prefix.length
  let isDone = false
  while (!isDone && taken <= 2 * STRANGER_BYTES_MAX) {
    isDone = answer.take(piece).isDone
    taken += piece.length
  }
  expect(taken).toBeLessThanOrEqual(STRANGER_BYTES_MAX + piece.length)
})

test('wrong port: any bytes → never throws, and answers only whom it can', () => {
  const protocols = fc.constantFrom('http1' as const, 'http2' as const, 'remoting' as const)
  fc.assert(
    fc.property(protocols, fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (protocol, pieces) => {
      const answer = answerTo(protocol)
      for (const piece of pieces) if (answer.take(piece).isDone) return
    }),
  )
})
