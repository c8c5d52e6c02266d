// What every transport promises, run against each of them. Clients speak through the interface of the memory client.
import { afterEach, describe, expect, test } from '@jest/globals'
import {
  GrpcStatus,
  type GrpcCall,
  type GrpcMethod,
  type GrpcServer,
  type MemoryGrpcClient,
  type ResponseHandler,
} from '@rocketmq-ts/grpc'
import type { ManualTime } from './manual-time.ts'

/** One served transport under test, with requests limited to REQUEST_BYTES_MAX and answers to UNREAD_BYTES_MAX. */
export interface Fixture {
  readonly server: GrpcServer
  readonly client: MemoryGrpcClient
  /** Moves the server's time. */
  readonly time: ManualTime
  readonly defects: readonly unknown[]
  release(): Promise<void>
}
export type OpenFixture = (methods: Readonly<Record<string, GrpcMethod>>) => Promise<Fixture>

export const REQUEST_BYTES_MAX = 100_000
export const UNREAD_BYTES_MAX = 64 * 1024
const YEAR_MS = 365 * 24 * 3600 * 1000

/** Runs the suite for one transport. */
export function testTransport(name: string, open: OpenFixture): void {
  describe(name, () => {
    const opened: Fixture[] = []
    const openTracked: OpenFixture = async (methods) => {
      const fixture = await open(methods)
      opened.push(fixture)
      return fixture
    }
    afterEach(async () => {
      for (const fixture of opened.splice(0)) await fixture.release()
    })
    testAnswers(openTracked)
    testEnds(openTracked)
    testBounds(openTracked)
    testClosing(openTracked)
  })
}

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (message: Uint8Array | undefined) => new TextDecoder().decode(message)

const echo: GrpcMethod = {
  kind: 'unary',
  handle(request, call) {
    call.write(request)
    call.finish(GrpcStatus.OK)
  },
}

/** A method that hands its call to the test and does nothing else. */
function handedOut(kind: 'unary' | 'server-streaming'): { method: GrpcMethod; call: Promise<GrpcCall> } {
  const { promise, resolve } = Promise.withResolvers<GrpcCall>()
  return { method: { kind, handle: (_request, call) => resolve(call) }, call: promise }
}

interface Recorder extends ResponseHandler {
  readonly messages: string[]
  readonly headersSeen: Promise<void>
  readonly ended: Promise<{ status: GrpcStatus; detail: string }>
  next(): Promise<string>
}

function createRecorder(): Recorder {
  const headers = Promise.withResolvers<void>()
  const end = Promise.withResolvers<{ status: GrpcStatus; detail: string }>()
  const messages: string[] = []
  const arrivals: (() => void)[] = []
  let taken = 0
  return {
    messages,
    headersSeen: headers.promise,
    ended: end.promise,
    async next() {
      if (messages.length === taken) await new Promise<void>((resolve) => arrivals.push(resolve))
      taken += 1
      return messages[taken - 1] ?? ''
    },
    headers: () => headers.resolve(),
    message(message) {
      messages.push(text(message))
      arrivals.shift()?.()
    },
    end: (status, detail) => end.resolve({ status, detail }),
  }
}

function aborted(call: GrpcCall): Promise<unknown> {
  return new Promise((resolve) => {
    const settle = () => resolve((call.signal.reason as { code?: string }).code)
    if (call.signal.aborted) settle()
    else call.signal.addEventListener('abort', settle)
  })
}

