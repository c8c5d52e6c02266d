import { expect, test } from '@jest/globals'
import { MqError, type TopicRouteData } from '@rocketmq-ts/model'
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createRouteCache, REFRESH_AGAIN_MS, type RouteCacheOptions } from '../src/index.ts'

function routeNamed(name: string): TopicRouteData {
  return { queueDatas: [], brokerDatas: [], filterServerTable: new Map(), orderTopicConf: name }
}

function routeOver(...brokerNames: readonly string[]): TopicRouteData {
  const brokerDatas = brokerNames.map((brokerName) => ({
    cluster: 'c',
    brokerName,
    brokerAddrs: new Map([[0, brokerName]]),
    enableActingMaster: false,
  }))
  return { ...routeNamed(''), brokerDatas }
}

interface Question {
  readonly topic: string
  readonly answer: (route: TopicRouteData | undefined) => Promise<void>
  readonly fail: () => Promise<void>
}

function setUp(options: Partial<RouteCacheOptions> = {}) {
  const effects = createManualEffects()
  const asked: Question[] = []
  const cache = createRouteCache({
    clock: effects.clock,
    scheduler: effects.scheduler,
    random: { fraction: () => 0, integer: () => 0, bytes: (length) => new Uint8Array(length) },
    nameServers: {
      topicRoute: (topic) =>
        new Promise((resolve, reject) => {
          asked.push({
            topic,
            async answer(route) {
              resolve(route)
              await effects.settle()
            },
            async fail() {
              reject(new MqError('unavailable', 'no nameserver answers'))
              await effects.settle()
            },
          })
        }),
    },
    ...options,
  })
  const name = async (topic: string): Promise<string | undefined> => (await cache.route(topic))?.orderTopicConf
  const last = (): Question => asked.at(-1) as Question
  return { effects, asked, last, cache, name }
}

test('route cache: callers at the same time → one request, one answer', async () => {
  const { asked, last, name } = setUp()
  const waiting = [name('T'), name('T')]
  await last().answer(routeNamed('1'))
  expect(await Promise.all(waiting)).toEqual(['1', '1'])
  expect(await name('T')).toBe('1')
  expect(asked).toHaveLength(1)
})

test('route cache: a route in use → fetched anew every 20 s, by nobody who waits', async () => {
  const { effects, asked, last, name } = setUp()
  const first = name('T')
  await last().answer(routeNamed('1'))
  await first
  await effects.advance(19_999)
  expect(asked).toHaveLength(1)
  await effects.advance(1)
  expect(asked).toHaveLength(2)
  expect(await name('T')).toBe('1')
  await last().answer(routeNamed('2'))
  expect(await name('T')).toBe('2')
  await effects.advance(20_000)
  expect(asked).toHaveLength(3)
})

test('route cache: many caches of the same age → they do not all ask at the same moment', async () => {
  const { effects, asked, last, name } = setUp({
    random: { fraction: () => 0.999, integer: () => 0, bytes: (length) => new Uint8Array(length) },
  })
  const first = name('T')
  await last().answer(routeNamed('1'))
  await first
  await effects.advance(16_100)
  expect(asked).toHaveLength(2)
})

test('route cache: nobody asked for a minute → not fetched any more; the next caller waits for a new one', async () => {
  const { effects, asked, last, name } = setUp()
  const first = name('T')
  await last().answer(routeNamed('1'))
  await first
  for (let round = 0; round < 2; round += 1) {
    await effects.advance(20_000)
    await last().answer(routeNamed('1'))
  }
  await effects.advance(3_600_000)
  expect(asked).toHaveLength(3)
  const next = name('T')
  await last().answer(routeNamed('2'))
  expect(await next).toBe('2')
})

test('route cache: nobody asked for a minute, and nameservers hang or fail → the old one, after half a second at most', async () => {
  for (const fails of [true, false]) {
    const { effects, last, name } = setUp({ idleMs: 1 })
    const first = name('T')
    await last().answer(routeNamed('1'))
    await first
    await effects.advance(3_600_000)
    let served: string | undefined
    void name('T').then((found) => (served = found))
    if (fails) await last().fail()
    else await effects.advance(500)
    expect(served).toBe('1')
  }
})

