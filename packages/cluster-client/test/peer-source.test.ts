import { expect, test } from '@jest/globals'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createDirectPeers, type Liveness, type Peer, RequestCode, type RequestHandler } from '@rocketmq-ts/remoting'
import { createPeerSource } from '../src/index.ts'

function setUp(options: { readonly addressesMax?: number } = {}) {
  const effects = createManualEffects()
  const connects: { readonly address: string; readonly open: () => Peer; readonly fail: () => void }[] = []
  const peers = createPeerSource({
    clock: effects.clock,
    failureMs: 200,
    ...options,
    connect: (address) =>
      new Promise((resolve, reject) => {
        connects.push({
          address,
          open() {
            const [peer] = createDirectPeers({ ...effects, handlerA: () => {}, handlerB: () => {} })
            resolve(peer)
            return peer
          },
          fail: () => reject(new Error(`refused by ${address}`)),
        })
      }),
  })
  return { effects, connects, peers }
}

test('peer source: several callers at once → one connect, one peer; later callers get it too', async () => {
  const { connects, peers } = setUp()
  const asked = [peers.peer('a:1'), peers.peer('a:1')]
  const peer = connects[0]?.open()
  expect(await Promise.all(asked)).toEqual([peer, peer])
  expect(await peers.peer('a:1')).toBe(peer)
  expect(connects).toHaveLength(1)
})

test('peer source: a peer that closed → replaced on demand', async () => {
  const { effects, connects, peers } = setUp()
  const asked = peers.peer('a:1')
  connects[0]?.open()
  const first = await asked
  first.close()
  await effects.settle()
  const again = peers.peer('a:1')
  connects[1]?.open()
  expect(await again).not.toBe(first)
})

test('peer source: a connect that fails → the same error for a while, then a new attempt', async () => {
  const { effects, connects, peers } = setUp()
  const asked = peers.peer('a:1')
  connects[0]?.fail()
  await expect(asked).rejects.toThrow('refused by a:1')
  await expect(peers.peer('a:1')).rejects.toThrow('refused by a:1')
  expect(connects).toHaveLength(1)
  await effects.advance(200)
  const again = peers.peer('a:1')
  connects[1]?.open()
  await again
  expect(connects).toHaveLength(2)
})

test('peer source: more addresses than allowed → the least recently used connection is closed', async () => {
  const { effects, connects, peers } = setUp({ addressesMax: 2 })
  const open = async (address: string): Promise<Peer> => {
    const asked = peers.peer(address)
    connects.at(-1)?.open()
    return asked
  }
  const [a, b] = [await open('a:1'), await open('b:1')]
  await peers.peer('a:1')
  await open('c:1')
  const closed: string[] = []
  a.onClose(() => closed.push('a'))
  b.onClose(() => closed.push('b'))
  await effects.settle()
  expect(closed).toEqual(['b'])
})

test('peer source: all allowed addresses still connecting → busy', async () => {
  const { peers } = setUp({ addressesMax: 1 })
  peers.peer('a:1').catch(() => {})
  await expect(peers.peer('b:1')).rejects.toMatchObject({ code: 'busy' })
})

test('peer source: close → peers are closed, a connect under way too, and callers get closed', async () => {
  const { effects, connects, peers } = setUp()
  const first = peers.peer('a:1')
  const peer = connects[0]?.open()
  await first
  const second = peers.peer('b:1')
  peers.close()
  const late = connects[1]?.open()
  await expect(second).rejects.toMatchObject({ code: 'closed' })
  await expect(peers.peer('a:1')).rejects.toMatchObject({ code: 'closed' })
  const closed: unknown[] = []
  for (const one of [peer, late]) one?.onClose(() => closed.push(one))
  await effects.settle()
  expect(closed).toHaveLength(2)
})

test('peer source: opened → the peer while it is open, and nothing while it connects, after it closed or failed', async () => {
  const { effects, connects, peers } = setUp()
  expect(peers.opened('a:1')).toBeUndefined()
  const asked = peers.peer('a:1')
  expect(peers.opened('a:1')).toBeUndefined()
  const peer = connects[0]?.open()
  await asked
  expect(peers.opened('a:1')).toBe(peer)
  peer?.close()
  await effects.settle()
  expect(peers.opened('a:1')).toBeUndefined()
  const failing = peers.peer('a:1')
  connects[1]?.fail()
  await expect(failing).rejects.toThrow('refused')
  expect(peers.opened('a:1')).toBeUndefined()
  expect(connects).toHaveLength(2)
})

test('peer source: opened → counts as a use, so that another connection is the one that is closed', async () => {
  const { connects, peers } = setUp({ addressesMax: 2 })
  for (const address of ['a:1', 'b:1']) {
    const asked = peers.peer(address)
    connects.at(-1)?.open()
    await asked
  }
  expect(peers.opened('a:1')).toBeDefined()
  const asked = peers.peer('c:1')
  connects.at(-1)?.open()
  await asked
  expect(peers.opened('a:1')).toBeDefined()
  expect(peers.opened('b:1')).toBeUndefined()
})

