// The connections of one command: nameservers by address, brokers by the routes they are in. Whoever can not be
// reached is named, with what would change it.
import { createBrokerClient, createNameServerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import type { BrokerClient, NameServerClient } from '@rocketmq-ts/cluster-client'
import { MASTER_ID, MqError, type TopicRouteData } from '@rocketmq-ts/model'
import { connectPeer } from '@rocketmq-ts/remoting'
import { CliFailure, failureOf } from './failures.ts'
import type { CliEffects } from './host.ts'
import { compareText } from './output/text.ts'

/** One address of a broker name. */
export interface BrokerAddress {
  readonly cluster: string
  readonly brokerName: string
  readonly brokerId: number
  /** 'host:port' */
  readonly address: string
}

/** Which brokers a command is for. */
export interface Scope {
  readonly cluster?: string | undefined
  readonly broker?: string | undefined
}

export interface NameServerSetting {
  /** 'host:port' of each. */
  readonly addresses: readonly string[]
  /** Where they were set, for messages. */
  readonly source: string
}

export interface Session {
  readonly effects: CliEffects
  readonly nameServers: NameServerClient
  readonly brokers: BrokerClient
  readonly setting: NameServerSetting
  /** A client of one nameserver alone. */
  nameServer(address: string): NameServerClient
  /** All addresses of all brokers, by name and id. Rejects with CliFailure when no nameserver answers. */
  brokerAddresses(): Promise<BrokerAddress[]>
  /** The masters of the scope. Rejects with CliFailure when it names nothing that is there, or several clusters. */
  masters(scope: Scope): Promise<BrokerAddress[]>
  /** Rejects with CliFailure when no broker is registered: then no topic is known, and creating one does not help. */
  requireBrokers(): Promise<void>
  /** Undefined for a topic that no nameserver knows. */
  route(topic: string): Promise<TopicRouteData | undefined>
  /** Asks a broker; what fails names it. */
  at<Value>(broker: BrokerAddress, question: (address: string) => Promise<Value>): Promise<Value>
  /** Resolves after the time, or at once when the command is interrupted. */
  sleep(ms: number): Promise<void>
  close(): void
}

export interface SessionOptions {
  readonly effects: CliEffects
  readonly setting: NameServerSetting
  readonly timeoutMs: number
  readonly interrupted: AbortSignal
}

export function openSession({ effects, setting, timeoutMs, interrupted }: SessionOptions): Session {
  const { clock, scheduler, network } = effects
  const limits = { connectTimeoutMs: timeoutMs }
  const connect = (address: string) => connectPeer(network, address, { clock, scheduler, limits })
  const peers = createPeerSource({ connect, clock })
  const nameServer = (addresses: readonly string[]) => createNameServerClient({ addresses, peers, timeoutMs })
  const nameServers = nameServer(setting.addresses)
  const brokers = createBrokerClient({ peers, timeoutMs })

  async function ofNameServers<Value>(question: Promise<Value>): Promise<Value> {
    try {
      return await question
    } catch (error) {
      throw error instanceof MqError ? nameServerFailure(error, setting) : error
    }
  }

  async function brokerAddresses(): Promise<BrokerAddress[]> {
    const { brokerAddrTable } = await ofNameServers(nameServers.clusterInfo())
    const all = [...brokerAddrTable.values()].flatMap(({ cluster, brokerName, brokerAddrs }) =>
      [...brokerAddrs].map(([brokerId, address]) => ({ cluster, brokerName, brokerId, address })),
    )
    return all.sort(
      (left, right) =>
        compareText(left.cluster, right.cluster) ||
        compareText(left.brokerName, right.brokerName) ||
        left.brokerId - right.brokerId,
    )
  }

  return {
    effects,
    nameServers,
    brokers,
    setting,
    nameServer: (address) => nameServer([address]),
    brokerAddresses,
    async masters(scope) {
      return chosenMasters(await brokerAddresses(), scope)
    },
    async requireBrokers() {
      requireMasters(await brokerAddresses())
    },
    route: (topic) => ofNameServers(nameServers.topicRoute(topic)),
    async at(broker, question) {
      try {
        return await question(broker.address)
      } catch (error) {
        throw error instanceof MqError ? brokerFailure(error, broker) : error
      }
    },
    sleep(ms) {
      return new Promise((resolve) => {
        if (interrupted.aborted) return resolve()
        const end = (): void => {
          timer.cancel()
          interrupted.removeEventListener('abort', end)
          resolve()
        }
        const timer = scheduler.after(ms, end)
        interrupted.addEventListener('abort', end)
      })
    },
    close: () => peers.close(),
  }
}

function requireMasters(all: readonly BrokerAddress[]): BrokerAddress[] {
  const masters = all.filter(({ brokerId }) => brokerId === MASTER_ID)
  if (masters.length > 0) return masters
  throw new CliFailure(
    'unavailable',
    'no broker is registered at the nameserver',
    'Start one, or wait until it has registered; rmq cluster status shows who is there.',
  )
}

function chosenMasters(all: readonly BrokerAddress[], { cluster, broker }: Scope): BrokerAddress[] {
  const masters = requireMasters(all)
  const named = masters.filter(
    (each) =>
      (cluster === undefined || each.cluster === cluster) && (broker === undefined || each.brokerName === broker),
  )
  if (named.length === 0) {
    const known = [...new Set(masters.map((each) => (broker === undefined ? each.cluster : each.brokerName)))]
    const what = broker === undefined ? `--cluster: no cluster '${cluster}'` : `--broker: no broker '${broker}'`
    throw new CliFailure('parameter-invalid', `${what} is registered`, `Registered: ${known.join(', ')}.`)
  }
  const clusters = [...new Set(named.map((each) => each.cluster))]
  if (clusters.length > 1) {
    const text = `the nameserver knows several clusters: ${clusters.join(', ')}`
    throw new CliFailure('usage', text, 'Choose one with --cluster NAME, or a broker with --broker NAME.')
  }
  return named
}

function nameServerFailure(error: MqError, { addresses, source }: NameServerSetting): CliFailure {
  if (error.code === 'not-implemented') {
    return new CliFailure(
      error.code,
      `${addresses.join(', ')} is no nameserver (address from ${source}): ${error.message}`,
      'Name the nameserver, port 9876 unless it was changed: --nameserver host:port, or RMQ_NAMESERVER=host:port.',
      error,
    )
  }
  if (error.code !== 'unavailable' && error.code !== 'timeout' && error.code !== 'closed') return failureOf(error)
  const place = addresses.length === 1 ? `the nameserver at ${addresses[0]}` : `none of ${addresses.join(', ')}`
  const cause = error.cause instanceof MqError ? error.cause.message : error.message
  return new CliFailure(
    error.code,
    `${place} ${addresses.length === 1 ? 'does not answer' : 'answers'} (address from ${source}): ${cause}`,
    'Start a cluster with: npm start. Or name your nameserver: --nameserver host:port, or RMQ_NAMESERVER=host:port.',
    error,
  )
}

function brokerFailure(error: MqError, { brokerName, address }: BrokerAddress): CliFailure {
  if (error.code !== 'unavailable' && error.code !== 'closed') return failureOf(error)
  return new CliFailure(
    error.code,
    `broker ${brokerName}, registered as ${address}, can not be reached: ${error.message}`,
    'Is it running? If it is, that address must be one that this machine reaches: set brokerIP1 at the broker.',
    error,
  )
}
