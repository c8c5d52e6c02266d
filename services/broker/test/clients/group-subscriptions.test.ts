// Clients of a group that have subscribed differently: told of once, counted while it lasts.
import { expect, test } from '@jest/globals'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import {
  type ClientEntry,
  CLIENT_TOPICS_TOLD_MAX,
  encodeClientNews,
  ResponseCode,
  SyncClients,
} from '@rocketmq-ts/remoting'
import fc from 'fast-check'
import { createGroupSubscriptions, type Difference } from '../../src/clients/group-subscriptions.ts'
import { startBroker } from '../broker-harness.ts'
import { entryOf } from './client-harness.ts'

const tags = (expression: string, topic = 't') => ({ topic, type: 'TAG', expression })
const client = (clientId: string, expression: string, group = 'G') =>
  entryOf(clientId, { group, subscriptions: [tags(expression)] })

function watched() {
  let nowMs = 0
  const told: Difference[] = []
  const subscriptions = createGroupSubscriptions({
    clock: { monotonicMs: () => nowMs },
    onDiffer: (difference) => void told.push(difference),
  })
  return { ...subscriptions, told, advance: (ms: number) => void (nowMs += ms) }
}

test('subscriptions: two that differ → told of with both clients, and not again within the hour', () => {
  const { put, removed, differing, told, advance } = watched()
  put(client('one', 'a || b'))
  put(client('two', 'b || a'))
  expect([told, [...differing()]]).toEqual([[], []])
  const other = client('three', 'a')
  put(other)
  expect(told).toEqual([
    { group: 'G', clientId: 'one', subscriptions: 't a || b', otherClientId: 'three', otherSubscriptions: 't a' },
  ])
  put(client('four', 'c'))
  expect([told.length, [...differing()]]).toEqual([1, [['G', 3]]])
  removed(client('four', 'c'))
  removed(other)
  expect([...differing()]).toEqual([])
  put(other)
  expect([told.length, [...differing()]]).toEqual([1, [['G', 2]]])
  removed(other)
  advance(3_600_000)
  put(other)
  expect(told).toHaveLength(2)
})

test('subscriptions: of other groups, of clients that have not said, or have more than is told → no difference', () => {
  const { put, differing } = watched()
  const many = (count: number) => Array.from({ length: count }, (_, index) => tags('*', `t${index}`))
  put(client('one', 'a'))
  put(client('two', 'b', 'H'))
  put(entryOf('three', { group: 'G' }))
  put(entryOf('four', { group: 'G', subscriptions: many(CLIENT_TOPICS_TOLD_MAX) }))
  expect([...differing()]).toEqual([])
  put(entryOf('five', { group: 'G', subscriptions: many(CLIENT_TOPICS_TOLD_MAX - 1) }))
  expect([...differing()]).toEqual([['G', 2]])
})

test('subscriptions: any clients come and go → groups with several ways are exactly those told of as differing', () => {
  const entry = fc
    .record({ id: fc.nat(5), group: fc.constantFrom('G', 'H'), expression: fc.constantFrom('a', 'b', 'b||a', 'a||b') })
    .map(({ id, group, expression }) => client(String(id), expression, group))
  fc.assert(
    fc.property(fc.array(fc.record({ entry, isGone: fc.boolean() }), { maxLength: 40 }), (steps) => {
      const { put, removed, differing } = watched()
      const there: ClientEntry[] = []
      for (const { entry: each, isGone } of steps) {
        if (isGone) {
          const [gone] = there.splice(0, 1)
          if (gone !== undefined) removed(gone)
        } else {
          there.push(each)
          put(each)
        }
        const ways = (group: string) => {
          const own = there.filter((known) => known.group === group)
          return new Set(own.map(({ subscriptions }) => subscriptions[0]!.expression.split('||').sort().join())).size
        }
        const expected = ['G', 'H'].map((group) => [group, ways(group)] as const).filter(([, count]) => count > 1)
        expect(new Map(differing())).toEqual(new Map(expected))
      }
    }),
  )
})

test('subscriptions: proxies tell of clients that differ → one line of the log, a metric, and nothing when they are gone', async () => {
  const metrics = createMetricsRegistry()
  const broker = await startBroker({}, { metrics })
  const sync = async (proxyId: string, clients: ClientEntry[], gone: string[] = []) => {
    const header = { proxyId, port: 8081, isFirst: false }
    expect((await broker.ask(SyncClients, header, encodeClientNews({ clients, gone }))).code).toBe(ResponseCode.SUCCESS)
  }
  const shown = async () => {
    const lines = (await broker.settled(metrics.expose())).split('\n')
    return lines.filter((line) => line.startsWith('rocketmq_ts_group_differing_subscriptions{'))
  }
  await sync('p1', [client('one', 'a')])
  await sync('p2', [client('two', 'b')])
  await sync('p2', [client('three', 'b')])
  const events = broker.events.filter(({ event }) => event === 'group.subscriptions-differ')
  expect(events).toMatchObject([{ group: 'G', clientId: 'one', otherClientId: 'two' }])
  expect(await shown()).toEqual(['rocketmq_ts_group_differing_subscriptions{consumer_group="G"} 2'])
  await sync('p2', [], ['two', 'three'])
  expect(await shown()).toEqual([])
})
