import { expect, test } from '@jest/globals'
import { Perm } from '@rocketmq-ts/model'
import type { Peer } from '@rocketmq-ts/remoting'
import { silentLogger } from '@rocketmq-ts/runtime'
import { createManualEffects } from '@rocketmq-ts/testkit'
import * as fc from 'fast-check'
import { createRegistrations } from '../src/registrations.ts'
import { RouteTable } from '../src/route-table.ts'
import { registrationOf } from './registrations-of.ts'

/** A connection that only knows how to end. */
function connection(): Pick<Peer, 'onClose'> & { end(): void } {
  const callbacks: (() => void)[] = []
  return {
    onClose: (callback) => callbacks.push(callback),
    end: () => {
      for (const callback of callbacks.splice(0)) callback()
    },
  }
}

function registrationsInMemory() {
  const effects = createManualEffects()
  const routes = new RouteTable({ brokersMax: 10, topicsMax: 100, deleteTopicsNotAnnounced: false })
  const left: string[] = []
  const metrics = { registered() {}, left: (reason: string) => left.push(reason) }
  const registrations = createRegistrations({ ...effects, routes, logger: silentLogger, metrics })
  return { effects, routes, registrations, left }
}

test('registrations: any coming and going → exactly the addresses of the routes are watched', async () => {
  const names = fc.constantFrom('a', 'b')
  const addrs = fc.constantFrom('h:1', 'h:2', 'h:3')
  const steps = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('register' as const),
        name: names,
        addr: addrs,
        id: fc.nat(1),
        peer: fc.nat(2),
        state: fc.nat(2),
      }),
      fc.record({ kind: fc.constant('unregister' as const), name: names, addr: addrs }),
      fc.record({ kind: fc.constant('close' as const), peer: fc.nat(2) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(1500) }),
    ),
    { maxLength: 20 },
  )
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { effects, routes, registrations } = registrationsInMemory()
      const peers = [connection(), connection(), connection()]
      for (const step of all) {
        if (step.kind === 'register') {
          const { name, addr, id, state } = step
          const registration = registrationOf({ name, addr, id, version: { stateVersion: state } })
          registrations.register(registration, 1000, peers[step.peer] as unknown as Peer)
        } else if (step.kind === 'unregister') {
          registrations.unregister({ brokerName: step.name, brokerAddr: step.addr })
        } else if (step.kind === 'close') {
          peers[step.peer]!.end()
          peers[step.peer] = connection()
        } else await effects.advance(step.ms)
        expect(registrations.watched).toBe(routes.brokerCount)
      }
      await effects.advance(1000)
      expect([registrations.watched, routes.brokerCount, routes.topicCount]).toEqual([0, 0, 0])
    }),
  )
})

test('registrations: each way out of the routes → counted under its reason', async () => {
  const { effects, registrations, left } = registrationsInMemory()
  const register = (peer = connection(), addr = 'h:1') => {
    registrations.register(registrationOf({ addr }), 1000, peer as unknown as Peer)
    return peer
  }
  register().end()
  register()
  register(connection(), 'h:2')
  registrations.unregister({ brokerName: 'broker-a', brokerAddr: 'h:2' })
  register()
  await effects.advance(1000)
  expect(left).toEqual(['disconnected', 'replaced', 'unregistered', 'expired'])
})

test('registrations: stopped → connections that close and time that passes leave the routes as they are', async () => {
  const { effects, routes, registrations } = registrationsInMemory()
  const peer = connection()
  registrations.register(registrationOf(), 1000, peer as unknown as Peer)
  registrations.stop()
  peer.end()
  await effects.advance(5000)
  expect(routes.brokerCount).toBe(1)
})

test('drain: the connection of a drained broker is lost → drained when it comes back; stopped in order → not any more', () => {
  const { routes, registrations } = registrationsInMemory()
  const perm = () => routes.route('A')?.queueDatas.map((queue) => queue.perm)
  const register = () => {
    const peer = connection()
    registrations.register(registrationOf(), 1000, peer as unknown as Peer)
    return peer
  }
  const first = register()
  routes.drain('broker-a', true)
  first.end()
  expect(perm()).toBeUndefined()
  register()
  expect(perm()).toEqual([Perm.READ])
  registrations.unregister({ brokerName: 'broker-a', brokerAddr: 'host-a:10911' })
  register()
  expect(perm()).toEqual([Perm.READ_WRITE])
})

test('drain: silent for too long → drained when it comes back, unless that was taken back meanwhile', async () => {
  const { effects, routes, registrations } = registrationsInMemory()
  for (const [isUndone, expected] of [
    [false, Perm.READ],
    [true, Perm.READ_WRITE],
  ] as const) {
    registrations.register(registrationOf(), 1000, connection() as unknown as Peer)
    routes.drain('broker-a', true)
    await effects.advance(1000)
    expect(routes.brokerCount).toBe(0)
    if (isUndone) expect(routes.drain('broker-a', false)).toEqual({ topics: 0, isChanged: true })
    registrations.register(registrationOf(), 1000, connection() as unknown as Peer)
    expect(routes.route('A')?.queueDatas[0]?.perm).toBe(expected)
  }
})

test('drain: more drained brokers are lost than there may be → the one lost first is forgotten', () => {
  const routes = new RouteTable({ brokersMax: 2, topicsMax: 100, deleteTopicsNotAnnounced: false })
  const names = ['a', 'b', 'c']
  for (const name of names) {
    routes.register(registrationOf({ name }))
    routes.drain(name, true)
    routes.remove(name, 'host-a:10911')
  }
  const drained = names.filter((name) => {
    routes.register(registrationOf({ name, topics: [name, 'X'] }))
    const isDrained = routes.route(name)?.queueDatas[0]?.perm === Perm.READ
    routes.remove(name, 'host-a:10911', true)
    return isDrained
  })
  expect(drained).toEqual(['b', 'c'])
})