/** Peers whose liveness the test decides, by number of the connection; `closed` are the numbers of those that closed. */
function setUpLiveness({ isWatching = false } = {}) {
  const effects = createManualEffects()
  const liveness: Liveness[] = []
  const closed: number[] = []
  const asked: { readonly connection: number; readonly code: number }[] = []
  const peers = createPeerSource({
    clock: effects.clock,
    scheduler: isWatching ? effects.scheduler : undefined,
    async connect() {
      const number = liveness.length
      liveness.push('new')
      const handlerB: RequestHandler = ({ code }) => void asked.push({ connection: number, code })
      const [peer] = createDirectPeers({ ...effects, handlerA: () => {}, handlerB })
      Object.defineProperty(peer, 'liveness', { get: () => liveness[number] })
      peer.onClose(() => closed.push(number))
      return peer
    },
  })
  return { effects, liveness, closed, asked, peers }
}

test('peer source: a peer that is silent → replaced, and what waits on it goes on', async () => {
  const { effects, liveness, closed, peers } = setUpLiveness()
  const first = await peers.peer('a:1')
  liveness[0] = 'silent'
  expect(peers.opened('a:1')).toBeUndefined()
  expect(await peers.peer('a:1')).not.toBe(first)
  peers.opened('a:1')
  await effects.advance(5000)
  peers.opened('a:1')
  await effects.settle()
  expect({ liveness, closed }).toEqual({ liveness: ['silent', 'new'], closed: [] })
})

test('peer source: a new peer is answered for a second, the former one is silent still → the former one is closed', async () => {
  const { effects, liveness, closed, peers } = setUpLiveness()
  await peers.peer('a:1')
  liveness[0] = 'silent'
  await peers.peer('a:1')
  liveness[1] = 'well'
  peers.opened('a:1')
  await effects.advance(999)
  peers.opened('a:1')
  await effects.settle()
  expect(closed).toEqual([])
  await effects.advance(1)
  peers.opened('a:1')
  await effects.settle()
  expect(closed).toEqual([0])
})

test('peer source: the other side only hung → the former peer stays until the source is closed', async () => {
  const { effects, liveness, closed, peers } = setUpLiveness()
  await peers.peer('a:1')
  liveness[0] = 'silent'
  await peers.peer('a:1')
  liveness.fill('well')
  peers.opened('a:1')
  await effects.advance(5000)
  peers.opened('a:1')
  await effects.settle()
  expect(closed).toEqual([])
  peers.close()
  await effects.settle()
  expect(closed).toEqual([0, 1])
})

test('peer source: silent again and again → eight former peers at most, the oldest is closed', async () => {
  const { effects, liveness, closed, peers } = setUpLiveness()
  for (let count = 0; count < 11; count += 1) {
    await peers.peer('a:1')
    liveness.fill('silent')
  }
  await effects.settle()
  expect(closed).toEqual([0, 1])
})

test('peer source: the new peer is lost → the former ones are closed, too', async () => {
  const { effects, liveness, closed, peers } = setUpLiveness()
  await peers.peer('a:1')
  liveness[0] = 'silent'
  const second = await peers.peer('a:1')
  second.close()
  await effects.settle()
  expect(closed).toEqual([1, 0])
  expect(peers.opened('a:1')).toBeUndefined()
})

test('peer source: polls are held and nothing comes → probed twice a second, until something comes', async () => {
  const { effects, liveness, asked, peers } = setUpLiveness({ isWatching: true })
  await peers.peer('a:1')
  liveness[0] = 'quiet'
  await effects.advance(1000)
  const probe = { connection: 0, code: RequestCode.HEART_BEAT }
  expect(asked).toEqual([probe, probe])
  liveness[0] = 'well'
  await effects.advance(60_000)
  expect(asked).toHaveLength(2)
})

test('peer source: silent, and nobody asks for anything → replaced, probed, and what waits is given up', async () => {
  const { effects, liveness, closed, asked, peers } = setUpLiveness({ isWatching: true })
  await peers.peer('a:1')
  liveness[0] = 'silent'
  await effects.advance(500)
  expect({ asked, closed }).toEqual({ asked: [{ connection: 1, code: RequestCode.HEART_BEAT }], closed: [] })
  liveness[1] = 'well'
  await effects.advance(1500)
  expect({ connections: liveness.length, closed }).toEqual({ connections: 2, closed: [0] })
})

test('peer source: closed → no connection is looked at any more', async () => {
  const { effects, liveness, asked, peers } = setUpLiveness({ isWatching: true })
  await peers.peer('a:1')
  liveness[0] = 'quiet'
  peers.close()
  await effects.advance(60_000)
  expect(asked).toEqual([])
})
