// What brokers are told of the clients of a proxy.
import { expect, test } from '@jest/globals'
import { ClientType } from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import {
  CLIENT_TOPICS_TOLD_MAX,
  CLIENTS_PER_SYNC_MAX,
  type ClientNews,
  decodeClientNews,
  encodeClientNews,
} from '@rocketmq-ts/remoting'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createClients } from '../../src/sessions/clients.ts'
import { createRoster } from '../../src/upstream/roster.ts'

const PERIOD_MS = 10_000
const CALL = { metadata: new Map([['x-mq-language', 'GO']]), remoteAddress: { host: '10.0.0.9', port: 5000 } }

interface ToldNews extends ClientNews {
  readonly address: string
  readonly isFirst: boolean
}

function createScene() {
  const { clock, scheduler, advance, settle } = createManualEffects()
  const scene = {
    masters: ['a:1'],
    /** Ids that each broker knows. */
    known: new Map<string, Set<string>>(),
    told: [] as ToldNews[],
    failures: [] as unknown[],
    /** Of the next request to the broker. */
    fault: undefined as ((address: string) => Error | undefined) | undefined,
    isFull: false,
  }
  const clients = createClients({
    clock,
    scheduler,
    clientsMax: 100_000,
    expireMs: 120_000,
    onGone: ({ clientId }) => roster.changed(clientId),
    onChanged: ({ clientId }) => roster.changed(clientId),
    onFull() {},
  })
  const roster = createRoster({
    clients,
    teller: {
      masters: () => Promise.resolve(scene.masters),
      async tellClients(address, { isFirst }, news) {
        const fault = scene.fault?.(address)
        if (fault !== undefined) throw fault
        const ids = scene.known.get(address) ?? new Set()
        scene.known.set(address, ids)
        if (isFirst) ids.clear()
        for (const clientId of news.gone) ids.delete(clientId)
        // What is told must be taken.
        for (const { clientId } of decodeClientNews(encodeClientNews(news)).clients) ids.add(clientId)
        scene.told.push({ address, isFirst, ...news })
        return { known: ids.size, isFull: scene.isFull }
      },
    },
    clock,
    scheduler,
    proxyId: 'p1',
    port: () => 8081,
    onFailed: (error) => void scene.failures.push(error),
  })
  const idsAt = (address: string) => [...(scene.known.get(address) ?? [])].toSorted()
  return { scene, clients, roster, advance, settle, idsAt, see: (id: string) => clients.see(id, CALL) }
}

test('roster: clients come, change and leave → every broker knows within a second', async () => {
  const { scene, clients, advance, idsAt, see } = createScene()
  scene.masters = ['a:1', 'b:1']
  const client = see('c1')!
  see('c2')
  await advance(1000)
  expect([idsAt('a:1'), idsAt('b:1')]).toEqual([
    ['c1', 'c2'],
    ['c1', 'c2'],
  ])
  client.clientType = ClientType.PUSH_CONSUMER
  client.group = 'G'
  client.subscriptions = [{ topic: 'T', type: 'TAG', expression: 'x' }]
  clients.changed(client)
  clients.remove('c2')
  await advance(1000)
  expect([idsAt('a:1'), idsAt('b:1')]).toEqual([['c1'], ['c1']])
  expect(scene.told.findLast(({ address }) => address === 'b:1')).toMatchObject({
    isFirst: false,
    gone: ['c2'],
    clients: [
      {
        clientId: 'c1',
        kind: 'PUSH_CONSUMER',
        group: 'G',
        language: 'GO',
        address: '10.0.0.9:5000',
        isReachable: false,
        subscriptions: [{ topic: 'T', type: 'TAG', expression: 'x' }],
      },
    ],
  })
})

test('roster: nothing changes → a broker is told that the proxy is there, nothing else; without clients, nothing', async () => {
  const { scene, clients, advance, see } = createScene()
  see('c1')
  await advance(1000)
  scene.told.length = 0
  await advance(3 * PERIOD_MS)
  expect(scene.told).toHaveLength(3)
  expect(scene.told.every(({ clients: told, gone, isFirst }) => told.length + gone.length === 0 && !isFirst)).toBe(true)
  clients.remove('c1')
  await advance(1000)
  scene.told.length = 0
  await advance(3 * PERIOD_MS)
  expect(scene.told).toEqual([])
})

