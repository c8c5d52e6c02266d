import { expect, test } from '@jest/globals'
import { topicConfig } from '@rocketmq-ts/model'
import * as fc from 'fast-check'
import { RouteTable, type RegisterOutcome, type RouteTableOptions } from '../src/route-table.ts'
import { registrationOf, type RegistrationChanges } from './registrations-of.ts'

function tableOf(options: Partial<RouteTableOptions> = {}) {
  const table = new RouteTable({ brokersMax: 10, topicsMax: 100, deleteTopicsNotAnnounced: false, ...options })
  const register = (changes?: RegistrationChanges): RegisterOutcome => table.register(registrationOf(changes))
  const perm = (topic: string): number | undefined => table.route(topic)?.queueDatas[0]?.perm
  return { table, register, perm }
}

test('routes: a master registers → its topics lead to it', () => {
  const { table, register } = tableOf()
  const outcome = register({
    topics: [topicConfig('A', { readQueueNums: 8, writeQueueNums: 4, topicSysFlag: 1 }), 'B'],
  })
  expect(outcome).toEqual({ kind: 'registered', isNew: true, left: [], master: undefined })
  expect(table.route('A')).toEqual({
    queueDatas: [{ brokerName: 'broker-a', readQueueNums: 8, writeQueueNums: 4, perm: 6, topicSysFlag: 1 }],
    brokerDatas: [
      {
        cluster: 'C',
        brokerName: 'broker-a',
        brokerAddrs: new Map([[0, 'host-a:10911']]),
        enableActingMaster: false,
      },
    ],
    filterServerTable: new Map(),
  })
  expect(table.route('unknown')).toBeUndefined()
  expect(table.topics()).toEqual(['A', 'B'])
})