test('route cache: no nameserver answers for hours → the old route is served at once, with a pause between attempts', async () => {
  const { effects, asked, last, name } = setUp()
  const first = name('T')
  await last().answer(routeNamed('1'))
  await first
  await effects.advance(20_000)
  await last().fail()
  expect(await name('T')).toBe('1')
  expect(asked).toHaveLength(2)
  await effects.advance(1_000)
  expect(asked).toHaveLength(3)
  await last().fail()
  await effects.advance(3_600_000)
  expect(await name('T')).toBe('1')
  await last().answer(routeNamed('2'))
  expect(await name('T')).toBe('2')
})

test('route cache: a broker of the route does not answer → fetched anew at once, then with pauses; served meanwhile', async () => {
  const { effects, asked, last, cache, name } = setUp()
  const first = name('T')
  await last().answer(routeNamed('1'))
  await first
  await effects.advance(1_000)
  for (let call = 0; call < 10; call += 1) cache.refresh('T')
  expect(asked).toHaveLength(2)
  expect(await name('T')).toBe('1')
  await last().answer(routeNamed('2'))
  expect(await name('T')).toBe('2')
  for (let call = 0; call < 10; call += 1) cache.refresh('T')
  expect(asked).toHaveLength(2)
  await effects.advance(REFRESH_AGAIN_MS)
  expect(asked).toHaveLength(3)
})

test('route cache: a broker has left the route → asked again every 2 s for a minute, so that its return is seen soon', async () => {
  const { effects, asked, last, cache, name } = setUp()
  const first = name('T')
  await last().answer(routeOver('a', 'b'))
  await first
  await effects.advance(20_000)
  await last().answer(routeOver('a'))
  await effects.advance(2_000)
  expect(asked).toHaveLength(3)
  await last().answer(routeOver('a', 'b'))
  expect(cache.known('T')?.brokerDatas).toHaveLength(2)
  for (let ms = 2_000; ms < 60_000; ms += 2_000) {
    cache.known('T')
    await effects.advance(2_000)
    await last().answer(routeOver('a', 'b'))
  }
  const answered = asked.length
  await effects.advance(19_999)
  expect(asked).toHaveLength(answered)
  await effects.advance(1)
  expect(asked).toHaveLength(answered + 1)
})

test('route cache: more topics are due than may be fetched at once → the others a little later', async () => {
  const { effects, asked, name } = setUp({ refreshesMax: 2 })
  for (const topic of ['A', 'B', 'C']) {
    const route = name(topic)
    await asked.at(-1)?.answer(routeNamed(topic))
    await route
  }
  await effects.advance(20_000)
  expect(asked).toHaveLength(5)
  const due = asked[3] as Question
  await due.answer(routeNamed(due.topic))
  await effects.advance(1_000)
  expect(asked.map(({ topic }) => topic).sort()).toEqual(['A', 'A', 'B', 'B', 'C', 'C'])
})

test('route cache: closed, or a topic left it → nothing is fetched any more', async () => {
  const { effects, asked, last, cache, name } = setUp({ entriesMax: 1 })
  for (const topic of ['A', 'B']) {
    const route = name(topic)
    await last().answer(routeNamed(topic))
    await route
  }
  await effects.advance(20_000)
  expect(asked.map(({ topic }) => topic)).toEqual(['A', 'B', 'B'])
  await last().answer(routeNamed('B'))
  cache.close()
  await effects.advance(60_000)
  expect(asked).toHaveLength(3)
})