test('roster: a broker comes, or lost what it was told → it knows all within a period', async () => {
  const { scene, advance, idsAt, see } = createScene()
  see('c1')
  see('c2')
  await advance(1000)
  scene.masters = ['a:1', 'b:1']
  scene.known.get('a:1')?.clear()
  await advance(PERIOD_MS)
  expect([idsAt('a:1'), idsAt('b:1')]).toEqual([
    ['c1', 'c2'],
    ['c1', 'c2'],
  ])
})

test('roster: a request fails → the broker is told what it missed, and the others at once', async () => {
  const { scene, clients, advance, idsAt, see } = createScene()
  scene.masters = ['a:1', 'b:1']
  see('c1')
  await advance(1000)
  scene.fault = (address) => (address === 'a:1' ? new MqError('timeout', 'no answer') : undefined)
  see('c2')
  clients.remove('c1')
  await advance(1000)
  expect([idsAt('a:1'), idsAt('b:1')]).toEqual([['c1'], ['c2']])
  expect(scene.failures).toHaveLength(1)
  scene.fault = undefined
  await advance(PERIOD_MS)
  expect(idsAt('a:1')).toEqual(['c2'])
})

test('roster: a full broker → it is not told from the start again and again', async () => {
  const { scene, advance, see } = createScene()
  see('c1')
  await advance(1000)
  scene.isFull = true
  scene.known.get('a:1')?.clear()
  scene.told.length = 0
  await advance(2 * PERIOD_MS)
  expect(scene.told.map(({ isFirst }) => isFirst)).toEqual([false, false])
})

test("roster: Apache's broker → asked again after five minutes, not each period", async () => {
  const { scene, clients, advance, see } = createScene()
  let asked = 0
  scene.fault = () => {
    asked += 1
    return new MqError('not-implemented', 'request code 770001 is not supported')
  }
  const periods = async (count: number) => {
    for (let period = 0; period < count; period += 1) {
      clients.changed(see('c1')!)
      await advance(PERIOD_MS)
    }
  }
  await periods(30)
  expect([asked, scene.failures]).toEqual([1, []])
  await periods(3)
  expect(asked).toBe(2)
})

test.each([0, 1, 2])('roster: more clients than one request takes, by %i → all are told', async (more) => {
  const { scene, advance, idsAt, see } = createScene()
  const count = CLIENTS_PER_SYNC_MAX - 1 + more
  for (let index = 0; index < count; index += 1) see(`c${index}`)
  await advance(1000)
  expect(idsAt('a:1')).toHaveLength(count)
  expect(scene.told.filter(({ clients }) => clients.length > 0)).toHaveLength(more === 2 ? 2 : 1)
})

test('roster: more changes than are remembered → a broker that missed them is told from the start', async () => {
  const { scene, clients, advance, idsAt, see } = createScene()
  see('c0')
  await advance(1000)
  scene.fault = () => new MqError('timeout', 'no answer')
  for (let index = 0; index < 20_000; index += 1) {
    see(`c${index}`)
    if (index % 3 === 0) clients.remove(`c${index}`)
  }
  scene.fault = undefined
  await advance(PERIOD_MS)
  expect(idsAt('a:1')).toHaveLength(clients.size)
  expect(idsAt('a:1')).not.toContain('c0')
})

test('roster: the longest texts and most topics of as many clients as one request takes → it is taken', async () => {
  const { scene, clients, advance, idsAt, see } = createScene()
  const text = '\u0001'.repeat(70_000)
  for (let index = 0; index < CLIENTS_PER_SYNC_MAX; index += 1) {
    const client = see(`c${index}`)!
    client.language = text
    client.version = text
    client.topics = Array.from({ length: CLIENT_TOPICS_TOLD_MAX + 1 }, () => 'T'.repeat(127))
    client.subscriptions = client.topics.map((topic) => ({ topic, type: 'SQL92', expression: text }))
    clients.changed(client)
  }
  await advance(1000)
  expect(idsAt('a:1')).toHaveLength(CLIENTS_PER_SYNC_MAX)
  expect(scene.failures).toEqual([])
})
