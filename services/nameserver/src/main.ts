// The command: reads the settings, starts, and stops when asked. Ends with 2 for wrong settings, 1 for a failed start.
import { hostname } from 'node:os'
import { configureProcess, type StartEvent } from '@rocketmq-ts/config/node'
import { createHealthServer } from '@rocketmq-ts/health/node'
import { createLogMetrics, createMetricsRegistry } from '@rocketmq-ts/metrics'
import { createNodePace, createProcessMetrics } from '@rocketmq-ts/metrics/node'
import type { RemotingEvent } from '@rocketmq-ts/remoting'
import { createLifecycle, createLimitedLogger, NetworkError } from '@rocketmq-ts/runtime'
import { createNodeEffects, createPinoLogger } from '@rocketmq-ts/runtime/node'
import manifest from '../package.json' with { type: 'json' }
import { nameServerConfig } from './config.ts'
import { NAMESERVER_REMEDIES, type NameServerEvent } from './events.ts'
import { planNameServerMemory } from './memory.ts'
import { createNameServer } from './nameserver.ts'

const STOP_DEADLINE_MS = 4000
const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/

const { config, startEvents } = await configureProcess({
  title: 'rocketmq-ts NameServer',
  version: manifest.version,
  schema: nameServerConfig,
  configFileEnv: 'ROCKETMQ_TS_NAMESERVER_CONFIG_FILE',
  memory: planNameServerMemory,
})
const effects = createNodeEffects()
const registry = createMetricsRegistry({ pace: createNodePace() })
const logger = createLimitedLogger<NameServerEvent | RemotingEvent | StartEvent>(
  createPinoLogger({ level: 'info', fields: { service: 'nameserver' } }),
  {
    ...effects,
    remedies: NAMESERVER_REMEDIES,
    onUrgent: createLogMetrics(registry.withLabels({ node_type: 'nameserver', node_id: hostname() })),
  },
)
for (const event of startEvents) logger[event.event === 'config.warning' ? 'warn' : 'info'](event)
const { healthHost, healthPort } = config
const processMetrics = createProcessMetrics()
const service = createNameServer(config, {
  ...effects,
  logger,
  metrics: registry.withLabels({ node_type: 'nameserver', node_id: hostname() }),
})
const health = createHealthServer({
  host: healthHost,
  port: healthPort,
  readiness: () => service.readiness(),
  metrics: [registry.exposeBytes, processMetrics.expose],
})
if (!LOOPBACK.test(config.listenHost)) {
  logger.warn({ event: 'nameserver.open', host: config.listenHost })
}
const parts = [...(healthPort === 0 ? [] : [{ name: 'health', service: health }]), { name: 'nameserver', service }]
const lifecycle = createLifecycle(parts, { ...effects, stopDeadlineMs: STOP_DEADLINE_MS })

const asked = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
})
try {
  await lifecycle.start()
} catch (error) {
  if (!(error instanceof NetworkError)) throw error
  console.error(`${error.message}; choose others with --listen-port and --health-port`)
  process.exit(1)
}
await asked
try {
  await lifecycle.stop()
} catch (error) {
  logger.error({ event: 'nameserver.stop-failed', message: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}
process.exit(0)
