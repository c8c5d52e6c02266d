import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { connectGrpc, framed, type GrpcConnection } from '../../src/load/grpc-connection.ts'

// The connection against Node's own HTTP/2 server, which reads headers, windows and frames by the book.
const PATH = '/service/Method'
const HEADERS = [
  ['content-type', 'application/grpc'],
  ['x-first', 'one'],
] as const
let server: http2.Http2Server
let connection: GrpcConnection
let seen: { readonly headers: http2.IncomingHttpHeaders; readonly body: Buffer }[]
let onStream: (stream: http2.ServerHttp2Stream, body: Buffer) => void

beforeEach(async () => {
  seen = []
  server = http2.createServer()
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      seen.push({ headers, body: Buffer.concat(chunks) })
      onStream(stream, Buffer.concat(chunks))
    })
    stream.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  connection = await connectGrpc({ host: '127.0.0.1', port: portOf(server), headers: HEADERS })
})

afterEach(async () => {
  connection.close()
  await new Promise((resolve) => server.close(resolve))
})

function portOf(listening: http2.Http2Server): number {
  return (listening.address() as AddressInfo).port
}

interface Answer {
  readonly messages: readonly string[]
  readonly complete: boolean
}

function call(message: Buffer): Promise<Answer> {
  const messages: string[] = []
  return new Promise((resolve) => {
    connection.call(PATH, message, {
      message: (bytes) => void messages.push(bytes.toString()),
      end: (complete) => resolve({ messages, complete }),
    })
  })
}

function answer(stream: http2.ServerHttp2Stream, ...parts: readonly Buffer[]): void {
  stream.respond({ ':status': 200 }, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  for (const part of parts) stream.write(part)
  stream.end()
}

test('grpc connection: several calls → the same headers each time, also when they are only indexes', async () => {
  onStream = (stream, body) => answer(stream, framed(body.subarray(5)))
  for (const text of ['a', 'bb', 'ccc']) {
    expect(await call(framed(Buffer.from(text)))).toEqual({ messages: [text], complete: true })
  }
  expect(seen).toHaveLength(3)
  for (const { headers } of seen) {
    expect(headers).toMatchObject({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      'x-first': 'one',
    })
    expect(headers[':authority']).toBe(`127.0.0.1:${portOf(server)}`)
  }
})

test('grpc connection: 100 calls of 16 KiB at a time → larger than all windows, and every byte arrives', async () => {
  onStream = (stream, body) => answer(stream, framed(Buffer.from(String(body.length))))
  const body = Buffer.alloc(16 * 1024, 'x')
  const answers = await Promise.all(Array.from({ length: 100 }, () => call(framed(body))))
  for (const { messages, complete } of answers) {
    expect(messages).toEqual([String(body.length + 5)])
    expect(complete).toBe(true)
  }
})

test('grpc connection: an answer cut anywhere → its messages come whole and in order', async () => {
  const bytes = Buffer.concat(['first', '', 'third'].map((text) => framed(Buffer.from(text))))
  for (let cut = 1; cut < bytes.length; cut += 1) {
    onStream = (stream) => answer(stream, bytes.subarray(0, cut), bytes.subarray(cut))
    expect(await call(framed(Buffer.from('x')))).toEqual({ messages: ['first', '', 'third'], complete: true })
  }
})

test('grpc connection: a stream is reset → its call ends incomplete, the others go on', async () => {
  onStream = (stream, body) => {
    if (body.subarray(5).toString() === 'bad') stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
    else answer(stream, framed(Buffer.from('fine')))
  }
  const answers = await Promise.all(['good', 'bad', 'good'].map((text) => call(framed(Buffer.from(text)))))
  expect(answers.map(({ complete }) => complete)).toEqual([true, false, true])
})

test('grpc connection: the connection is lost → calls under way and later ones end incomplete', async () => {
  onStream = (stream) => stream.session?.destroy()
  expect(await call(framed(Buffer.from('x')))).toMatchObject({ complete: false })
  expect(await call(framed(Buffer.from('x')))).toMatchObject({ complete: false })
})
