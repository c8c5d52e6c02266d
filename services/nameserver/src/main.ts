// The command: reads the settings, starts, and stops when asked. Ends with 2 for wrong settings, 1 for a failed start.
import { hostname } from 'node:os'
import { describeConfig, formatFaults, parseConfig, readFlags } from '@rocketmq-ts/config'
import { createHealthServer } from '@rocketmq-ts/health/node'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import { createProcessMetrics } from '@rocketmq-ts/metrics/node'
import type { RemotingEvent } from '@rocketmq-ts/remoting'
import { createLifecycle, NetworkError } from '@rocketmq-ts/runtime'
import { createNodeEffects, createPinoLogger } from '@rocketmq-ts/runtime/node'
import { nameServerConfig } from './config.ts'
import type { NameServerEvent } from './events.ts'
import { createNameServer } from './nameserver.ts'

const STOP_DEADLINE_MS = 4000
const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/

const argv = process.argv.slice(2)
if (argv.includes('--help')) {
  console.error(`rocketmq-ts NameServer\n\n${describeConfig(nameServerConfig)}`)
  process.exit(0)
}
const flags = readFlags(nameServerConfig, argv)
const result = parseConfig(nameServerConfig, { flags: flags.values, env: process.env })
if (!result.ok || flags.faults.length > 0) {
  console.error(formatFaults([...flags.faults, ...(result.ok ? [] : result.faults)]))
  process.exit(2)
}
const effects = createNodeEffects()
const logger = createPinoLogger<NameServerEvent | RemotingEvent>({ level: 'info', fields: { service: 'nameserver' } })
const { healthHost, healthPort } = result.config
const registry = createMetricsRegistry()
const processMetrics = createProcessMetrics()
const service = createNameServer(result.config, {
  ...effects,
  logger,
  metrics: registry.withLabels({ node_type: 'nameserver', node_id: hostname() }),
})
const health = createHealthServer({
  host: healthHost,
  port: healthPort,
  readiness: () => service.readiness(),
  metrics: async () => (await registry.expose()) + (await processMetrics.expose()),
})
if (!LOOPBACK.test(result.config.listenHost)) {
  logger.warn({ event: 'nameserver.open', host: result.config.listenHost })
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
await lifecycle.stop()
process.exit(0)
