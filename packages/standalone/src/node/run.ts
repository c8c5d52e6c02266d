// The command: reads the settings, starts, tells where to connect, and stops when asked. Returns the exit code.
import { performance } from 'node:perf_hooks'
import { BROKER_REMEDIES } from '@rocketmq-ts/broker'
import { COMMAND_LINE_HELP, describeConfig, type MemoryPlan, planEvent } from '@rocketmq-ts/config'
import { configure, type StartEvent } from '@rocketmq-ts/config/node'
import { GRPC_REMEDIES } from '@rocketmq-ts/grpc/node'
import { createLogMetrics, createMetricsRegistry } from '@rocketmq-ts/metrics'
import { createNodePace } from '@rocketmq-ts/metrics/node'
import { NAMESERVER_REMEDIES } from '@rocketmq-ts/nameserver'
import { PROXY_REMEDIES } from '@rocketmq-ts/proxy'
import { createLimitedLogger } from '@rocketmq-ts/runtime'
import { advertisedHostFor, createNodeEffects, createPinoLogger } from '@rocketmq-ts/runtime/node'
import manifest from '../../package.json' with { type: 'json' }
import { verifyTls } from '@rocketmq-ts/proxy/node'
import { bannerOf } from '../banner.ts'
import { STANDALONE_REMEDIES, type StandaloneEvent } from '../events.ts'
import { planMemory } from '../memory.ts'
import { isLoopback, ownSettings, PARTS, type StandaloneConfig, standaloneConfig } from '../settings.ts'
import { StartFailure } from '../start-failure.ts'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import { watchStopSignals } from './signals.ts'
import { createStandalone } from './standalone.ts'

/** No event of one service is called like that of another. */
const SERVICE_REMEDIES = {
  ...NAMESERVER_REMEDIES,
  ...BROKER_REMEDIES,
  ...PROXY_REMEDIES,
  ...GRPC_REMEDIES,
}

/** What is not drained after this time is left behind; nothing acknowledged is lost by it. */
export const DRAIN_DEADLINE_MS = 4_000
/** The process has ended this long after it was asked to, whatever happens. */
export const EXIT_DEADLINE_MS = 5_000
const INSISTED_EXIT_CODE = 130

const USAGE = `rocketmq-ts ${manifest.version}: NameServer, Broker and Proxy in one process

Usage: npm start -- [flags]

${describeConfig(ownSettings)}
  --nameserver.<setting>, --broker.<setting>, --proxy.<setting>
      Any other setting of a service; \`--help broker\` shows those of the broker.
${COMMAND_LINE_HELP}`

export interface RunOptions {
  /** Arguments without the names of program and script. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Text for people, beside the log lines on standard output. */
  readonly tell: (text: string) => void
  /** What was asked for: on standard output. */
  readonly print: (text: string) => void
  /** Standard output is a terminal. */
  readonly isTerminal: boolean
}

/** Runs until a signal asks to stop. 0 after a clean stop, 1 when the start or the stop failed, 2 for wrong settings. */
export async function runStandalone({ argv, env, tell, print, isTerminal }: RunOptions): Promise<number> {
  const configured = await configure({
    title: 'rocketmq-ts',
    version: manifest.version,
    schema: standaloneConfig,
    configFileEnv: 'ROCKETMQ_TS_STANDALONE_CONFIG_FILE',
    argv,
    env,
    memory: planMemory,
    verify: ({ proxy }) => verifyTls(proxy),
    help: helpAbout,
    print,
    tell,
    isTerminal,
  })
  if ('exitCode' in configured) return configured.exitCode
  const { config, memory } = configured
  let folder: DataFolder | undefined
  try {
    const { dataDir, ephemeral } = config
    folder = openDataFolder({ dataDir, ephemeral, isChosen: configured.origins.get('dataDir') !== 'default' })
    const warnings = configured.warnings.map((warning) => ({ event: 'config.warning' as const, warning }))
    return await runIn(folder, { config, memory, startEvents: [...warnings, planEvent(memory)] }, tell)
  } catch (error) {
    if (error instanceof StartFailure) tell(error.message)
    else tell(folder === undefined ? `--data-dir: ${messageOf(error)}` : stackOf(error))
    return 1
  } finally {
    folder?.remove()
  }
}

function helpAbout(subject: string): string | undefined {
  if (subject === '') return USAGE
  if (!PARTS.some((part) => part === subject)) return undefined
  return describeConfig({ named: standaloneConfig.named.filter(({ flag }) => flag.startsWith(`${subject}.`)) })
}

interface Beginning {
  readonly config: StandaloneConfig
  readonly memory: MemoryPlan
  readonly startEvents: readonly StartEvent[]
}

async function runIn(
  folder: DataFolder,
  { config, memory, startEvents }: Beginning,
  tell: (text: string) => void,
): Promise<number> {
  const endAtOnce = () => {
    folder.remove()
    process.exit(INSISTED_EXIT_CODE)
  }
  const signals = watchStopSignals(() => performance.now(), endAtOnce)
  const effects = createNodeEffects()
  const registry = createMetricsRegistry({ pace: createNodePace() })
  const countOf = (node_type: string) => createLogMetrics(registry.withLabels({ node_type }))
  const logger = createLimitedLogger<StandaloneEvent | StartEvent>(createPinoLogger({ level: config.logLevel }), {
    ...effects,
    remedies: STANDALONE_REMEDIES,
    onUrgent: countOf('standalone'),
  })
  for (const event of startEvents) logger[event.event === 'config.warning' ? 'warn' : 'info'](event)
  const standalone = createStandalone(config, {
    effects,
    dataDir: folder.path,
    memoryLimit: memory.limit,
    advertisedHost: advertisedHostFor(config.host),
    loggerOf: (service) =>
      createLimitedLogger(createPinoLogger({ level: config.logLevel, fields: { service } }), {
        ...effects,
        remedies: SERVICE_REMEDIES,
        onUrgent: countOf(service),
      }),
    registry,
    stopDeadlineMs: DRAIN_DEADLINE_MS,
    onDefect: () => {
      folder.remove()
      process.exit(1)
    },
  })
  try {
    if (!isLoopback(config.host)) logger.warn({ event: 'standalone.open', host: config.host })
    const starting = standalone.start()
    const askedEarly = await Promise.race([starting.then(() => undefined), signals.asked])
    if (askedEarly === undefined) {
      const { endpoints } = standalone
      const startMs = performance.now()
      logger.info({ event: 'standalone.ready', ...endpoints, dataDir: folder.path, startMs: Math.round(startMs) })
      const { ephemeral, flush } = config
      tell(bannerOf({ version: manifest.version, endpoints, dataDir: folder.path, ephemeral, flush, startMs }))
    } else starting.catch(() => {}) // the stop below waits for it
    const signal = await signals.asked
    logger.info({ event: 'standalone.stopping', signal })
    const overdue = setTimeout(() => {
      folder.remove()
      process.exit(1)
    }, EXIT_DEADLINE_MS)
    try {
      await standalone.stop()
    } catch (error) {
      logger.error({ event: 'standalone.stop-failed', message: messageOf(error) })
      return 1
    } finally {
      clearTimeout(overdue)
    }
    logger.info({ event: 'standalone.stopped' })
    return 0
  } finally {
    signals.close()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
