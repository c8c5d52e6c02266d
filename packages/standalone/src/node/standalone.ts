// Composes NameServer, Broker and Proxy in one process. They are joined by direct peers: a connect to an address of this
// process never opens a socket. Ports may be 0, so each part is created when those before it have started.
import { type Broker, createBroker, createNameServers } from '@rocketmq-ts/broker'
import { createNameServerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import type { MemoryLimit } from '@rocketmq-ts/config'
import { createGrpcJsTransport } from '@rocketmq-ts/grpc/node'
import { createHealthServer, type HealthServer } from '@rocketmq-ts/health/node'
import type { MetricsRegistry } from '@rocketmq-ts/metrics'
import { createProcessMetrics } from '@rocketmq-ts/metrics/node'
import { createNameServer, type NameServer } from '@rocketmq-ts/nameserver'
import { createProxy, grpcLimitsOf, type Proxy } from '@rocketmq-ts/proxy'
import { loadTls } from '@rocketmq-ts/proxy/node'
import { connectPeer, formatAddress, type Peer, type RequestHandler } from '@rocketmq-ts/remoting'
import {
  createLifecycle,
  type Effects,
  type Logger,
  partsWithin,
  type Readiness,
  readinessOf,
  type Service,
  type SocketAddress,
} from '@rocketmq-ts/runtime'
import { join } from 'node:path'
import type { Endpoints } from '../banner.ts'
import { partBudgetBytes } from '../memory.ts'
import type { StandaloneConfig } from '../settings.ts'
import { explainStart, type StartedPart } from '../start-failure.ts'

const PROXY_NAME = 'proxy-a'
/** Probes and scrapes come from this machine, whatever address clients use. */
const HEALTH_HOST = '127.0.0.1'

export interface StandaloneDeps {
  readonly effects: Effects
  /** Absolute. */
  readonly dataDir: string
  /** What memory budgets are shares of. */
  readonly memoryLimit: MemoryLimit
  /** Address that routes of the nameserver name where the ports are bound to all addresses. */
  readonly advertisedHost: string | undefined
  readonly loggerOf: (service: string) => Logger
  readonly registry: MetricsRegistry
  readonly stopDeadlineMs: number
  /** A broken invariant: the owner ends the process, nothing may be written any more. */
  readonly onDefect: (error: unknown) => void
}

export interface Standalone extends Service {
  /** Where clients connect; only after the start. */
  readonly endpoints: Endpoints
  readiness(): Readiness
}

/** Creates everything; `start` rejects with `StartFailure` where a port or the folder is the reason. */
export function createStandalone(config: StandaloneConfig, deps: StandaloneDeps): Standalone {
  const { effects, dataDir, memoryLimit, loggerOf, registry, onDefect } = deps
  const { clock, scheduler, network } = effects
  const { brokerClusterName: cluster, brokerName } = config.broker
  const processMetrics = createProcessMetrics()
  let health: HealthServer | undefined
  let nameserver: NameServer | undefined
  let broker: Broker | undefined
  let proxy: Proxy | undefined

  /** An address of this process is reached directly. */
  async function connect(address: string, handler?: RequestHandler): Promise<Peer> {
    if (nameserver !== undefined && address === nameServerAddress()) return nameserver.connectLocal()
    if (broker !== undefined && address === broker.advertisedAddress) return broker.connectLocal(handler)
    const options = { clock, scheduler, logger: loggerOf('remoting'), ...(handler && { handler }) }
    return connectPeer(network, address, options)
  }

  function nameServerAddress(): string {
    return textOf(nameserver?.addresses[0])
  }

  function readiness(): Readiness {
    const services = Object.entries({ nameserver, broker, proxy })
    return readinessOf(
      services.flatMap(([name, service]) =>
        partsWithin(name, service?.readiness() ?? { ready: false, reason: `${name} is starting` }),
      ),
    )
  }

  const healthPart = part('the health server', '--health-port', HEALTH_HOST, config.healthPort, () => {
    health = createHealthServer({
      host: HEALTH_HOST,
      port: config.healthPort,
      readiness,
      metrics: [registry.exposeBytes, processMetrics.expose],
      queueMetrics: registry.exposeDetail,
    })
    return health
  })
  const nameserverPart = part('the nameserver', '--nameserver-port', config.host, config.nameserverPort, () => {
    const settings = {
      ...config.nameserver,
      listenHost: config.host,
      listenPort: config.nameserverPort,
      memoryBudget: partBudgetBytes(config, 'nameserver', memoryLimit),
    }
    nameserver = createNameServer(settings, {
      clock,
      scheduler,
      network,
      logger: loggerOf('nameserver'),
      metrics: registry.withLabels({ cluster, node_type: 'nameserver', node_id: 'nameserver-a' }),
    })
    return nameserver
  })
  const brokerPart = part('the broker', '--broker-port', config.host, config.brokerPort, () => {
    const addresses = [nameServerAddress()]
    const peers = createPeerSource({ connect, clock })
    broker = createBroker(
      {
        ...config.broker,
        listenHost: config.host,
        listenPort: config.brokerPort,
        brokerIP1: config.broker.brokerIP1 === '' ? (deps.advertisedHost ?? '') : config.broker.brokerIP1,
        namesrvAddr: nameServerAddress(),
        storePathRootDir: join(dataDir, 'broker'),
        flushDiskType: config.flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
        memoryBudget: partBudgetBytes(config, 'broker', memoryLimit),
      },
      {
        ...effects,
        logger: loggerOf('broker'),
        metrics: registry.withLabels({ cluster, node_type: 'broker', node_id: brokerName }),
        nameServers: createNameServers(createNameServerClient({ addresses, peers })),
        onDefect,
      },
    )
    return endingWith(broker, () => peers.close())
  })
  const proxyPart = part('the proxy', '--grpc-port', config.host, config.grpcPort, async () => {
    const settings = {
      ...config.proxy,
      namesrvAddr: nameServerAddress(),
      tlsSelfSignedFolder: join(dataDir, 'proxy'),
      memoryBudget: partBudgetBytes(config, 'proxy', memoryLimit),
    }
    const logger = loggerOf('proxy')
    const transport = createGrpcJsTransport({
      host: config.host,
      port: config.grpcPort,
      tls: await loadTls(settings, clock),
      limits: grpcLimitsOf(settings),
      logger,
      clock,
      scheduler,
      onDefect,
    })
    const metrics = registry.withLabels({ cluster, node_type: 'proxy', node_id: PROXY_NAME })
    proxy = createProxy(settings, { ...effects, logger, transport, connect, metrics })
    return proxy
  })

  // At a stop, the broker writes the files of thousands of queues, and the proxy's clients take their last answers.
  const parts = [healthPart, nameserverPart, { ...brokerPart, stopWeight: 4 }, { ...proxyPart, stopWeight: 2 }]
  const lifecycle = createLifecycle(parts, { clock, scheduler, stopDeadlineMs: deps.stopDeadlineMs })
  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    readiness,
    get endpoints() {
      return {
        grpc: textOf(proxy?.addresses[0]),
        broker: broker?.advertisedAddress ?? '',
        nameserver: textOf(nameserver?.addresses[0]),
        health: textOf(health?.address),
      }
    },
  }
}

/** A part that is created when it starts, and whose failures name its flag. */
function part(name: string, flag: string, host: string, port: number, create: () => Service | Promise<Service>) {
  const described: StartedPart = { name, flag, host, port }
  let created: Service | undefined
  const service: Service = {
    async start() {
      try {
        created = await create()
        await created.start()
      } catch (error) {
        throw explainStart(described, error)
      }
    },
    async stop() {
      await created?.stop()
    },
  }
  return { name, service }
}

function endingWith(service: Service, afterwards: () => void): Service {
  return {
    start: () => service.start(),
    async stop() {
      await service.stop()
      afterwards()
    },
  }
}

function textOf(address: SocketAddress | undefined): string {
  return address === undefined ? '' : formatAddress(address)
}
