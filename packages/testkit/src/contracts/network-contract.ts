// What every implementation of `Network` must do. Run against the real one and the simulated one.
import { describe, expect, test } from '@jest/globals'
import type { Listener, Network, Socket, SocketHandler } from '@rocketmq-ts/runtime'

/** Runs a test body with a network of its own. */
export type WithNetwork = (body: (network: Network) => Promise<void>) => Promise<void>

const HOST = '127.0.0.1'
const TIMEOUT_MS = 5000
const encoder = new TextEncoder()

/** Records what a socket is told, and lets a test wait for it. */
class Recorder implements SocketHandler {
  readonly chunks: Uint8Array[] = []
  bytes = 0
  drains = 0
  closes: (Error | undefined)[] = []
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = []

  data(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    this.#look()
  }

  drain(): void {
    this.drains += 1
    this.#look()
  }

  close(error?: Error): void {
    this.closes.push(error)
    this.#look()
  }

  get text(): string {
    return new TextDecoder().decode(Buffer.concat(this.chunks))
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve })
      this.#look()
    })
  }

  #look(): void {
    const waiting = this.#waiting
    this.#waiting = waiting.filter(({ holds }) => !holds())
    for (const { holds, resolve } of waiting) if (holds()) resolve()
  }
}

interface Pair {
  readonly listener: Listener
  readonly near: Socket
  readonly far: Socket
}

/** Both ends of a new connection, not started yet. */
async function connectPair(network: Network): Promise<Pair> {
  let accepted: (socket: Socket) => void = () => {}
  const accepting = new Promise<Socket>((resolve) => {
    accepted = resolve
  })
  const listener = await network.listen({ host: HOST, port: 0, accept: accepted })
  const near = await network.connect({ host: HOST, port: listener.address.port, timeoutMs: TIMEOUT_MS })
  return { listener, near, far: await accepting }
}

async function withPair(network: Network, body: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = await connectPair(network)
  try {
    await body(pair)
  } finally {
    pair.near.destroy()
    pair.far.destroy()
    await pair.listener.close()
  }
}

function record(socket: Socket): Recorder {
  const recorder = new Recorder()
  socket.start(recorder)
  return recorder
}

/** Registers the tests of one implementation. */
export function describeNetworkContract(name: string, withNetwork: WithNetwork): void {
  const withSockets = (body: (pair: Pair) => Promise<void>) => (): Promise<void> =>
    withNetwork((network) => withPair(network, body))
  describe(`network (${name})`, () => {
    describeListening(withNetwork)
    describeBytes(withSockets)
    describeEnds(withSockets)
  })
}

function describeListening(withNetwork: WithNetwork): void {
  test('listen: a port in use → address-in-use naming host and port', () =>
    withNetwork(async (network) => {
      const accept = (): void => {}
      const listener = await network.listen({ host: HOST, port: 0, accept })
      const { port } = listener.address
      expect(port).toBeGreaterThan(0)
      await expect(network.listen({ host: HOST, port, accept })).rejects.toMatchObject({
        name: 'NetworkError',
        code: 'address-in-use',
        message: expect.stringContaining(`${HOST}:${port}`),
      })
      await listener.close()
      await (await network.listen({ host: HOST, port, accept })).close()
    }))

  test('connect: nothing listens → refused naming host and port', () =>
    withNetwork(async (network) => {
      const listener = await network.listen({ host: HOST, port: 0, accept() {} })
      const { port } = listener.address
      await listener.close()
      await expect(network.connect({ host: HOST, port, timeoutMs: TIMEOUT_MS })).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining(`${HOST}:${port}`),
      })
    }))

  test('connect: both ends know both addresses', () =>
    withNetwork((network) =>
      withPair(network, async ({ listener, near, far }) => {
        expect(near.remoteAddress).toEqual({ host: HOST, port: listener.address.port })
        expect(far.localAddress).toEqual(near.remoteAddress)
        expect(far.remoteAddress).toEqual(near.localAddress)
        expect(near.localAddress.port).toBeGreaterThan(0)
      }),
    ))

  test('listener: closed → accepted sockets go on', () =>
    withNetwork((network) =>
      withPair(network, async ({ listener, near, far }) => {
        const closing = listener.close()
        const heard = record(far)
        record(near)
        near.write([encoder.encode('still here')])
        await heard.until(() => heard.text === 'still here')
        near.end()
        await heard.until(() => heard.closes.length > 0)
        await closing
      }),
    ))
}

