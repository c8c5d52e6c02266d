// What is measured: the processes of a whole system, its addresses, and what it counts itself.
import { join } from 'node:path'
import { httpGet, freePorts, isReady, sumOfMetric } from './http.ts'
import {
  BROKER_ENVIRONMENT,
  BROKER_NODE_FLAGS,
  startProcess,
  type ServerProcess,
  type StartOptions,
} from './server-process.ts'

export type Flush = 'sync' | 'async'

export interface Deployment {
  /** As in the report. */
  readonly name: 'standalone' | 'cluster'
  readonly flush: Flush
  readonly processes: readonly ServerProcess[]
  /** host:port for gRPC. */
  readonly endpoints: string
  /** host:port of the broker, and of the nameserver. */
  readonly broker: string
  readonly nameserver: string
  /** Messages of the topic that the broker has stored. */
  storedMessages(topic: string): Promise<number>
  stop(): Promise<void>
}

export interface DeployOptions {
  /** Folder of bundles, see `bundles.ts`. */
  readonly bundles: string
  /** A new folder for data and logs. */
  readonly folder: string
  readonly cores: string | undefined
  readonly flush: Flush
}

const HOST = '127.0.0.1'

/** The three services in one process. `script` starts it, the bundle by default. */
export async function startStandalone(options: DeployOptions & { readonly script?: string }): Promise<Deployment> {
  const { bundles, folder, flush } = options
  const [grpc = 0, broker = 0, nameserver = 0, health = 0] = await freePorts(4)
  const server = await startService(options, 'standalone', health, [
    options.script ?? join(bundles, 'main.mjs'),
    `--data-dir=${join(folder, 'data')}`,
    `--flush=${flush}`,
    `--grpc-port=${grpc}`,
    `--broker-port=${broker}`,
    `--nameserver-port=${nameserver}`,
    `--health-port=${health}`,
  ])
  return deploymentOf({
    name: 'standalone',
    flush,
    processes: [server],
    grpc,
    broker,
    nameserver,
    brokerHealth: health,
  })
}

/** A process for each service. */
export async function startCluster(options: DeployOptions): Promise<Deployment> {
  const { bundles, folder, flush } = options
  const [nameserver = 0, nameserverHealth = 0, broker = 0, brokerHealth = 0, grpc = 0, proxyHealth = 0] =
    await freePorts(6)
  const processes: ServerProcess[] = []
  try {
    processes.push(
      await startService(options, 'nameserver', nameserverHealth, [
        join(bundles, 'nameserver.mjs'),
        `--listen-port=${nameserver}`,
        `--health-port=${nameserverHealth}`,
      ]),
    )
    const nameServers = `--namesrv-addr=${HOST}:${nameserver}`
    processes.push(
      await startService(
        options,
        'broker',
        brokerHealth,
        [
          ...BROKER_NODE_FLAGS,
          join(bundles, 'broker.mjs'),
          nameServers,
          `--listen-port=${broker}`,
          `--health-port=${brokerHealth}`,
          `--store-path-root-dir=${join(folder, 'broker')}`,
          `--flush-disk-type=${flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH'}`,
        ],
        BROKER_ENVIRONMENT,
      ),
    )
    processes.push(
      await startService(options, 'proxy', proxyHealth, [
        join(bundles, 'proxy.mjs'),
        nameServers,
        `--grpc-server-port=${grpc}`,
        `--health-port=${proxyHealth}`,
        `--tls-self-signed-folder=${join(folder, 'proxy')}`,
      ]),
    )
    return deploymentOf({ name: 'cluster', flush, processes, grpc, broker, nameserver, brokerHealth })
  } catch (error) {
    for (const { stop } of processes) await stop()
    throw error
  }
}

function startService(
  { bundles, folder, cores }: DeployOptions,
  name: string,
  healthPort: number,
  args: StartOptions['args'],
  environment: StartOptions['environment'] = {},
): Promise<ServerProcess> {
  return startProcess({
    name,
    args,
    environment,
    cores,
    logFile: join(folder, `${name}.log`),
    compileCache: join(bundles, 'compiled'),
    isReady: () => isReady(healthPort),
  })
}

interface Parts extends Pick<Deployment, 'name' | 'flush' | 'processes'> {
  readonly grpc: number
  readonly broker: number
  readonly nameserver: number
  readonly brokerHealth: number
}

function deploymentOf({ name, flush, processes, grpc, broker, nameserver, brokerHealth }: Parts): Deployment {
  return {
    name,
    flush,
    processes,
    endpoints: `${HOST}:${grpc}`,
    broker: `${HOST}:${broker}`,
    nameserver: `${HOST}:${nameserver}`,
    async storedMessages(topic) {
      const answer = await httpGet(brokerHealth, '/metrics')
      if (answer?.status !== 200) throw new Error('the broker does not tell its metrics')
      return sumOfMetric(answer.text, 'rocketmq_messages_in_total', { topic })
    },
    async stop() {
      for (const { stop } of processes.toReversed()) await stop()
    },
  }
}