function testAnswers(open: OpenFixture): void {
  test('unary: one request → one answer and OK', async () => {
    const { client } = await open({ '/s/Echo': echo })
    const answer = await client.unary('/s/Echo', bytes('hello'))
    expect([answer.status, text(answer.message)]).toStrictEqual([GrpcStatus.OK, 'hello'])
  })

  test('unary: an empty request and an empty answer → both arrive', async () => {
    const { client } = await open({ '/s/Echo': echo })
    const answer = await client.unary('/s/Echo', new Uint8Array())
    expect([answer.status, answer.message?.byteLength]).toStrictEqual([GrpcStatus.OK, 0])
  })

  test('call: metadata, authority and addresses of both ends are visible, the transport’s own headers are not', async () => {
    const { method, call } = handedOut('unary')
    const { client, server } = await open({ '/s/M': method })
    const answer = client.unary('/s/M', bytes(''), {
      metadata: new Map([
        ['x-mq-client-id', 'a@1#2'],
        ['x-mq-namespace', ''],
      ]),
      authority: 'IPAuthority',
    })
    const seen = await call
    expect(seen.metadata.get('x-mq-client-id')).toBe('a@1#2')
    expect(seen.metadata.get('x-mq-namespace')).toBe('')
    expect([...seen.metadata.keys()].filter((key) => /timeout|origin|^:/.test(key))).toStrictEqual([])
    expect(seen.authority).toBe('IPAuthority')
    expect(seen.localAddress).toStrictEqual(server.addresses[0])
    expect(seen.remoteAddress.host).toBe('127.0.0.1')
    expect(seen.deadlineMonotonicMs).toBeUndefined()
    seen.finish(GrpcStatus.UNAVAILABLE, 'enough')
    await answer
  })

  test('server streaming: several answers → all in order, then OK', async () => {
    const method: GrpcMethod = {
      kind: 'server-streaming',
      handle(request, call) {
        for (const part of text(request).split(' ')) call.write(bytes(part))
        call.finish(GrpcStatus.OK)
      },
    }
    const { client } = await open({ '/s/Split': method })
    const recorder = createRecorder()
    client.serverStreaming('/s/Split', bytes('a b c'), recorder)
    expect((await recorder.ended).status).toBe(GrpcStatus.OK)
    expect(recorder.messages).toStrictEqual(['a', 'b', 'c'])
  })

  test('server streaming: OK without any answer → the client sees just the end', async () => {
    const method: GrpcMethod = { kind: 'server-streaming', handle: (_request, call) => call.finish(GrpcStatus.OK) }
    const { client } = await open({ '/s/None': method })
    const recorder = createRecorder()
    client.serverStreaming('/s/None', bytes(''), recorder)
    expect([(await recorder.ended).status, recorder.messages]).toStrictEqual([GrpcStatus.OK, []])
  })

  test('bidirectional: headers arrive before any message, answers interleave, half-close reaches the method', async () => {
    const method: GrpcMethod = {
      kind: 'bidirectional',
      handle: (call) => ({
        message: (message) => void call.write(bytes(`${text(message)}!`)),
        end() {
          call.write(bytes('bye'))
          call.finish(GrpcStatus.OK)
        },
      }),
    }
    const { client } = await open({ '/s/Talk': method })
    const recorder = createRecorder()
    const stream = client.bidirectional('/s/Talk', recorder)
    await recorder.headersSeen
    expect(recorder.messages).toStrictEqual([])
    stream.write(bytes('one'))
    expect(await recorder.next()).toBe('one!')
    stream.write(bytes('two'))
    stream.halfClose()
    expect((await recorder.ended).status).toBe(GrpcStatus.OK)
    expect(recorder.messages).toStrictEqual(['one!', 'two!', 'bye'])
  })
}

