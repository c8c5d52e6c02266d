import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createDirectPeers } from '../../src/index.ts'
import { Echo, echo } from '../support/example-requests.ts'

const hello = { word: 'hello', times: 1 }

test('direct peers: more requests on their way than the queue holds → busy; room again when they have arrived', async () => {
  const effects = createManualEffects()
  let arrived = 0
  const handlerB = (): void => void (arrived += 1)
  const [client] = createDirectPeers({ ...effects, handlerA: echo, handlerB })
  let sent = 0
  while (client.oneway(Echo, hello)) sent += 1
  expect(sent).toBe(16_384)
  await expect(client.request(Echo, hello, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'busy' })
  await effects.settle()
  expect(arrived).toBe(16_384)
  expect(client.oneway(Echo, hello)).toBe(true)
})

test('direct peers: a body → lent, the receiver sees the same bytes without a copy', async () => {
  const effects = createManualEffects()
  const seen: Uint8Array[] = []
  const [client, server] = createDirectPeers({
    ...effects,
    handlerA: echo,
    handlerB: (request) => seen.push(request.body),
    listener: 'proxy',
  })
  const body = new Uint8Array(10)
  client.oneway(Echo, hello, body)
  await effects.settle()
  expect(seen[0]).toBe(body)
  expect([client.listener, server.listener, client.remoteAddress]).toEqual(['', 'proxy', 'local'])
})
