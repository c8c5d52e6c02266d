// The command: reads the settings, starts, and stops when asked. Ends with 2 for wrong settings, 1 for a failed start.
import { hostname } from 'node:os'
import { configureProcess, type StartEvent } from '@rocketmq-ts/config/node'
import { createGrpcJsTransport, GRPC_REMEDIES, type GrpcPortEvent } from '@rocketmq-ts/grpc/node'
import { createHealthServer } from '@rocketmq-ts/health/node'
import { createLogMetrics, createMetricsRegistry } from '@rocketmq-ts/metrics'
import { createNodePace, createProcessMetrics } from '@rocketmq-ts/metrics/node'
import { MqError } from '@rocketmq-ts/model'
import { createLifecycle, createLimitedLogger, NetworkError } from '@rocketmq-ts/runtime'
import { createNodeEffects, createPinoLogger } from '@rocketmq-ts/runtime/node'
import manifest from '../package.json' with { type: 'json' }
import { proxyConfig } from './config.ts'
import { PROXY_REMEDIES, type ProxyEvent } from './events.ts'
import { grpcLimitsOf, planProxyMemory } from './memory.ts'
import { loadTls, verifyTls } from './node/tls.ts'
import { createProxy, type Proxy } from './proxy.ts'

const STOP_DEADLINE_MS = 4000
const PORT_FLAGS = '; choose others with --grpc-server-port and --health-port'
const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/

const { config, startEvents } = await configureProcess({
  title: 'rocketmq-ts Proxy',
  version: manifest.version,
  schema: proxyConfig,
  configFileEnv: 'ROCKETMQ_TS_PROXY_CONFIG_FILE',
  memory: planProxyMemory,
  verify: verifyTls,
})
const effects = createNodeEffects()
const registry = createMetricsRegistry({ pace: createNodePace() })
const logger = createLimitedLogger<ProxyEvent | GrpcPortEvent | StartEvent>(
  createPinoLogger({ level: 'info', fields: { service: 'proxy' } }),
  {
    ...effects,
    remedies: { ...PROXY_REMEDIES, ...GRPC_REMEDIES },
    onUrgent: createLogMetrics(registry.withLabels({ node_type: 'proxy', node_id: hostname() })),
  },
)
for (const event of startEvents) logger[event.event === 'config.warning' ? 'warn' : 'info'](event)

/** For failures that a person can mend; anything else is a defect and shows its stack. */
function endWith(code: number, error: unknown, remedy = ''): never {
  if (!(error instanceof MqError || error instanceof NetworkError)) throw error
  console.error(`${error.message}${error instanceof NetworkError ? remedy : ''}`)
  process.exit(code)
}

function compose(): Proxy {
  try {
    return createProxy(config, { ...effects, logger, transport, metrics })
  } catch (error) {
    return endWith(2, error)
  }
}

const metrics = registry.withLabels({ node_type: 'proxy', node_id: hostname() })
const processMetrics = createProcessMetrics()
const tls = await loadTls(config, effects.clock).catch((error: unknown) => endWith(2, error))
const transport = createGrpcJsTransport({
  host: config.grpcServerHost,
  port: config.grpcServerPort,
  tls,
  limits: grpcLimitsOf(config),
  logger,
})
const service = compose()
if (!LOOPBACK.test(config.grpcServerHost)) logger.warn({ event: 'proxy.open', host: config.grpcServerHost })
const health = createHealthServer({
  host: config.healthHost,
  port: config.healthPort,
  readiness: () => service.readiness(),
  metrics: [registry.exposeBytes, processMetrics.expose],
})
const parts = [...(config.healthPort === 0 ? [] : [{ name: 'health', service: health }]), { name: 'proxy', service }]
const lifecycle = createLifecycle(parts, { ...effects, stopDeadlineMs: STOP_DEADLINE_MS })

const asked = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
})
await lifecycle.start().catch((error: unknown) => endWith(1, error, PORT_FLAGS))
await asked
try {
  await lifecycle.stop()
} catch (error) {
  logger.error({ event: 'proxy.stop-failed', message: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}
process.exit(0)