function testEnds(open: OpenFixture): void {
  test.each(['unary', 'server-streaming'] as const)(
    '%s: finished with an error → status and detail arrive',
    async (kind) => {
      const method: GrpcMethod = {
        kind,
        handle: (_request, call) => call.finish(GrpcStatus.INVALID_ARGUMENT, 'topic: ist zu lang – 100 % ü'),
      }
      const { client } = await open({ '/s/M': method })
      const recorder = createRecorder()
      client.serverStreaming('/s/M', bytes(''), recorder)
      expect(await recorder.ended).toStrictEqual({
        status: GrpcStatus.INVALID_ARGUMENT,
        detail: 'topic: ist zu lang – 100 % ü',
      })
    },
  )

  test('server streaming: an error after messages → the messages arrive first', async () => {
    const method: GrpcMethod = {
      kind: 'server-streaming',
      handle(_request, call) {
        call.write(bytes('a'))
        call.finish(GrpcStatus.INTERNAL, 'broke')
      },
    }
    const { client } = await open({ '/s/M': method })
    const recorder = createRecorder()
    client.serverStreaming('/s/M', bytes(''), recorder)
    expect((await recorder.ended).status).toBe(GrpcStatus.INTERNAL)
    expect(recorder.messages).toStrictEqual(['a'])
  })

  test('finish: called twice, and writes after it → only the first counts', async () => {
    const method: GrpcMethod = {
      kind: 'server-streaming',
      handle(_request, call) {
        call.write(bytes('a'))
        call.finish(GrpcStatus.OK)
        call.finish(GrpcStatus.INTERNAL, 'again')
        expect(call.write(bytes('b'))).toBe(true)
      },
    }
    const { client } = await open({ '/s/M': method })
    const recorder = createRecorder()
    client.serverStreaming('/s/M', bytes(''), recorder)
    expect((await recorder.ended).status).toBe(GrpcStatus.OK)
    expect(recorder.messages).toStrictEqual(['a'])
  })

  test('cancel: the client gives up → the signal aborts, drained resolves, later answers are ignored', async () => {
    const { method, call } = handedOut('server-streaming')
    const { client } = await open({ '/s/M': method })
    const recorder = createRecorder()
    const started = client.serverStreaming('/s/M', bytes(''), recorder)
    const seen = await call
    while (seen.write(new Uint8Array(16 * 1024)));
    const drained = seen.drained()
    started.cancel()
    expect(await aborted(seen)).toBe('closed')
    await drained
    seen.write(bytes('late'))
    seen.finish(GrpcStatus.OK)
    expect((await recorder.ended).status).toBe(GrpcStatus.CANCELLED)
  })

  test('connection: lost with calls open → each signal aborts, the client sees UNAVAILABLE and can call again', async () => {
    const { method, call } = handedOut('server-streaming')
    const { client } = await open({ '/s/M': method, '/s/Echo': echo })
    const recorder = createRecorder()
    client.serverStreaming('/s/M', bytes(''), recorder)
    const seen = await call
    client.disconnect()
    expect(await aborted(seen)).toBe('closed')
    expect((await recorder.ended).status).toBe(GrpcStatus.UNAVAILABLE)
    expect((await client.unary('/s/Echo', bytes('x'))).status).toBe(GrpcStatus.OK)
  })

  test('deadline: reached → the signal aborts as timeout and the client sees DEADLINE_EXCEEDED', async () => {
    const { method, call } = handedOut('unary')
    const { client, time } = await open({ '/s/M': method })
    const answer = client.unary('/s/M', bytes(''), { timeoutMs: 3_600_000 })
    const seen = await call
    expect(seen.deadlineMonotonicMs).toBeGreaterThan(3_590_000)
    expect(seen.deadlineMonotonicMs).toBeLessThanOrEqual(3_600_000)
    time.advance(3_600_001)
    expect(await aborted(seen)).toBe('timeout')
    expect((await answer).status).toBe(GrpcStatus.DEADLINE_EXCEEDED)
  })

  test.each([1, 60])('deadline: %i years, as telemetry streams have → neither cut nor early', async (years) => {
    const { method, call } = handedOut('unary')
    const { client, time } = await open({ '/s/M': method })
    const answer = client.unary('/s/M', bytes(''), { timeoutMs: years * YEAR_MS })
    const seen = await call
    time.advance(years * YEAR_MS - 3_600_000)
    expect(seen.signal.aborted).toBe(false)
    seen.finish(GrpcStatus.UNAVAILABLE)
    await answer
  })

  test('method: unknown path → UNIMPLEMENTED', async () => {
    const { client } = await open({ '/s/Echo': echo })
    expect((await client.unary('/s/Other', bytes(''))).status).toBe(GrpcStatus.UNIMPLEMENTED)
  })

  test('method: throws → INTERNAL without the cause, which the owner is told', async () => {
    const method: GrpcMethod = {
      kind: 'unary',
      handle() {
        throw new Error('secret')
      },
    }
    const { client, defects } = await open({ '/s/M': method })
    const answer = await client.unary('/s/M', bytes(''))
    expect(answer.status).toBe(GrpcStatus.INTERNAL)
    expect(answer.detail).not.toContain('secret')
    expect(defects.map(String)).toStrictEqual(['Error: secret'])
  })
}

