// The services as processes of a simulated machine: each is composed from its factory and the process's own effects,
// as `standalone` does for real. Services of different machines talk framed remoting over the simulated network.
import { type Broker, brokerConfig, createBroker, createClusterPeers, createNameServers } from '@rocketmq-ts/broker'
import { createBrokerClient, createNameServerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { defaultConfig } from '@rocketmq-ts/config'
import { createMemoryGrpc, type MemoryGrpc } from '@rocketmq-ts/grpc'
import { createNameServer, type NameServer, nameServerConfig } from '@rocketmq-ts/nameserver'
import { createProxy, type Proxy, proxyConfig } from '@rocketmq-ts/proxy'
import { connectPeer } from '@rocketmq-ts/remoting'
import type { Effects, LogEvent, Logger } from '@rocketmq-ts/runtime'

export const NAMESERVER_PORT = 9876
export const BROKER_PORT = 10911
export const PROXY_PORT = 8081
export const BROKER_FOLDER = '/data/broker'
/** So often a broker tells its routes again, which also ends the time after a nameserver's restart. */
const REGISTER_PERIOD_MS = 10_000
const START_CACHE_PERIOD_MS = 2000
/**
 * A delivery whose answer got lost behind the proxy's back is renewed this long for a client that never saw it. Apache's
 * three hours would be as right, but a run is to end before.
 */
const RENEW_MS_MAX = 180_000

export type FlushDiskType = 'SYNC_FLUSH' | 'ASYNC_FLUSH'

export interface ServiceDeps {
  readonly effects: Effects
  readonly logger: Logger<LogEvent>
  /** A broken invariant of the service. */
  readonly onDefect: (error: unknown) => void
}

/** Key index files that are soon full. Those of the default size would be most of the simulated disk. */
export const INDEX_SIZES = { maxHashSlotNum: 1000, maxIndexNum: 5000 }

export async function startNameServer({ effects, logger }: ServiceDeps): Promise<NameServer> {
  const { clock, scheduler, network } = effects
  const config = { ...defaultConfig(nameServerConfig), listenHost: '0.0.0.0', listenPort: NAMESERVER_PORT }
  const nameserver = createNameServer(config, { clock, scheduler, network, logger })
  await nameserver.start()
  return nameserver
}

export interface BrokerPlace {
  readonly brokerName: string
  /** Address of its machine. */
  readonly host: string
  readonly nameServers: readonly string[]
  readonly flushDiskType: FlushDiskType
  readonly segmentBytes: number
  readonly joinCluster: boolean
  /** By default that of a broker. */
  readonly queueFileBytes?: number
}

export async function startBroker(place: BrokerPlace, { effects, logger, onDefect }: ServiceDeps): Promise<Broker> {
  const { clock, scheduler, network } = effects
  const connect = (address: string) => connectPeer(network, address, { clock, scheduler, logger })
  const peers = createPeerSource({ connect, clock })
  const nameServers = createNameServers(createNameServerClient({ addresses: place.nameServers, peers }))
  const each = place.nameServers.map((address) => createNameServerClient({ addresses: [address], peers }))
  const clusterPeers = createClusterPeers(each, createBrokerClient({ peers }))
  const broker = createBroker(
    {
      ...defaultConfig(brokerConfig),
      brokerName: place.brokerName,
      listenHost: '0.0.0.0',
      listenPort: BROKER_PORT,
      brokerIP1: place.host,
      namesrvAddr: place.nameServers.join(';'),
      storePathRootDir: BROKER_FOLDER,
      flushDiskType: place.flushDiskType,
      mappedFileSizeCommitLog: place.segmentBytes,
      ...(place.queueFileBytes === undefined ? {} : { mappedFileSizeConsumeQueue: place.queueFileBytes }),
      ...INDEX_SIZES,
      // A disk that is full on purpose must not take what the checker asks for.
      cleanFileForciblyEnable: false,
      registerNameServerPeriod: REGISTER_PERIOD_MS,
      flushConsumerOffsetInterval: START_CACHE_PERIOD_MS,
      joinCluster: place.joinCluster,
    },
    { ...effects, logger, nameServers, peers: clusterPeers, onDefect },
  )
  await broker.start()
  return broker
}

export interface ProxyPlace {
  readonly host: string
  readonly nameServers: readonly string[]
  /** Of each step between clients and this proxy. */
  readonly latencyMs: () => number
}

/** A running proxy and the door through which clients reach it. */
export interface ProxyProcess {
  readonly proxy: Proxy
  readonly grpc: MemoryGrpc
}

export async function startProxy(place: ProxyPlace, { effects, logger }: ServiceDeps): Promise<ProxyProcess> {
  const { clock, scheduler } = effects
  const grpc = createMemoryGrpc({
    clock,
    scheduler,
    address: { host: place.host, port: PROXY_PORT },
    latencyMs: place.latencyMs,
  })
  const config = {
    ...defaultConfig(proxyConfig),
    namesrvAddr: place.nameServers.join(';'),
    autoCreateTopic: true,
    renewMaxTimeMillis: RENEW_MS_MAX,
  }
  const proxy = createProxy(config, { ...effects, logger, transport: grpc.transport })
  await proxy.start()
  return { proxy, grpc }
}
