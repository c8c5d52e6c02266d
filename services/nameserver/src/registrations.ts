// Brokers as they come and go: a registration holds while its broker gives signs of life and while the connection it
// came on is open. Every way out of the routes passes through here.
import type { Peer } from '@rocketmq-ts/remoting'
import type { Clock, Logger, Scheduler } from '@rocketmq-ts/runtime'
import type { NameServerEvent } from './events.ts'
import { createLiveness } from './liveness.ts'
import type { Departure, NameServerMetrics } from './nameserver-metrics.ts'
import type { RegisterOutcome, Registration, RouteTable } from './route-table.ts'

/** One address of a broker name. */
export interface BrokerAddress {
  readonly brokerName: string
  readonly brokerAddr: string
}

export interface Registrations {
  /** `timeoutMs` of silence end it. `peer` is the connection it came on; its end ends it too. */
  register(registration: Registration, timeoutMs: number, peer: Peer): RegisterOutcome
  /** A sign of life. False when the address is not registered. */
  refresh(broker: BrokerAddress): boolean
  /** The broker says that it stops. */
  unregister(broker: BrokerAddress): void
  /** Addresses that are watched: as many as the routes have. */
  readonly watched: number
  /** Ends the watching; the routes stay as they are. */
  stop(): void
}

export interface RegistrationsDeps {
  readonly routes: RouteTable
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly logger: Logger<NameServerEvent>
  readonly metrics: Pick<NameServerMetrics, 'registered' | 'left'>
}

export function createRegistrations(deps: RegistrationsDeps): Registrations {
  const { routes, clock, scheduler, logger, metrics } = deps
  /** The connection that each registered address came on last. */
  const owners = new Map<string, Peer>()
  const keysOf = new Map<Peer, Set<string>>()
  const liveness = createLiveness({ clock, scheduler, onExpired: (key) => depart(brokerOf(key), 'expired') })
  let stopped = false

  function depart(broker: BrokerAddress, reason: Departure): void {
    forget(broker)
    const { brokerName, brokerAddr } = broker
    if (!routes.remove(brokerName, brokerAddr, reason === 'unregistered')) return
    metrics.left(reason)
    if (reason === 'unregistered') logger.info({ event: 'broker.left', brokerName, brokerAddr, reason })
    else logger.warn({ event: 'broker.left', brokerName, brokerAddr, reason })
  }

  function forget(broker: BrokerAddress): void {
    const key = keyOf(broker)
    liveness.forget(key)
    const owner = owners.get(key)
    if (owner !== undefined) keysOf.get(owner)?.delete(key)
    owners.delete(key)
  }

  function own(key: string, peer: Peer): void {
    const previous = owners.get(key)
    if (previous === peer) return
    if (previous !== undefined) keysOf.get(previous)?.delete(key)
    owners.set(key, peer)
    const keys = keysOf.get(peer)
    if (keys !== undefined) {
      keys.add(key)
      return
    }
    keysOf.set(peer, new Set([key]))
    peer.onClose(() => disconnect(peer))
  }

  function disconnect(peer: Peer): void {
    const keys = keysOf.get(peer) ?? []
    keysOf.delete(peer)
    if (stopped) return
    for (const key of keys) depart(brokerOf(key), 'disconnected')
  }

  return {
    register(registration, timeoutMs, peer) {
      const outcome = routes.register(registration)
      metrics.registered(outcome.kind)
      const { clusterName: cluster, brokerName, brokerId, brokerAddr } = registration
      if (outcome.kind === 'registered' || outcome.kind === 'outdated') {
        for (const left of outcome.left) {
          forget({ brokerName, brokerAddr: left })
          metrics.left('replaced')
          logger.warn({ event: 'broker.left', brokerName, brokerAddr: left, reason: 'replaced' })
        }
      }
      if (outcome.kind !== 'registered') {
        logger.warn({ event: 'broker.refused', brokerName, brokerAddr, brokerId, reason: outcome.kind })
        return outcome
      }
      const key = keyOf(registration)
      liveness.watch(key, timeoutMs)
      own(key, peer)
      const topics = registration.body.topicConfigTable.size
      if (outcome.isNew) logger.info({ event: 'broker.registered', cluster, brokerName, brokerId, brokerAddr, topics })
      return outcome
    },
    refresh: (broker) => liveness.refresh(keyOf(broker)),
    unregister: (broker) => depart(broker, 'unregistered'),
    get watched() {
      return liveness.size
    },
    stop() {
      stopped = true
      liveness.stop()
    },
  }
}

/** Neither part holds a '\0', see `checkBroker`. */
function keyOf({ brokerName, brokerAddr }: BrokerAddress): string {
  return `${brokerName}\0${brokerAddr}`
}

function brokerOf(key: string): BrokerAddress {
  const [brokerName = '', brokerAddr = ''] = key.split('\0')
  return { brokerName, brokerAddr }
}
