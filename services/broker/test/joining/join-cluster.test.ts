import { expect, test } from '@jest/globals'
import { type ClusterInfo, MqError, subscriptionGroupConfig, topicConfig } from '@rocketmq-ts/model'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createManualEffects } from '@rocketmq-ts/testkit'
import type { PeerSettings } from '../../src/joining/cluster-peers.ts'
import {
  createJoinCluster,
  JOIN_WAIT_MS,
  type JoinClusterDeps,
  nameOf,
  ROUND_PERIOD_MS,
  ROUNDS_MAX,
  type Setting,
  SETTINGS_PER_TURN,
} from '../../src/joining/join-cluster.ts'

const never = () => new Promise<never>(() => {})
const unavailable = async () => {
  throw new MqError('unavailable', 'nobody listens')
}

type Answers = Record<string, () => Promise<PeerSettings>>

function holds(...topics: string[]): () => Promise<PeerSettings> {
  return async () => ({ topics: topics.map((name) => topicConfig(name)), groups: [] })
}

function setUp(answers: Answers, changes: Partial<JoinClusterDeps> = {}) {
  const effects = createManualEffects()
  const here = new Set<string>()
  const events: { event: string }[] = []
  const mark = { set: false }
  const remember = (event: { event: string }): void => void events.push(event)
  const cluster = (): ClusterInfo => ({
    brokerAddrTable: new Map(
      Object.keys(answers).map((name) => [
        name,
        { cluster: 'ours', brokerName: name, brokerAddrs: new Map([[0, name]]), enableActingMaster: false },
      ]),
    ),
    clusterAddrTable: new Map(),
  })
  const join = createJoinCluster({
    clusterName: 'ours',
    brokerName: 'own',
    peers: { clusterInfo: async () => cluster(), settings: (address) => (answers[address] ?? unavailable)() },
    mark: {
      isSet: async () => mark.set,
      set: async () => void (mark.set = true),
      clear: async () => void (mark.set = false),
    },
    isEmpty: () => here.size === 0,
    async apply(settings: readonly Setting[]) {
      for (const setting of settings) here.add(nameOf(setting))
      return { added: settings.length, refused: [] }
    },
    whenDurable: async () => {},
    clock: effects.clock,
    scheduler: effects.scheduler,
    logger: { ...silentLogger, info: remember, warn: remember },
    ...changes,
  })
  async function begun(): Promise<number> {
    const startMs = effects.clock.monotonicMs()
    let tookMs = -1
    void join.begin().then(() => (tookMs = effects.clock.monotonicMs() - startMs))
    await effects.advance(JOIN_WAIT_MS)
    return tookMs
  }
  return { effects, join, here, events, mark, answers, begun, named: () => events.map(({ event }) => event) }
}

test('join: a peer with topics and groups → they are here before the start goes on', async () => {
  const settings = { topics: [topicConfig('T')], groups: [subscriptionGroupConfig('G')] }
  const { begun, here } = setUp({ a: async () => settings })
  expect(await begun()).toBe(0)
  expect([...here]).toEqual(['group G', 'topic T'])
})

test('join: nameservers know no peer → the start goes on at once, and nothing is told', async () => {
  const { begun, named } = setUp({})
  expect(await begun()).toBe(0)
  expect(named()).toEqual([])
})

test('join: a broker that has topics → asks nobody', async () => {
  const { begun, here, mark } = setUp({ a: holds('T') }, { isEmpty: () => false })
  expect(await begun()).toBe(0)
  expect([[...here], mark.set]).toEqual([[], false])
})

test('join: no nameserver answers → the start goes on after its time, and says what to do', async () => {
  const { begun, events } = setUp({}, { peers: { clusterInfo: unavailable, settings: unavailable } })
  const tookMs = await begun()
  expect(tookMs).toBeGreaterThan(JOIN_WAIT_MS / 2)
  expect(events).toEqual([
    { event: 'cluster.join-late', peers: 0, reason: 'nobody listens', remedy: expect.stringMatching(/reached/) },
  ])
})

test('join: peers hang → the start goes on after its time; what they hold comes when they answer', async () => {
  const answers: Answers = { a: never }
  const { begun, join, effects, events, here } = setUp(answers)
  expect(await begun()).toBe(JOIN_WAIT_MS)
  expect(events).toMatchObject([
    { event: 'cluster.join-late', peers: 1, reason: '1 of 1 brokers do not answer in time' },
  ])
  answers['a'] = holds('T')
  join.follow()
  await effects.settle()
  expect([...here]).toEqual(['topic T'])
})