test('route cache: a nameserver that has just started knows no topics → a known route is served for 45 s', async () => {
  const { effects, asked, last, name } = setUp()
  const first = name('T')
  await last().answer(routeNamed('1'))
  await first
  await effects.advance(20_000)
  for (let second = 0; second < 45; second += 1) {
    expect(await name('T')).toBe('1')
    await last().answer(undefined)
    await effects.advance(1_000)
    expect(asked).toHaveLength(second + 3)
  }
  expect(await name('T')).toBe('1')
  await last().answer(undefined)
  expect(await name('T')).toBeUndefined()
})

test('route cache: it knows the topic again in that time → nothing happened', async () => {
  const { effects, last, name } = setUp()
  const first = name('T')
  await last().answer(routeNamed('1'))
  await first
  for (const answer of [undefined, routeNamed('2'), undefined]) {
    await effects.advance(40_000)
    await name('T')
    await last().answer(answer)
  }
  expect(await name('T')).toBe('2')
})

test('route cache: no such topic → believed for one second', async () => {
  const { effects, asked, last, name } = setUp()
  const first = name('T')
  await last().answer(undefined)
  expect(await first).toBeUndefined()
  await effects.advance(999)
  expect(await name('T')).toBeUndefined()
  expect(asked).toHaveLength(1)
  await effects.advance(1)
  const second = name('T')
  await last().answer(routeNamed('1'))
  expect(await second).toBe('1')
})

test('route cache: a failure with nothing cached → every caller hears of it, the next one asks again', async () => {
  const { asked, last, name } = setUp()
  const waiting = [name('T'), name('T')].map((promise) => promise.catch((error: MqError) => error.code))
  await last().fail()
  expect(await Promise.all(waiting)).toEqual(['unavailable', 'unavailable'])
  name('T').catch(() => {})
  expect(asked).toHaveLength(2)
})

test('route cache: invalidate → the next caller waits for a nameserver', async () => {
  const { last, cache, name } = setUp()
  const first = name('T')
  await last().answer(routeNamed('1'))
  await first
  cache.invalidate('T')
  const second = name('T')
  await last().answer(routeNamed('2'))
  expect(await second).toBe('2')
  cache.invalidate('T')
  const third = name('T')
  await last().answer(undefined)
  expect(await third).toBeUndefined()
})

test('route cache: more topics than allowed → the least recently used is forgotten', async () => {
  const { asked, last, name } = setUp({ entriesMax: 2 })
  for (const topic of ['A', 'B']) {
    const route = name(topic)
    await last().answer(routeNamed(topic))
    await route
  }
  await name('A')
  const third = name('C')
  await last().answer(routeNamed('C'))
  await third
  await name('A')
  expect(asked.map(({ topic }) => topic)).toEqual(['A', 'B', 'C'])
  name('B').catch(() => {})
  expect(asked).toHaveLength(4)
})

test('route cache: known → the route that would be served at once, and nothing where a caller would have to wait', async () => {
  const looked: string[] = []
  const { effects, asked, last, cache, name } = setUp({ onLookup: (result) => looked.push(result) })
  const known = (): string | undefined => cache.known('T')?.orderTopicConf
  expect(known()).toBeUndefined()
  expect(asked).toHaveLength(0)
  const first = name('T')
  expect(known()).toBeUndefined()
  await last().answer(routeNamed('1'))
  expect(await first).toBe('1')
  expect(known()).toBe('1')
  expect(looked).toEqual(['miss', 'hit'])
  cache.invalidate('T')
  expect(known()).toBeUndefined()
  const again = name('T')
  await last().answer(routeNamed('2'))
  expect(await again).toBe('2')
  // Also who only looks keeps the route in use, so that it is fetched anew.
  for (let round = 1; round <= 5; round += 1) {
    await effects.advance(20_000)
    expect(asked).toHaveLength(2 + round)
    await last().answer(routeNamed('2'))
    expect(known()).toBe('2')
  }
})

test('route cache: known of a topic that does not exist → undefined, as often as asked', async () => {
  const { asked, last, cache, name } = setUp()
  const first = name('T')
  await last().answer(undefined)
  expect(await first).toBeUndefined()
  expect(cache.known('T')).toBeUndefined()
  expect(asked).toHaveLength(1)
})