type WithSockets = (body: (pair: Pair) => Promise<void>) => () => Promise<void>

function describeBytes(withSockets: WithSockets): void {
  test(
    'write: bytes of both directions → in order on the other side',
    withSockets(async ({ near, far }) => {
      const [nearHeard, farHeard] = [record(near), record(far)]
      near.write([encoder.encode('a'), encoder.encode(''), encoder.encode('bc')])
      near.write([encoder.encode('d')])
      far.write([encoder.encode('xyz')])
      await farHeard.until(() => farHeard.bytes === 4)
      await nearHeard.until(() => nearHeard.bytes === 3)
      expect(farHeard.text).toBe('abcd')
      expect(nearHeard.text).toBe('xyz')
    }),
  )

  test(
    'start: late → bytes that arrived before are there',
    withSockets(async ({ near, far }) => {
      const nearHeard = record(near)
      near.write([encoder.encode('early')])
      far.write([encoder.encode('ping')])
      await nearHeard.until(() => nearHeard.bytes === 4)
      const farHeard = record(far)
      await farHeard.until(() => farHeard.bytes === 5)
      expect(farHeard.text).toBe('early')
    }),
  )

  test(
    'write: the reader pauses → false, and drain when it goes on; nothing is lost',
    withSockets(async ({ near, far }) => {
      const [nearHeard, farHeard] = [record(near), record(far)]
      far.pause()
      const piece = new Uint8Array(64 * 1024).fill(1)
      let written = 0
      // Kernels buffer some megabytes before the pause of the reader shows.
      for (let count = 0; count < 1000; count += 1) {
        written += piece.length
        if (!near.write([piece])) break
      }
      expect(near.bufferedBytes).toBeGreaterThan(0)
      expect(near.write([piece])).toBe(false)
      written += piece.length
      expect(nearHeard.drains).toBe(0)
      far.resume()
      await farHeard.until(() => farHeard.bytes === written)
      await nearHeard.until(() => nearHeard.drains === 1)
      expect(near.bufferedBytes).toBe(0)
    }),
  )
}

function describeEnds(withSockets: WithSockets): void {
  test(
    'end: what was written before arrives, then both close once without an error',
    withSockets(async ({ near, far }) => {
      const [nearHeard, farHeard] = [record(near), record(far)]
      near.write([new Uint8Array(300_000)])
      near.end()
      near.end()
      expect(near.write([encoder.encode('late')])).toBe(false)
      await farHeard.until(() => farHeard.closes.length > 0)
      await nearHeard.until(() => nearHeard.closes.length > 0)
      expect(farHeard.bytes).toBe(300_000)
      expect(farHeard.closes).toEqual([undefined])
      expect(nearHeard.closes).toEqual([undefined])
      expect(far.write([encoder.encode('late')])).toBe(false)
    }),
  )

  test(
    'destroy: close is told later with the reason, and the other side closes once',
    withSockets(async ({ near, far }) => {
      const [nearHeard, farHeard] = [record(near), record(far)]
      const reason = new Error('enough')
      near.destroy(reason)
      near.destroy()
      expect(nearHeard.closes).toEqual([])
      await nearHeard.until(() => nearHeard.closes.length > 0)
      await farHeard.until(() => farHeard.closes.length > 0)
      expect(nearHeard.closes).toEqual([reason])
      expect(farHeard.closes).toHaveLength(1)
      expect(near.write([encoder.encode('late')])).toBe(false)
    }),
  )

  test(
    'destroy: while being told of data → nothing more is told but close, after the call',
    withSockets(async ({ near, far }) => {
      const order: string[] = []
      const closed = new Promise<void>((resolve) => {
        far.start({
          data() {
            far.destroy()
            order.push('data')
          },
          drain() {},
          close() {
            order.push('close')
            resolve()
          },
        })
      })
      const nearHeard = record(near)
      near.write([encoder.encode('x')])
      await closed
      await nearHeard.until(() => nearHeard.closes.length > 0)
      expect(order).toEqual(['data', 'close'])
    }),
  )
}