test('join: one peer answers, another hangs → the start waits a moment for it, not for ever', async () => {
  const { begun, here } = setUp({ a: holds('T'), b: never })
  expect(await begun()).toBe(1000)
  expect([...here]).toEqual(['topic T'])
})

test('join: a topic is created by somebody who did not know of this broker → it comes with a later round', async () => {
  const answers: Answers = { a: holds('T') }
  const { begun, join, effects, here, mark, named } = setUp(answers)
  await begun()
  join.follow()
  await effects.advance(ROUND_PERIOD_MS / 2)
  answers['a'] = holds('T', 'Late')
  expect(mark.set).toBe(true)
  await effects.advance(ROUND_PERIOD_MS / 2)
  expect([...here]).toEqual(['topic T', 'topic Late'])
  expect(mark.set).toBe(false)
  expect(named()).toEqual(['cluster.settings-taken', 'cluster.settings-taken', 'cluster.joined'])
})

test('join: a topic is deleted here before it is at its peer → it does not come back', async () => {
  const { begun, join, effects, here } = setUp({ a: holds('T') })
  await begun()
  here.delete('topic T')
  join.follow()
  await effects.advance(2 * ROUND_PERIOD_MS)
  expect(here.size).toBe(0)
})

test('join: the start before was killed half-way → joins again, although topics are here', async () => {
  const { begun, here, mark } = setUp({ a: holds('T', 'U') })
  mark.set = true
  here.add('topic T')
  await begun()
  expect([...here]).toEqual(['topic T', 'topic U'])
})

test('join: a peer never answers → given up after a bound of rounds, with what to do; the next start joins again', async () => {
  let asked = 0
  const silent = () => {
    asked += 1
    return unavailable()
  }
  const { begun, join, effects, events, mark } = setUp({ a: holds('T'), b: silent })
  await begun()
  asked = 0
  join.follow()
  await effects.advance((ROUNDS_MAX + 5) * ROUND_PERIOD_MS)
  expect(asked).toBe(ROUNDS_MAX)
  expect(events.at(-1)).toMatchObject({
    event: 'cluster.join-incomplete',
    peers: 2,
    answered: 1,
    reason: 'b: nobody listens',
  })
  expect(mark.set).toBe(true)
})

test('join: many settings → added in bounded steps, the refused ones are told of once', async () => {
  const names = Array.from({ length: 2 * SETTINGS_PER_TURN + 1 }, (_, index) => `T${index}`)
  const steps: number[] = []
  const { begun, events } = setUp(
    { a: holds(...names) },
    {
      async apply(settings) {
        steps.push(settings.length)
        return { added: settings.length - 1, refused: [`${nameOf(settings[0] as Setting)}: full`] }
      },
    },
  )
  await begun()
  expect(steps).toEqual([SETTINGS_PER_TURN, SETTINGS_PER_TURN, 1])
  expect(events).toEqual([
    { event: 'cluster.settings-taken', peers: 1, added: names.length - 3 },
    { event: 'cluster.settings-refused', count: 3, first: 'topic T0: full' },
  ])
})

test('join: the log takes nothing → told, and tried again', async () => {
  let refuses = true
  const { begun, events, join, effects, mark } = setUp(
    { a: holds('T') },
    {
      async apply(settings) {
        if (refuses) throw new MqError('disk-full', 'no space left')
        return { added: settings.length, refused: [] }
      },
    },
  )
  await begun()
  expect(events.at(-1)).toMatchObject({ event: 'cluster.join-late', reason: 'no space left' })
  refuses = false
  join.follow()
  await effects.advance(ROUND_PERIOD_MS)
  expect(mark.set).toBe(false)
})

test('join: the broker stops while peers hang → the start ends at once, and nothing is asked any more', async () => {
  const { join, effects, here } = setUp({ a: never })
  let over = false
  void join.begin().then(() => (over = true))
  await effects.settle()
  join.stop()
  await effects.settle()
  expect(over).toBe(true)
  join.follow()
  await effects.advance(ROUND_PERIOD_MS)
  expect(here.size).toBe(0)
})
