import { expect, test } from '@jest/globals'
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
  const registrations = createRegistrations({ ...effects, routes, logger: silentLogger })
  return { effects, routes, registrations }
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

test('registrations: stopped → connections that close and time that passes leave the routes as they are', async () => {
  const { effects, routes, registrations } = registrationsInMemory()
  const peer = connection()
  registrations.register(registrationOf(), 1000, peer as unknown as Peer)
  registrations.stop()
  peer.end()
  await effects.advance(5000)
  expect(routes.brokerCount).toBe(1)
})
