// What holds for every peer, however its requests travel.
import { describe, expect, test } from '@jest/globals'
import type { ArrivedRequest } from '../../src/index.ts'
import { Echo, echo, LaxEcho, readEcho } from '../support/example-requests.ts'
import { FORMS, type PeerPair } from '../support/peer-pairs.ts'

const hello = { word: 'hello', times: 2 }
const timeoutMs = 3000

/** What a promise ends with, some time. */
function ending<Value>(promise: Promise<Value>): Promise<Value | Error> {
  return promise.catch((error: Error) => error)
}

/** Lets everything happen that needs no time, then what the promise ended with. */
async function outcome<Value>({ effects }: PeerPair, promise: Promise<Value>): Promise<Value | Error> {
  const ended = ending(promise)
  await effects.settle()
  return ended
}

describe.each(FORMS)('peer over %s', (_form, open) => {
  test('peer: request → the answer with header and body', async () => {
    const pair = await open({ serverHandler: echo })
    const answer = await outcome(pair, pair.client.request(Echo, hello, { timeoutMs, body: Buffer.from('body') }))
    expect(answer).toMatchObject({ code: 0, header: hello })
    expect(Buffer.from((answer as { body: Uint8Array }).body).toString()).toBe('body')
  })

  test('peer: an answer without header, remark and body → only its code and what the declaration carries', async () => {
    const pair = await open({ serverHandler: (request) => request.respond({ code: 22, remark: 'nothing there' }) })
    const answer = await outcome(pair, pair.client.request(Echo, hello, { timeoutMs }))
    expect(answer).toEqual({ code: 22, remark: 'nothing there' })
  })

  test('peer: a request that is not called → never re-entrant: neither handler nor answer run inside of the call', async () => {
    const order: string[] = []
    const pair = await open({
      serverHandler: (arrived) => {
        order.push('handled')
        echo(arrived)
      },
    })
    const answered = pair.client.request(Echo, hello, { timeoutMs }).then(() => order.push('answered'))
    order.push('asked')
    await answered
    expect(order).toEqual(['asked', 'handled', 'answered'])
  })

  test('peer: what a handler sees → a frozen domain object, text fields, sender and version', async () => {
    const seen: ArrivedRequest[] = []
    const pair = await open({
      serverHandler: (arrived) => {
        arrived.as(Echo)
        seen.push(arrived)
        arrived.respond({ code: 1, remark: 'seen' })
      },
    })
    await outcome(pair, pair.client.request(Echo, { ...hello, loud: true }, { timeoutMs }))
    expect(seen).toHaveLength(1)
    const [request] = seen as [ArrivedRequest]
    expect(request).toMatchObject({ code: 7001, header: { ...hello, loud: true }, oneway: false, version: 479 })
    expect(Object.isFrozen(request.header)).toBe(true)
    expect(Object.fromEntries(request.extFields)).toEqual({ word: 'hello', times: '2', loud: 'true' })
    expect(request.peer).toBe(pair.server)
    expect(request.body).toHaveLength(0)
  })

  test('peer: oneway → handled, and an answer is ignored', async () => {
    const words: string[] = []
    const pair = await open({
      serverHandler: (arrived) => {
        const { header, respond } = readEcho(arrived)
        words.push(header.word)
        expect(arrived.oneway).toBe(true)
        respond({ code: 0, header })
      },
    })
    expect(pair.client.oneway(Echo, hello)).toBe(true)
    await pair.effects.settle()
    expect(words).toEqual(['hello'])
  })

  test('peer: no answer in time → timeout that names request and limit; the late answer is dropped', async () => {
    const held: ArrivedRequest[] = []
    const pair = await open({ serverHandler: (arrived) => held.push(arrived) })
    const answer = ending(pair.client.request(Echo, hello, { timeoutMs: 500 }))
    await pair.effects.advance(499)
    expect(held).toHaveLength(1)
    await pair.effects.advance(1)
    expect(await answer).toMatchObject({ code: 'timeout', message: expect.stringMatching(/ECHO to .*500 ms/) })
    held[0]?.as(Echo).respond({ code: 0, header: hello })
    await pair.effects.settle()
  })

  test('peer: answered within the time → no timeout later', async () => {
    const pair = await open({ serverHandler: echo })
    const answer = await outcome(pair, pair.client.request(Echo, hello, { timeoutMs: 500 }))
    await pair.effects.advance(10_000)
    expect(answer).toMatchObject({ code: 0 })
  })

  test('peer: answers in another order → each to its request', async () => {
    const held: (() => void)[] = []
    const pair = await open({ serverHandler: (arrived) => held.push(() => echo(arrived)) })
    const words = ['a', 'b', 'c']
    const answers = words.map((word) => pair.client.request(Echo, { word, times: 1 }, { timeoutMs }))
    await pair.effects.settle()
    for (const answer of held.toReversed()) answer()
    await pair.effects.settle()
    expect((await Promise.all(answers)).map((answer) => answer.header?.word)).toEqual(words)
  })

  test('peer: both sides ask at once, with the same opaque → each gets its own answer', async () => {
    const pair = await open({ serverHandler: echo, clientHandler: echo })
    const fromClient = pair.client.request(Echo, { word: 'client', times: 1 }, { timeoutMs })
    const fromServer = pair.server.request(Echo, { word: 'server', times: 1 }, { timeoutMs })
    await pair.effects.settle()
    expect((await fromClient).header?.word).toBe('client')
    expect((await fromServer).header?.word).toBe('server')
  })

  test.each(['client', 'server'] as const)(
    'peer: %s closes → what waits fails with closed, both are told once',
    async (side) => {
      const pair = await open({})
      const told: string[] = []
      pair.client.onClose(() => told.push('client'))
      pair.server.onClose(() => told.push('server'))
      const fromClient = ending(pair.client.request(Echo, hello, { timeoutMs }))
      const fromServer = ending(pair.server.request(Echo, hello, { timeoutMs }))
      await pair.effects.settle()
      pair[side].close()
      pair[side].close()
      expect(told).toEqual([])
      await pair.effects.settle()
      expect(await fromClient).toMatchObject({ code: 'closed' })
      expect(await fromServer).toMatchObject({ code: 'closed' })
      expect(told.sort()).toEqual(['client', 'server'])
    },
  )

  test('peer: after its close → requests fail with closed, oneways are refused, onClose calls back at once', async () => {
    const pair = await open({ serverHandler: echo })
    pair.client.close()
    await pair.effects.settle()
    expect(await outcome(pair, pair.client.request(Echo, hello, { timeoutMs }))).toMatchObject({ code: 'closed' })
    expect(pair.client.oneway(Echo, hello)).toBe(false)
    expect(await outcome(pair, pair.server.request(Echo, hello, { timeoutMs }))).toMatchObject({ code: 'closed' })
    let told = 0
    pair.client.onClose(() => (told += 1))
    expect(told).toBe(1)
  })

  test('peer: more requests than may wait → busy', async () => {
    const pair = await open({ limits: { requestsPendingMax: 2 } })
    const waiting = [1, 2].map(() => ending(pair.client.request(Echo, hello, { timeoutMs })))
    expect(await outcome(pair, pair.client.request(Echo, hello, { timeoutMs }))).toMatchObject({ code: 'busy' })
    await pair.effects.advance(timeoutMs)
    expect(await Promise.all(waiting)).toMatchObject([{ code: 'timeout' }, { code: 'timeout' }])
  })

  test('peer: more unanswered requests than allowed → SYSTEM_BUSY [OVERLOAD]; room again after an answer', async () => {
    const held: ArrivedRequest[] = []
    const pair = await open({ serverHandler: (arrived) => held.push(arrived), limits: { requestsInFlightMax: 2 } })
    const first = pair.client.request(Echo, hello, { timeoutMs })
    const second = ending(pair.client.request(Echo, hello, { timeoutMs }))
    const third = await outcome(pair, pair.client.request(Echo, hello, { timeoutMs }))
    expect(third).toMatchObject({ code: 2, remark: expect.stringMatching(/^\[OVERLOAD\] /) })
    held[0]?.respond({ code: 1, remark: 'done' })
    expect(await outcome(pair, first)).toMatchObject({ code: 1 })
    const fourth = ending(pair.client.request(Echo, hello, { timeoutMs }))
    await pair.effects.settle()
    expect(held).toHaveLength(3)
    pair.client.close()
    await Promise.all([second, fourth])
  })

  test('peer: bodies of unanswered requests above the bound → SYSTEM_BUSY', async () => {
    const pair = await open({ limits: { requestBytesInFlightMax: 10_000 } })
    const first = ending(pair.client.request(Echo, hello, { timeoutMs, body: new Uint8Array(6_000) }))
    const second = await outcome(pair, pair.client.request(Echo, hello, { timeoutMs, body: new Uint8Array(6_000) }))
    expect(second).toMatchObject({ code: 2 })
    await pair.effects.advance(timeoutMs)
    expect(await first).toMatchObject({ code: 'timeout' })
  })

  test('peer: a header that is none → parameter-invalid naming the field, nothing is sent', async () => {
    let arrived = 0
    const pair = await open({ serverHandler: () => (arrived += 1) })
    const wrong = { word: 'x', times: 1.5 }
    const answer = await outcome(pair, pair.client.request(Echo, wrong, { timeoutMs }))
    expect(answer).toMatchObject({ code: 'parameter-invalid', message: expect.stringContaining("'times'") })
    expect(() => pair.client.oneway(Echo, wrong)).toThrow(/'times'/)
    await pair.effects.settle()
    expect(arrived).toBe(0)
  })

  test('peer: a header that the receiver can not accept → its `as` names the field', async () => {
    const reasons: string[] = []
    const pair = await open({
      serverHandler: (arrived) => {
        try {
          arrived.as(Echo)
        } catch (error) {
          reasons.push((error as Error).message)
          arrived.respond({ code: 29, remark: 'see above' })
        }
      },
    })
    expect(await outcome(pair, pair.client.request(LaxEcho, { word: 'x' }, { timeoutMs }))).toMatchObject({ code: 29 })
    await outcome(pair, pair.client.request(LaxEcho, { word: 'x', times: 'many' }, { timeoutMs }))
    expect(reasons).toEqual([
      "ECHO: field 'times': is mandatory and missing",
      'ECHO: field \'times\': expected a decimal number, got "many"',
    ])
  })

  test('peer: an answer without its mandatory fields → protocol error naming the field', async () => {
    const pair = await open({
      serverHandler: (arrived) => arrived.as(LaxEcho).respond({ code: 0, header: { word: 'x' } }),
    })
    const answer = await outcome(pair, pair.client.request(Echo, hello, { timeoutMs }))
    expect(answer).toMatchObject({ code: 'protocol', message: expect.stringContaining("'times'") })
  })

  test('peer: a handler whose answer has no form → the caller gets SYSTEM_ERROR naming the field', async () => {
    const pair = await open({
      serverHandler: (arrived) => arrived.as(Echo).respond({ code: 0, header: { word: 'x', times: 0.5 } }),
    })
    const answer = await outcome(pair, pair.client.request(Echo, hello, { timeoutMs }))
    expect(answer).toMatchObject({ code: 1, remark: expect.stringContaining("'times'") })
  })

  test('peer: a handler that answers twice → the first answer counts', async () => {
    const pair = await open({
      serverHandler: (arrived) => {
        arrived.respond({ code: 22, remark: 'first' })
        arrived.respond({ code: 1, remark: 'second' })
      },
    })
    const first = pair.client.request(Echo, hello, { timeoutMs })
    const second = pair.client.request(Echo, hello, { timeoutMs })
    expect(await outcome(pair, Promise.all([first, second]))).toMatchObject([{ code: 22 }, { code: 22 }])
  })

  test('peer: a body of 4 MiB there and back → the same bytes', async () => {
    const pair = await open({ serverHandler: echo })
    const body = Buffer.alloc(4 * 1024 * 1024, 'rocket')
    const answer = await outcome(pair, pair.client.request(Echo, hello, { timeoutMs, body }))
    expect(Buffer.from((answer as { body: Uint8Array }).body).equals(body)).toBe(true)
  })

  test('peer: thousands of requests at once → all answered', async () => {
    const pair = await open({ serverHandler: echo })
    const asked = Array.from({ length: 5000 }, (_, times) =>
      pair.client.request(Echo, { word: 'w', times }, { timeoutMs }),
    )
    await pair.effects.settle()
    const answers = await Promise.all(asked)
    expect(answers.every((answer, index) => answer.header?.times === index)).toBe(true)
  })
})