function testBounds(open: OpenFixture): void {
  test('request: at the limit → answered; one byte above → RESOURCE_EXHAUSTED, and the connection survives', async () => {
    const { client } = await open({ '/s/Echo': echo })
    expect((await client.unary('/s/Echo', new Uint8Array(REQUEST_BYTES_MAX))).status).toBe(GrpcStatus.OK)
    const above = await client.unary('/s/Echo', new Uint8Array(REQUEST_BYTES_MAX + 1))
    expect(above.status).toBe(GrpcStatus.RESOURCE_EXHAUSTED)
    expect((await client.unary('/s/Echo', bytes('still here'))).status).toBe(GrpcStatus.OK)
  })

  test('back-pressure: the client pauses → write says false, drained waits until it reads on, nothing is lost', async () => {
    const { method, call } = handedOut('server-streaming')
    const { client } = await open({ '/s/M': method })
    const recorder = createRecorder()
    const started = client.serverStreaming('/s/M', bytes(''), recorder)
    const seen = await call
    started.pause()
    const part = 'x'.repeat(16 * 1024)
    let written = 1
    while (seen.write(bytes(part))) written += 1
    expect(written * part.length).toBeLessThanOrEqual(UNREAD_BYTES_MAX)
    let drained = false
    const drain = seen.drained().then(() => {
      drained = true
    })
    expect(drained).toBe(false)
    started.resume()
    await drain
    seen.finish(GrpcStatus.OK)
    expect((await recorder.ended).status).toBe(GrpcStatus.OK)
    expect(recorder.messages).toStrictEqual(Array.from({ length: written }, () => part))
  })

  test('back-pressure: nothing was refused → drained resolves at once', async () => {
    const { method, call } = handedOut('server-streaming')
    const { client } = await open({ '/s/M': method })
    const recorder = createRecorder()
    client.serverStreaming('/s/M', bytes(''), recorder)
    const seen = await call
    expect(seen.write(bytes('a'))).toBe(true)
    await seen.drained()
    seen.finish(GrpcStatus.OK)
    await recorder.ended
  })
}

function testClosing(open: OpenFixture): void {
  test('close: with a call running → it ends by itself, then close resolves; later calls are UNAVAILABLE', async () => {
    const { method, call } = handedOut('unary')
    const { client, server } = await open({ '/s/M': method })
    const answer = client.unary('/s/M', bytes(''))
    const seen = await call
    const closed = server.close(60_000)
    seen.write(bytes('done'))
    seen.finish(GrpcStatus.OK)
    expect(text((await answer).message)).toBe('done')
    await closed
    expect((await client.unary('/s/M', bytes(''))).status).toBe(GrpcStatus.UNAVAILABLE)
  })

  test('close: a call outlives the grace → its signal aborts and the client sees UNAVAILABLE', async () => {
    const { method, call } = handedOut('server-streaming')
    const { client, server, time } = await open({ '/s/M': method })
    const recorder = createRecorder()
    client.serverStreaming('/s/M', bytes(''), recorder)
    const seen = await call
    const closed = server.close(5000)
    expect(seen.signal.aborted).toBe(false)
    time.advance(5001)
    expect(await aborted(seen)).toBe('closed')
    expect((await recorder.ended).status).toBe(GrpcStatus.UNAVAILABLE)
    time.advance(1000)
    await closed
  })
}
