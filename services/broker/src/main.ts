// The command: reads the settings, starts, and stops when asked. Ends with 2 for wrong settings, 1 for a failed start.
import { resolve } from 'node:path'
import { createBrokerClient, createNameServerClient, createPeerSource } from '@rocketmq-ts/cluster-client'
import { configureProcess, type StartEvent } from '@rocketmq-ts/config/node'
import { createHealthServer } from '@rocketmq-ts/health/node'
import { createLogMetrics, createMetricsRegistry } from '@rocketmq-ts/metrics'
import { createNodePace, createProcessMetrics } from '@rocketmq-ts/metrics/node'
import { type RemotingEvent, connectPeer } from '@rocketmq-ts/remoting'
import { FileError, NetworkError, createLifecycle, createLimitedLogger } from '@rocketmq-ts/runtime'
import { advertisedHostFor, createNodeEffects, createPinoLogger } from '@rocketmq-ts/runtime/node'
import type { StoreEvent } from '@rocketmq-ts/store'
import manifest from '../package.json' with { type: 'json' }
import type { Broker } from './broker.ts'
import { createBroker } from './broker-service.ts'
import { type Claim, createClaimedBroker } from './claimed-broker.ts'
import { brokerConfig, nameServerAddresses } from './config.ts'
import { BROKER_REMEDIES, type BrokerEvent } from './events.ts'
import { createClusterPeers } from './joining/cluster-peers.ts'
import { planBrokerMemory } from './memory.ts'
import { createNameServers } from './name-servers.ts'

const STOP_DEADLINE_MS = 4000
/** It writes the files of thousands of queues; what else stops has nothing to write. */
const BROKER_STOP_WEIGHT = 4
const DEFECT_EXIT_CODE = 70
const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/

const { config, startEvents } = await configureProcess({
  title: 'rocketmq-ts Broker',
  version: manifest.version,
  schema: brokerConfig,
  configFileEnv: 'ROCKETMQ_TS_BROKER_CONFIG_FILE',
  memory: planBrokerMemory,
})
const { brokerIP1, listenHost, storePathClaimRoot, healthHost, healthPort } = config
const settings = {
  ...config,
  brokerIP1: brokerIP1 === '' ? (advertisedHostFor(listenHost) ?? '') : brokerIP1,
  storePathRootDir: resolve(config.storePathRootDir),
}
const effects = createNodeEffects()
const { clock, scheduler, network } = effects
const registry = createMetricsRegistry({ pace: createNodePace() })
const logger = createLimitedLogger<BrokerEvent | RemotingEvent | StoreEvent | StartEvent>(
  createPinoLogger({ level: 'info', fields: { service: 'broker' } }),
  {
    ...effects,
    remedies: BROKER_REMEDIES,
    onUrgent: createLogMetrics(registry.withLabels({ node_type: 'broker' })),
  },
)
for (const event of startEvents) logger[event.event === 'config.warning' ? 'warn' : 'info'](event)
const peers = createPeerSource({
  clock,
  connect: (address) => connectPeer(network, address, { clock, scheduler, logger }),
})
const processMetrics = createProcessMetrics()
const addresses = nameServerAddresses(settings)
const nameServers = createNameServers(createNameServerClient({ addresses, peers }))
const clusterPeers = createClusterPeers(
  addresses.map((address) => createNameServerClient({ addresses: [address], peers })),
  createBrokerClient({ peers }),
)

function brokerOf({ brokerName, storePathRootDir }: Claim): Broker {
  const labels = { cluster: settings.brokerClusterName, node_type: 'broker', node_id: brokerName }
  return createBroker(
    { ...settings, brokerName, storePathRootDir },
    {
      ...effects,
      logger,
      nameServers,
      peers: clusterPeers,
      metrics: registry.withLabels(labels),
      onDefect: () => process.exit(DEFECT_EXIT_CODE),
    },
  )
}

const service =
  storePathClaimRoot === '' ? brokerOf(settings) : createClaimedBroker({ root: resolve(storePathClaimRoot), brokerOf })
const health = createHealthServer({
  host: healthHost,
  port: healthPort,
  readiness: () => service.readiness(),
  metrics: [registry.exposeBytes, processMetrics.expose],
  queueMetrics: registry.exposeDetail,
})
if (!LOOPBACK.test(listenHost)) logger.warn({ event: 'broker.open', host: listenHost })
const parts = [
  ...(healthPort === 0 ? [] : [{ name: 'health', service: health }]),
  { name: 'broker', service, stopWeight: BROKER_STOP_WEIGHT },
]
const lifecycle = createLifecycle(parts, { ...effects, stopDeadlineMs: STOP_DEADLINE_MS })

const asked = new Promise<void>((resolveAsked) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolveAsked())
})
try {
  // Asked to stop while it starts: the stop below waits for what was opened.
  await Promise.race([lifecycle.start(), asked])
} catch (error) {
  if (error instanceof NetworkError)
    console.error(`${error.message}; choose others with --listen-port and --health-port`)
  else if (error instanceof FileError)
    console.error(`${error.message}; choose another with --store-path-root-dir or --claim-folder`)
  else throw error
  process.exit(1)
}
await asked
try {
  await lifecycle.stop()
} catch (error) {
  logger.error({ event: 'broker.stop-failed', message: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}
peers.close()
process.exit(0)