test('routes: a topic on two brokers → both, by name, whoever registered first', () => {
  const { table, register } = tableOf()
  register({ name: 'broker-b', addr: 'host-b:1' })
  register({ name: 'broker-a', addr: 'host-a:1' })
  expect(table.route('A')?.brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-a', 'broker-b'])
  expect(table.clusterInfo().clusterAddrTable).toEqual(new Map([['C', ['broker-b', 'broker-a']]]))
})

test('registration: a slave joins → one broker name with two addresses, and the slave learns of its master', () => {
  const { table, register } = tableOf()
  register({ addr: 'm:1', ha: 'm:2' })
  expect(register({ id: 1, addr: 's:1' })).toMatchObject({
    isNew: true,
    master: { brokerAddr: 'm:1', haServerAddr: 'm:2' },
  })
  expect(table.route('A')?.brokerDatas[0]?.brokerAddrs).toEqual(
    new Map([
      [0, 'm:1'],
      [1, 's:1'],
    ]),
  )
  expect(table.route('A')?.queueDatas).toHaveLength(1)
  expect(table.brokerCount).toBe(2)
})

test('registration: the topics of a slave beside its master → not taken', () => {
  const { table, register } = tableOf()
  register({ topics: ['A', 'B'] })
  register({ id: 1, addr: 's:1', topics: ['A', 'B', 'only-on-slave'] })
  expect(table.route('only-on-slave')).toBeUndefined()
})

test('registration: again with the same version → changes of a topic are not looked at, new topics are', () => {
  const { table, register, perm } = tableOf()
  register({ topics: ['A', 'B'] })
  expect(register({ topics: [topicConfig('A', { perm: 4 }), 'N'] })).toMatchObject({ isNew: false })
  expect(perm('A')).toBe(6)
  expect(table.route('N')).toBeDefined()
})

test('registration: again with another version, also an older one → the topics are taken', () => {
  const { register, perm } = tableOf()
  register({ version: { counter: 5 } })
  register({ version: { counter: 4 }, topics: [topicConfig('A', { perm: 4 })] })
  expect(perm('A')).toBe(4)
})

test('registration: one topic of a registered broker → added, the others stay', () => {
  const { table, register } = tableOf()
  register()
  register({ version: { counter: 2 }, topics: ['N'] })
  expect(table.topics()).toEqual(['A', 'B', 'N'])
})

test('registration: one topic as the first of its id → incomplete, and nothing changes', () => {
  const { table, register } = tableOf()
  expect(register({ topics: ['A'] })).toEqual({ kind: 'incomplete' })
  expect(table.brokerCount).toBe(0)
  expect(table.clusterInfo().brokerAddrTable.size).toBe(0)
})

test('registration: a change from an address that is not registered → incomplete: it must announce all first', () => {
  const { table, register } = tableOf()
  expect(register({ isIncremental: true })).toEqual({ kind: 'incomplete' })
  register({ addr: 'other:1' })
  expect(register({ isIncremental: true, version: { counter: 2 } })).toEqual({ kind: 'incomplete' })
  expect(table.route('A')?.brokerDatas[0]?.brokerAddrs).toEqual(new Map([[0, 'other:1']]))
})

test('registration: a change, where topics that are not announced are removed → the others stay', () => {
  const { table, register, perm } = tableOf({ deleteTopicsNotAnnounced: true })
  register()
  register({ isIncremental: true, version: { counter: 2 }, topics: [topicConfig('A', { perm: 4 }), 'N'] })
  expect([table.topics(), perm('A')]).toEqual([['A', 'B', 'N'], 4])
  register({ version: { counter: 3 }, topics: ['A', 'N'] })
  expect(table.topics()).toEqual(['A', 'N'])
})

test('registration: no topics at all → registered', () => {
  const { table, register } = tableOf()
  expect(register({ topics: [] })).toMatchObject({ kind: 'registered' })
  expect(table.brokerCount).toBe(1)
})

test('registration: an id held by another address with a newer state → outdated, the holder stays', () => {
  const { table, register } = tableOf()
  register({ addr: 'new:1', version: { stateVersion: 2 } })
  expect(register({ addr: 'old:1', version: { stateVersion: 1, counter: 9 } })).toEqual({
    kind: 'outdated',
    holder: 'new:1',
    left: [],
  })
  expect(table.route('A')?.brokerDatas[0]?.brokerAddrs).toEqual(new Map([[0, 'new:1']]))
})

test('registration: an outdated address under another id → it leaves', () => {
  const { table, register } = tableOf()
  register({ addr: 'new:1', version: { stateVersion: 2 } })
  register({ id: 1, addr: 'old:1' })
  expect(register({ id: 0, addr: 'old:1', version: { stateVersion: 1 } })).toMatchObject({ left: ['old:1'] })
  expect(table.brokerCount).toBe(1)
})

test('registration: an id held by another address with an equal or older state → replaced', () => {
  const { table, register } = tableOf()
  register({ addr: 'old:1' })
  expect(register({ addr: 'new:1' })).toEqual({ kind: 'registered', isNew: true, left: ['old:1'], master: undefined })
  expect(table.route('A')?.brokerDatas[0]?.brokerAddrs).toEqual(new Map([[0, 'new:1']]))
})

test('registration: a slave becomes the master → its old id is free', () => {
  const { table, register } = tableOf()
  register({ addr: 'm:1' })
  register({ id: 1, addr: 's:1' })
  table.remove('broker-a', 'm:1')
  expect(register({ id: 0, addr: 's:1', version: { stateVersion: 1 } })).toMatchObject({ isNew: false, left: [] })
  expect(table.route('A')?.brokerDatas[0]?.brokerAddrs).toEqual(new Map([[0, 's:1']]))
  expect(table.brokerCount).toBe(1)
})

test('leaving: the master of two addresses → the topics stay, readable from the slave', () => {
  const { table, register, perm } = tableOf()
  register({ addr: 'm:1' })
  register({ id: 1, addr: 's:1' })
  expect(table.remove('broker-a', 'm:1')).toBe(true)
  expect(table.route('A')?.brokerDatas[0]?.brokerAddrs).toEqual(new Map([[1, 's:1']]))
  expect(perm('A')).toBe(6)
})

test('leaving: the last address → the topics go, unless another broker has them', () => {
  const { table, register } = tableOf()
  register({ topics: ['A', 'B'] })
  register({ name: 'broker-b', addr: 'b:1', topics: ['B', 'D'] })
  table.remove('broker-a', 'host-a:10911')
  expect(table.topics()).toEqual(['B', 'D'])
  expect(table.route('B')?.queueDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-b'])
  expect(table.remove('broker-a', 'host-a:10911')).toBe(false)
})

test('leaving: an address that is not this broker name → nothing changes', () => {
  const { table, register } = tableOf()
  register()
  expect(table.remove('broker-a', 'other:1')).toBe(false)
  expect(table.remove('broker-x', 'host-a:10911')).toBe(false)
  expect(table.brokerCount).toBe(1)
})

test('acting master: the master leaves → nobody can write, until a master is back', () => {
  const { table, register, perm } = tableOf()
  register({ addr: 'm:1', acting: true })
  register({ id: 1, addr: 's:1', acting: true })
  table.remove('broker-a', 'm:1')
  expect(perm('A')).toBe(4)
  register({ id: 1, addr: 's:1', acting: true, version: { counter: 2 } })
  expect(perm('A')).toBe(4)
  register({ addr: 'm:1', acting: true, version: { counter: 2 } })
  expect(perm('A')).toBe(6)
})

test('acting master: a slave from before 5.0 alone → its topics are not taken', () => {
  const { table, register } = tableOf()
  register({ id: 1, addr: 's:1', acting: undefined })
  expect(table.topicCount).toBe(0)
  expect(table.brokerCount).toBe(1)
})

test('topics not announced: with the switch → removed, without it → kept', () => {
  const kept = tableOf()
  kept.register({ topics: ['A', 'B'] })
  kept.register({ topics: ['A', 'D'], version: { counter: 2 } })
  expect(kept.table.topics()).toEqual(['A', 'B', 'D'])

  const removed = tableOf({ deleteTopicsNotAnnounced: true })
  removed.register({ topics: ['A', 'B'] })
  removed.register({ topics: ['A', 'D'], version: { counter: 2 } })
  expect(removed.table.topics()).toEqual(['A', 'D'])
})

test('bounds: one broker or topic too many → full, naming the bound, and nothing changes', () => {
  const { table, register } = tableOf({ brokersMax: 1, topicsMax: 3 })
  register()
  expect(register({ name: 'broker-b', addr: 'b:1' })).toEqual({ kind: 'full', bound: 'brokers', limit: 1 })
  expect(register({ topics: ['D', 'E'] })).toEqual({ kind: 'full', bound: 'topics', limit: 3 })
  expect(table.topics()).toEqual(['A', 'B'])
  expect(register({ topics: ['A', 'D'] })).toMatchObject({ kind: 'registered' })
})

test('cluster: a broker name moves to another cluster → listed there only', () => {
  const { table, register } = tableOf()
  register()
  register({ cluster: 'D' })
  expect(table.clusterInfo().clusterAddrTable).toEqual(new Map([['D', ['broker-a']]]))
})

test('data version: of a registered address → what it announced last', () => {
  const { table, register } = tableOf()
  register({ version: { counter: 7 } })
  expect(table.dataVersionOf('broker-a', 'host-a:10911')).toEqual({ stateVersion: 0, counter: 7, timestamp: 1 })
  expect(table.dataVersionOf('broker-a', 'other:1')).toBeUndefined()
})

/** The same rules, written as plainly as possible: masters only, every state found by looking through all of it. */
class Model {
  readonly members: { name: string; id: number; addr: string }[] = []
  readonly topics: { name: string; topic: string }[] = []

  register(name: string, id: number, addr: string, topics: readonly string[]): void {
    const isFirst = !this.members.some((member) => member.name === name && member.id === id)
    if (isFirst && topics.length === 1) return
    this.#drop((member) => member.name === name && (member.addr === addr || member.id === id))
    this.members.push({ name, id, addr })
    if (id !== 0) return
    for (const topic of topics) {
      if (!this.topics.some((one) => one.name === name && one.topic === topic)) this.topics.push({ name, topic })
    }
  }

  remove(name: string, addr: string): void {
    this.#drop((member) => member.name === name && member.addr === addr)
    const hasNone = (one: { name: string }) => !this.members.some((member) => member.name === one.name)
    for (const gone of this.topics.filter(hasNone)) this.topics.splice(this.topics.indexOf(gone), 1)
  }

  route(topic: string): unknown {
    return this.topics
      .filter((one) => one.topic === topic)
      .map(({ name }) => ({
        name,
        addresses: this.members
          .filter((member) => member.name === name)
          .map(({ id, addr }) => `${id}=${addr}`)
          .sort(),
      }))
      .sort((left, right) => (left.name < right.name ? -1 : 1))
  }

  #drop(matches: (member: { name: string; id: number; addr: string }) => boolean): void {
    for (const gone of this.members.filter(matches)) this.members.splice(this.members.indexOf(gone), 1)
  }
}

test('routes: any registrations and departures → what a plain model says', () => {
  const names = fc.constantFrom('a', 'b')
  const addrs = fc.constantFrom('h:1', 'h:2', 'h:3')
  const topics = fc.constantFrom('T', 'U', 'V')
  const steps = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('register' as const),
        name: names,
        id: fc.nat(2),
        addr: addrs,
        topics: fc.uniqueArray(topics),
        counter: fc.nat(3),
      }),
      fc.record({ kind: fc.constant('remove' as const), name: names, addr: addrs }),
    ),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(steps, (all) => {
      const { table, register } = tableOf()
      const model = new Model()
      for (const step of all) {
        if (step.kind === 'remove') {
          table.remove(step.name, step.addr)
          model.remove(step.name, step.addr)
        } else {
          const { name, id, addr, counter } = step
          register({ name, id, addr, topics: step.topics, version: { counter }, acting: undefined })
          model.register(name, id, addr, step.topics)
        }
        for (const topic of ['T', 'U', 'V']) {
          const route = table.route(topic)
          const seen = (route?.brokerDatas ?? []).map(({ brokerName, brokerAddrs }) => ({
            name: brokerName,
            addresses: [...brokerAddrs].map(([brokerId, addr]) => `${brokerId}=${addr}`).sort(),
          }))
          expect(seen).toEqual(model.route(topic))
        }
        expect(table.brokerCount).toBe(model.members.length)
      }
    }),
  )
})
